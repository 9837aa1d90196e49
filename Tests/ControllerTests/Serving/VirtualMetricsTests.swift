import Controller
import Exposition
import HTTPTransport
import JSON
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
    container_start_time_seconds{container="render",id="/r"} 1.7952178e+09

    """

  /// A page of each pod of the sample's virtual node, taken in as the collector does it.
  private func fill(_ served: ServedController, pods: [String] = ["render"]) throws {
    for pod in pods {
      let entry = RollEntry(
        reference: ContainerReference(namespace: "shop", pod: pod, container: "render"), podUID: "u", containerID: "", hostNetwork: false)
      var intake = PageIntake(settings: VirtualSettings())
      let taken = try intake.take(
        Array(Self.page.utf8), labels: PodLabels(node: "virtual-1", entries: [entry], isOfOnePod: true), sharing: served.virtualPages.shapes
      )
      served.virtualPages.store(taken.page, VirtualPages.Key(namespace: "shop", pod: pod), of: "virtual-1")
    }
  }

  @Test func nothingIsServedBeforeThereIsSomething_R36() async throws {
    try await ServedController.run { served in
      let early = try await served.request("/metrics/cadvisor")
      #expect(early.status == 503)
      served.publishSample()
      for path in ["/metrics/cadvisor", "/metrics/cadvisor?node=virtual-1", "/metrics/resource"] {
        #expect(try await served.request(path).status == 503, "\(path)")
      }
      served.leadership.withLock { $0 = LeadershipView(isLeader: false, holder: "replica-1") }
      #expect(try await served.text("/metrics/cadvisor").contains("replica-1 leads"))
      #expect(try await served.request("/metrics/cadvisor?node=linux-1").status == 404)
      #expect(try await served.request("/metrics/cadvisor?node=nobody").status == 404)
      #expect(try await served.request("/stats/summary").status == 400)
    }
  }

  @Test func thePageIsThatOfAKubelet() async throws {
    try await ServedController.run { served in
      served.publishSample()
      try fill(served)
      #expect(served.virtualPages.lastScrape(of: "virtual-1") == .never)
      let plain = try await served.request("/metrics/cadvisor?node=virtual-1")
      #expect(plain.header("Content-Type") == ExpositionContentType.text)
      let text = String(decoding: plain.body, as: UTF8.self)
      #expect(text.hasPrefix("# HELP container_cpu_usage_seconds_total"))
      #expect(
        text.contains(
          #"container_cpu_usage_seconds_total{container="render",cpu="total",id="/r",namespace="shop",pod="render",node="virtual-1"} 1.5 1795218028337"#
        ))
      #expect(try await served.text("/metrics/cadvisor") == text)
      // Read to the end: that is a scrape.
      try await eventually("the scrape is noted") {
        if case .ago = served.virtualPages.lastScrape(of: "virtual-1") { true } else { false }
      }
    }
  }

  @Test func gzipUnpacksToTheSamePage() async throws {
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

  @Test func resourceMetricsAndSummaryAreMadeOfTheSameNumbers() async throws {
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
          container_start_time_seconds{container="render",namespace="shop",pod="render"} 1795217800
          # HELP pod_cpu_usage_seconds_total Cumulative cpu time consumed by the pod in core-seconds
          # TYPE pod_cpu_usage_seconds_total counter
          pod_cpu_usage_seconds_total{namespace="shop",pod="render"} 1.5 1795218028337
          # HELP pod_memory_working_set_bytes Current working set of the pod in bytes
          # TYPE pod_memory_working_set_bytes gauge
          pod_memory_working_set_bytes{namespace="shop",pod="render"} 4096 1795218028337
          # HELP scrape_error 1 if there was an error while getting container metrics, 0 otherwise
          # TYPE scrape_error gauge
          scrape_error 0

          """)
      let time: JSONValue = "2026-11-20T23:40:28Z"
      let cpu: JSONValue = ["usageCoreNanoSeconds": 1_500_000_000, "time": time]
      let memory: JSONValue = ["workingSetBytes": 4096, "time": time]
      #expect(
        try await served.json("/stats/summary?node=virtual-1") == [
          "node": ["nodeName": "virtual-1"],
          "pods": [
            [
              "podRef": ["name": "render", "namespace": "shop"], "cpu": cpu, "memory": memory,
              "containers": [["name": "render", "startTime": "2026-11-20T23:36:40Z", "cpu": cpu, "memory": memory]],
            ]
          ],
        ])
    }
  }
}
