import Controller
import Exposition
import HTTPTransport
import JSON
import Primitives
import Roll
import Synchronization
import TestSupport
import Testing

@testable import Collector

@Suite struct VirtualMetricsTests {
  private static let page = """
    # HELP container_cpu_usage_seconds_total Cumulative cpu time consumed in seconds.
    # TYPE container_cpu_usage_seconds_total counter
    container_cpu_usage_seconds_total{container="render",cpu="total",id="/r"} 1.5 1795218028337
    container_cpu_usage_seconds_total{container="POD",cpu="total",id="/p"} 9 1795218028337
    # HELP container_memory_working_set_bytes Current working set in bytes.
    # TYPE container_memory_working_set_bytes gauge
    container_memory_working_set_bytes{container="render",id="/r"} 4096 1795218028337
    container_start_time_seconds{container="render",id="/r"} 1.7952178e+09 1795218028337

    """

  /// Adds a scrape of each pod on the sample's virtual node, as the collector does.
  private func fill(_ served: ServedController, pods: [String] = ["render"], page: String = page) throws {
    for pod in pods {
      let entry = RollEntry(
        reference: ContainerReference(namespace: "shop", pod: pod, container: "render"), podUID: "u", containerID: "", hostNetwork: false)
      var ingest = ScrapeIngest(settings: VirtualSettings())
      let ingested = try ingest.ingest(
        Array(page.utf8), labels: PodLabels(node: "virtual-1", entries: [entry], isOfOnePod: true), Freshness(limit: .seconds(60)),
        sharing: served.virtualCache.shapes)
      served.virtualCache.store(ingested.scrape, VirtualScrapeCache.Key(namespace: "shop", pod: pod), of: "virtual-1")
    }
  }

  @Test func `R36: nothing is served before data is available`() async throws {
    try await ServedController.run { served in
      let early = try await served.request("/metrics/cadvisor")
      #expect(early.status == 503)
      served.publishSample()
      for path in ["/metrics/cadvisor", "/metrics/cadvisor?node=virtual-1", "/metrics/resource"] {
        #expect(try await served.request(path).status == 503, "\(path)")
      }
      served.leadership.status = LeadershipStatus(isLeader: false, holder: "replica-1")
      #expect(try await served.text("/metrics/cadvisor").contains("replica-1 leads"))
      #expect(try await served.request("/metrics/cadvisor?node=linux-1").status == 404)
      #expect(try await served.request("/metrics/cadvisor?node=nobody").status == 404)
      #expect(try await served.request("/stats/summary").status == 400)
    }
  }

  @Test func `the metrics match those of a kubelet`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      try fill(served)
      #expect(served.virtualCache.lastScrape(of: "virtual-1") == .never)
      let plain = try await served.request("/metrics/cadvisor?node=virtual-1")
      #expect(plain.header("Content-Type") == ExpositionFormat.text.contentType)
      let text = String(decoding: plain.body, as: UTF8.self)
      #expect(text.hasPrefix("# HELP container_cpu_usage_seconds_total"))
      #expect(
        text.contains(
          #"container_cpu_usage_seconds_total{container="render",cpu="total",id="/r",namespace="shop",pod="render",node="virtual-1"} 1.5 1795218028337"#
        ))
      #expect(try await served.text("/metrics/cadvisor") == text)
      #expect(served.virtualCache.lastScrape(of: "virtual-1") == .never, "a client that is no scraper")
      // A response read to the end counts as a scrape.
      _ = try await served.request("/metrics/cadvisor", headers: [HTTPHeader("User-Agent", "Prometheus/3.5.0")])
      try await eventually("the scrape is recorded") {
        if case .ago = served.virtualCache.lastScrape(of: "virtual-1") { true } else { false }
      }
    }
  }

  @Test func `the gzip response decompresses to the same metrics`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      // More than one chunk.
      try fill(served, pods: (0..<800).map { "render-\($0)" })
      let plain = try await served.request("/metrics/cadvisor")
      #expect(plain.header("Content-Encoding") == nil)
      #expect(plain.body.count > 300_000)
      let packed = try await served.request("/metrics/cadvisor", headers: [HTTPHeader("Accept-Encoding", "deflate, gzip;q=0.5")])
      #expect(packed.header("Content-Encoding") == "gzip")
      #expect(packed.body.count < plain.body.count / 5)
      let transport = try HTTPTransport()
      var request = HTTPRequest(url: "http://\(served.authority)/metrics/cadvisor", deadline: .seconds(60))
      request.acceptsCompression = true
      #expect(try await transport.send(request).body == plain.body)
      let refused = try await served.request("/metrics/cadvisor", headers: [HTTPHeader("Accept-Encoding", "gzip;q=0")])
      #expect(refused.header("Content-Encoding") == nil)
    }
  }

  @Test func `rates are computed from the last two readings`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      try fill(served)
      // A repeated or older sample gives no rate.
      try fill(served)
      // 2 s of CPU in 10 s is 200 millicores.
      try fill(served, page: Self.page.replacing("} 1.5 1795218028337", with: "} 3.5 1795218038337"))
      let summary = try await served.json("/stats/summary?node=virtual-1")
      let cpu: JSONValue = [
        "usageCoreNanoSeconds": 3_500_000_000, "usageNanoCores": 200_000_000, "time": "2026-11-20T23:40:38Z",
      ]
      #expect(summary["pods"]?[0]?["containers"]?[0]?["cpu"] == cpu)
      #expect(summary["pods"]?[0]?["cpu"] == cpu)
      #expect(summary["node"]?["cpu"]?["usageNanoCores"] == 200_000_000)
      #expect(summary["node"]?["cpu"]?["usageCoreNanoSeconds"] == 2_000_000_000)
      #expect(summary["node"]?["memory"]?["workingSetBytes"] == 4096)
      try fill(served)
      #expect(try await served.json("/stats/summary?node=virtual-1")["pods"]?[0]?["cpu"]?["usageNanoCores"] == nil)
      // A node's counter does not decrease when a pod's does or when a pod is removed.
      served.virtualCache.retain([], of: "virtual-1")
      try fill(served, pods: ["another"])
      #expect(try await served.json("/stats/summary?node=virtual-1")["node"]?["cpu"]?["usageCoreNanoSeconds"] == 2_000_000_000)
    }
  }

  @Test func `samples without a timestamp are dated by when they were fetched`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      try fill(served, page: Self.page.replacing(" 1795218028337", with: ""))
      let summary = try await served.json("/stats/summary?node=virtual-1")
      let pod = summary["pods"]?[0]
      let times = [summary["node"], pod, pod?["containers"]?[0]].flatMap { [$0?["cpu"]?["time"]?.string, $0?["memory"]?["time"]?.string] }
      // The tests' clock stands still, but scrapes are timed by the system clock.
      let now = served.time.reading().unixMilliseconds
      for time in times {
        #expect((now - 600_000...now).contains(time.flatMap { Timestamp(rfc3339: $0)?.unixMilliseconds } ?? 0), "\(time ?? "none")")
      }
    }
  }

  @Test func `metrics-server finds all it needs for the Node and each Pod in /metrics/resource`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      try fill(served, pods: ["render", "paint"])
      try fill(
        served, pods: ["render", "paint"], page: Self.page.replacing("} 1.5 1795218028337", with: "} 3.5 1795218038337"))
      let read = MetricsServerReading(try await served.text("/metrics/resource?node=virtual-1"))
      #expect(read.nodeCPU == 4 && read.nodeMemory == 8192)
      #expect(Set(read.pods.keys) == ["shop/render", "shop/paint"])
      for (pod, containers) in read.pods {
        #expect(
          containers == ["render": .init(cpu: 3.5, memory: 4096, time: 1_795_218_028_337, start: 1_795_217_800)], "\(pod)")
      }
      // No node series in a response for all nodes.
      #expect(try await !served.text("/metrics/resource").contains("node_cpu_usage_seconds_total"))
    }
  }

  @Test func `R97: what metrics-server refuses is left out, and every sample has a time`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      let page = """
        container_cpu_usage_seconds_total{container="render",cpu="total"} 1.5
        container_memory_working_set_bytes{container="render"} 4096
        container_start_time_seconds{container="render"} 1795217800
        container_cpu_usage_seconds_total{container="new",cpu="total"} 0
        container_memory_working_set_bytes{container="new"} 512
        container_cpu_usage_seconds_total{container="half",cpu="total"} 3

        """
      try fill(served, page: page)
      let text = try await served.text("/metrics/resource?node=virtual-1")
      let read = MetricsServerReading(text)
      #expect(Set(read.pods["shop/render"].map { Array($0.keys) } ?? []) == ["render"])
      // The node has used no CPU since its pods were first scraped.
      #expect(!text.contains("node_cpu_usage_seconds_total") && read.nodeMemory == 4608)
      let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.contains("scrape_error") }
      #expect(samples.count == 6 && samples.allSatisfy { $0.split(separator: " ").count == 3 }, "\(text)")
    }
  }

  @Test func `R95: quoted names are served to a client that asks for them`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      try fill(served, page: "container_a{container=\"render\",\"tier.name\"=\"hot\"} 1\n")
      let prometheus3 = """
        application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
        text/plain;version=0.0.4;q=0.2,*/*;q=0.1
        """
      let quoted = try await served.request("/metrics/cadvisor?node=virtual-1", headers: [HTTPHeader("Accept", prometheus3)])
      #expect(String(decoding: quoted.body, as: UTF8.self).contains(#""tier.name"="hot""#))
      #expect(quoted.header("Content-Type") == ExpositionFormat.quotedNamesContentType)
      let legacy = try await served.request("/metrics/cadvisor?node=virtual-1")
      #expect(String(decoding: legacy.body, as: UTF8.self).contains(#"tier_name="hot""#))
      #expect(legacy.header("Content-Type") == ExpositionFormat.text.contentType)
    }
  }

  @Test func `resource metrics and summary agree on the same values`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      try fill(served)
      #expect(
        try await served.text("/metrics/resource") == """
          # HELP container_cpu_usage_seconds_total Cumulative cpu time consumed by the container in core-seconds
          # TYPE container_cpu_usage_seconds_total counter
          container_cpu_usage_seconds_total{container="render",namespace="shop",pod="render"} 1.5 1795218028337
          # HELP container_memory_working_set_bytes Current working set of the container in bytes
          # TYPE container_memory_working_set_bytes gauge
          container_memory_working_set_bytes{container="render",namespace="shop",pod="render"} 4096 1795218028337
          # HELP container_start_time_seconds Start time of the container since unix epoch in seconds
          # TYPE container_start_time_seconds gauge
          container_start_time_seconds{container="render",namespace="shop",pod="render"} 1795217800 1795218028337
          # HELP pod_cpu_usage_seconds_total Cumulative cpu time consumed by the pod in core-seconds
          # TYPE pod_cpu_usage_seconds_total counter
          pod_cpu_usage_seconds_total{namespace="shop",pod="render"} 1.5 1795218028337
          # HELP pod_memory_working_set_bytes Current working set of the pod in bytes
          # TYPE pod_memory_working_set_bytes gauge
          pod_memory_working_set_bytes{namespace="shop",pod="render"} 4096 1795218028337
          # HELP resource_scrape_error 1 if there was an error while getting container metrics, 0 otherwise
          # TYPE resource_scrape_error gauge
          resource_scrape_error 0
          # HELP scrape_error 1 if there was an error while getting container metrics, 0 otherwise
          # TYPE scrape_error gauge
          scrape_error 0

          """)
      let time: JSONValue = "2026-11-20T23:40:28Z"
      let cpu: JSONValue = ["usageCoreNanoSeconds": 1_500_000_000, "time": time]
      let uid = try #require(served.rolls.roll(of: "virtual-1")?.entries.first?.podUID)
      #expect(!uid.isEmpty)
      let memory: JSONValue = ["workingSetBytes": 4096, "time": time]
      #expect(
        try await served.json("/stats/summary?node=virtual-1") == [
          "node": [
            "nodeName": "virtual-1", "cpu": ["usageCoreNanoSeconds": 0, "time": time], "memory": memory,
          ],
          "pods": [
            [
              "podRef": ["name": "render", "namespace": "shop", "uid": .string(uid)], "startTime": "2026-11-20T23:36:40Z", "cpu": cpu,
              "memory": memory,
              "containers": [["name": "render", "startTime": "2026-11-20T23:36:40Z", "cpu": cpu, "memory": memory]],
            ]
          ],
        ])
    }
  }
}
