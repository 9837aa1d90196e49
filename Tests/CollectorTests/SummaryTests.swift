import AsyncPrimitives
import Exposition
import HTTPTransport
import Roll
import TestSupport
import Testing

@testable import Collector

/// 2026-03-01T12:00:00Z.
private let sent: Int64 = 1_772_366_400_000

/// From a kubelet on Windows: a container with values, one with unknown values (zeros), and one with frozen values.
private let windowsSummary = """
  {
    "node": {
      "nodeName": "win-1", "startTime": "2026-02-01T00:00:00Z",
      "cpu": {"time": "2026-03-01T11:59:50Z", "usageNanoCores": 0, "usageCoreNanoSeconds": 8532520000000},
      "memory": {"time": "2026-03-01T11:59:50Z", "availableBytes": 14297423872, "workingSetBytes": 734490624, "rssBytes": 0, "pageFaults": 0},
      "network": {"time": "2026-03-01T11:59:50Z", "name": "eth0", "interfaces": [{"name": "eth0", "rxBytes": 1000, "txBytes": 2000}]},
      "fs": {"time": "2026-03-01T11:59:50Z", "availableBytes": 15829303296, "capacityBytes": 32212250624, "usedBytes": 16382947328}
    },
    "pods": [
      {
        "podRef": {"name": "frontend-0", "namespace": "web", "uid": "u1"}, "startTime": "2026-02-28T00:00:00Z",
        "containers": [
          {
            "name": "iis", "startTime": "2026-02-28T00:00:10.5Z",
            "cpu": {"time": "2026-03-01T11:59:48Z", "usageCoreNanoSeconds": 749578125000},
            "memory": {"time": "2026-03-01T11:59:54Z", "workingSetBytes": 83255296},
            "rootfs": {"time": "2026-03-01T11:59:54Z", "availableBytes": 15829303296, "capacityBytes": 32212250624, "usedBytes": 0},
            "logs": {"time": "2026-03-01T11:59:54Z", "usedBytes": 4096, "inodesUsed": 0},
            "userDefinedMetrics": null
          },
          {"name": "silent", "cpu": {"time": "2026-03-01T11:59:54Z", "usageCoreNanoSeconds": 0}, "memory": {"workingSetBytes": 0}},
          {"name": "frozen", "cpu": {"time": "2026-02-28T00:00:20Z", "usageCoreNanoSeconds": 5000000000}}
        ],
        "cpu": {"time": "2026-02-28T00:00:10Z", "usageCoreNanoSeconds": 749578125000},
        "memory": {"time": "2026-03-01T11:59:54Z", "workingSetBytes": 83255296},
        "network": {"time": "2026-03-01T11:59:54Z", "name": "cbr0", "rxBytes": 0, "rxErrors": 0, "txBytes": 512},
        "volume": [
          {"time": "2026-03-01T11:59:30Z", "name": "data", "capacityBytes": 100, "usedBytes": 0, "availableBytes": 100,
           "pvcRef": {"name": "data-frontend-0", "namespace": "web"}},
          {"time": "2026-03-01T11:59:30Z", "name": "scratch", "capacityBytes": 50, "usedBytes": 5}
        ],
        "ephemeral-storage": {"time": "2026-03-01T11:59:54Z", "availableBytes": 15829303296, "capacityBytes": 32212250624, "usedBytes": 4096}
      },
      {"podRef": {"name": "frontend-0", "namespace": "web", "uid": "u0"}, "startTime": "2026-02-27T00:00:00Z",
       "containers": [{"name": "iis", "memory": {"time": "2026-03-01T11:59:54Z", "workingSetBytes": 1}}]},
      {"podRef": {"name": "sharer-0", "namespace": "web"}, "containers": [],
       "volume": [{"name": "data", "capacityBytes": 100, "pvcRef": {"name": "data-frontend-0", "namespace": "web"}}]}
    ]
  }
  """

/// In the format of kubelet 1.36 on Linux: pods without the page faults of their containers, a pod on the host's network with the host's
/// interfaces, logs and swap with no usage, a volume in memory, and members that are not exported.
private let linuxSummary = """
  {
    "node": {
      "nodeName": "lin-1", "startTime": "2026-02-01T00:00:00Z",
      "systemContainers": [{"name": "pods", "cpu": {"time": "2026-03-01T11:59:50Z", "usageCoreNanoSeconds": 874975096}}],
      "cpu": {"time": "2026-03-01T11:59:50Z", "usageNanoCores": 12, "usageCoreNanoSeconds": 200350010, "psi": {"full": {"total": 0}}},
      "network": {"time": "2026-03-01T11:59:50Z", "name": "eth0", "rxBytes": 7, "rxErrors": 0, "txBytes": 8, "txErrors": 0,
        "interfaces": [{"name": "ifb0", "rxBytes": 0, "txBytes": 0}, {"name": "eth0", "rxBytes": 7, "txBytes": 8}]},
      "rlimit": {"time": "2026-03-01T11:59:50Z", "maxpid": 32768, "curproc": 915}
    },
    "pods": [
      {
        "podRef": {"name": "web-0", "namespace": "default", "uid": "u1"}, "startTime": "2026-03-01T11:00:00Z",
        "containers": [
          {
            "name": "app", "startTime": "2026-03-01T11:00:01Z",
            "cpu": {"time": "2026-03-01T11:59:54Z", "usageNanoCores": 0, "usageCoreNanoSeconds": 200350010},
            "memory": {"time": "2026-03-01T11:59:54Z", "availableBytes": 0, "usageBytes": 3928064, "pageFaults": 966, "majorPageFaults": 0},
            "io": {"time": "2026-03-01T11:59:54Z"},
            "logs": {"time": "2026-03-01T11:59:54Z", "usedBytes": 0, "inodesUsed": 1},
            "swap": {"time": "2026-03-01T11:59:54Z", "swapAvailableBytes": 0, "swapUsageBytes": 0}
          }
        ],
        "memory": {"time": "2026-03-01T11:59:54Z", "pageFaults": 0, "majorPageFaults": 0},
        "network": {"time": "2026-03-01T11:59:54Z", "name": "eth0", "rxBytes": 446, "rxErrors": 0, "txBytes": 726, "txErrors": 0,
          "interfaces": [{"name": "eth0", "rxBytes": 446, "rxErrors": 0, "txBytes": 726, "txErrors": 0}]},
        "volume": [{"time": "2026-03-01T11:59:30Z", "name": "mem", "capacityBytes": 1048576, "usedBytes": 0, "availableBytes": 1048576,
          "inodes": 3085511, "inodesFree": 3085510, "inodesUsed": 1}],
        "process_stats": {"process_count": 2}
      },
      {
        "podRef": {"name": "agent-0", "namespace": "default", "uid": "u2"}, "startTime": "2026-03-01T11:00:00Z",
        "containers": [{"name": "app", "cpu": {"time": "2026-03-01T11:59:54Z", "usageCoreNanoSeconds": 11108219}}],
        "network": {"time": "2026-03-01T11:59:54Z", "name": "eth0", "rxBytes": 7, "txBytes": 8, "interfaces": [{"name": "eth0", "rxBytes": 7, "txBytes": 8}]}
      }
    ]
  }
  """

private func samples(_ body: [UInt8]) -> [String] {
  String(decoding: body, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
}

private func summary(_ text: String = windowsSummary, sent: Int64? = sent) throws -> KubeletSummary {
  try KubeletSummary(Array(text.utf8), freshness: Freshness(sent: sent, limit: .seconds(120)), origin: "test")
}

@Suite struct SummaryTests {
  @Test func `the summary of a Windows kubelet as an exposition`() throws {
    let body = try summary().exposition(of: "win-1")
    let iis = #"namespace="web",pod="frontend-0",node="win-1",container="iis""#
    let pod = #"namespace="web",pod="frontend-0",node="win-1""#
    let (at48, at50, at54, at30) = (sent - 12_000, sent - 10_000, sent - 6000, sent - 30_000)
    #expect(
      samples(body) == [
        #"container_cpu_usage_seconds_total{\#(iis),cpu="total"} 749.578125 \#(at48)"#,
        #"container_cpu_usage_seconds_total{node="win-1",id="/",cpu="total"} 8532.52 \#(at50)"#,
        #"container_memory_working_set_bytes{\#(iis)} 83255296 \#(at54)"#,
        #"container_memory_working_set_bytes{\#(pod)} 83255296 \#(at54)"#,
        #"container_memory_working_set_bytes{node="win-1",id="/"} 734490624 \#(at50)"#,
        #"container_fs_usage_bytes{node="win-1",id="/"} 16382947328 \#(at50)"#,
        #"container_fs_limit_bytes{\#(iis)} 32212250624 \#(at54)"#,
        #"container_fs_limit_bytes{node="win-1",id="/"} 32212250624 \#(at50)"#,
        #"kubelet_container_log_filesystem_used_bytes{\#(iis)} 4096 \#(at54)"#,
        #"container_network_receive_bytes_total{\#(pod),interface="cbr0"} 0 \#(at54)"#,
        #"container_network_receive_bytes_total{node="win-1",id="/",interface="eth0"} 1000 \#(at50)"#,
        #"container_network_receive_errors_total{\#(pod),interface="cbr0"} 0 \#(at54)"#,
        #"container_network_transmit_bytes_total{\#(pod),interface="cbr0"} 512 \#(at54)"#,
        #"container_network_transmit_bytes_total{node="win-1",id="/",interface="eth0"} 2000 \#(at50)"#,
        #"kubelet_volume_stats_capacity_bytes{namespace="web",persistentvolumeclaim="data-frontend-0",node="win-1"} 100 \#(at30)"#,
        #"kubelet_volume_stats_available_bytes{namespace="web",persistentvolumeclaim="data-frontend-0",node="win-1"} 100 \#(at30)"#,
        #"kubelet_volume_stats_used_bytes{namespace="web",persistentvolumeclaim="data-frontend-0",node="win-1"} 0 \#(at30)"#,
        #"rollcall_pod_volume_capacity_bytes{\#(pod),volume="scratch"} 50 \#(at30)"#,
        #"rollcall_pod_volume_used_bytes{\#(pod),volume="scratch"} 5 \#(at30)"#,
        #"rollcall_pod_ephemeral_storage_used_bytes{\#(pod)} 4096 \#(at54)"#,
        #"rollcall_pod_ephemeral_storage_available_bytes{\#(pod)} 15829303296 \#(at54)"#,
        #"rollcall_pod_ephemeral_storage_capacity_bytes{\#(pod)} 32212250624 \#(at54)"#,
        #"container_start_time_seconds{\#(iis)} 1772236810.5"#,
        #"container_start_time_seconds{node="win-1",id="/"} 1769904000"#,
      ])
    _ = try parsedSamples(body)
  }

  @Test
  func `the summary of a Linux kubelet as an exposition, without pods on the host's network`() throws {
    let body = try summary(linuxSummary).exposition(of: "lin-1") { $0.name == "agent-0" }
    let app = #"namespace="default",pod="web-0",node="lin-1",container="app""#
    let pod = #"namespace="default",pod="web-0",node="lin-1""#
    let (at50, at54, at30) = (sent - 10_000, sent - 6000, sent - 30_000)
    func volume(_ what: String, _ value: Int) -> String { "rollcall_pod_volume_\(what){\(pod),volume=\"mem\"} \(value) \(at30)" }
    var expected = [
      #"container_cpu_usage_seconds_total{namespace="default",pod="agent-0",node="lin-1",container="app",cpu="total"} 0.011108219 \#(at54)"#,
      #"container_cpu_usage_seconds_total{\#(app),cpu="total"} 0.20035001 \#(at54)"#,
      #"container_cpu_usage_seconds_total{node="lin-1",id="/",cpu="total"} 0.20035001 \#(at50)"#,
      #"container_memory_usage_bytes{\#(app)} 3928064 \#(at54)"#,
      #"container_memory_failures_total{\#(app),failure_type="pgfault",scope="container"} 966 \#(at54)"#,
      #"container_memory_failures_total{\#(app),failure_type="pgmajfault",scope="container"} 0 \#(at54)"#,
      #"container_memory_swap{\#(app)} 0 \#(at54)"#,
      #"kubelet_container_log_filesystem_used_bytes{\#(app)} 0 \#(at54)"#,
    ]
    for (what, pods, errors, node) in [("receive", 446, 0, 7), ("transmit", 726, 0, 8)] {
      expected += [
        #"container_network_\#(what)_bytes_total{\#(pod),interface="eth0"} \#(pods) \#(at54)"#,
        #"container_network_\#(what)_bytes_total{node="lin-1",id="/",interface="ifb0"} 0 \#(at50)"#,
        #"container_network_\#(what)_bytes_total{node="lin-1",id="/",interface="eth0"} \#(node) \#(at50)"#,
        #"container_network_\#(what)_errors_total{\#(pod),interface="eth0"} \#(errors) \#(at54)"#,
      ]
    }
    expected += [
      volume("capacity_bytes", 1_048_576), volume("available_bytes", 1_048_576), volume("used_bytes", 0), volume("inodes", 3_085_511),
      volume("inodes_free", 3_085_510), volume("inodes_used", 1),
      "container_start_time_seconds{\(app)} 1772362801", #"container_start_time_seconds{node="lin-1",id="/"} 1769904000"#,
    ]
    #expect(samples(body) == expected)
    _ = try parsedSamples(body)
  }

  @Test func `a container is collected if it has fresh and known values`() throws {
    let entries = [
      rollEntry("web/frontend-0/iis"), rollEntry("web/frontend-0/silent"), rollEntry("web/frontend-0/frozen"), rollEntry("web/gone-0/iis"),
    ]
    let answers = try summary().answers(for: entries)
    #expect(answers.map(\.reason) == [nil, .notInResponse, .staleData, .notInResponse])
    #expect(answers[0] == .collected(age: .seconds(6)))
    #expect(answers[1].detail.contains("without any value"))
    #expect(answers[2].detail.contains("2026-02-28T00:00:20Z"))
    #expect(answers[3].detail.contains("3 pods") == false && answers[3].detail.contains("2 pods"))
  }

  @Test func `R44: a summary with a frozen time is stale`() throws {
    let later = try summary(sent: sent + 3_600_000)
    #expect(later.answers(for: [rollEntry("web/frontend-0/iis")]).map(\.reason) == [.staleData])
    let samples = String(decoding: later.exposition(of: "win-1"), as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(samples.allSatisfy { $0.hasPrefix("container_start_time_seconds") || $0.hasPrefix("kubelet_volume_stats_capacity_bytes") })
    // Without the sender's clock everything counts as fresh.
    #expect(try summary(sent: nil).answers(for: [rollEntry("web/frontend-0/iis")]) == [.collected(age: .zero)])
  }

  @Test(arguments: ["", "<html>", "[]", #"{"pods":[]}"#, #"{"node":{"#, #"{"password":"hunter2"}"#, "hunter2"])
  func `R43, R107: a response that is not a summary is rejected, and not quoted`(text: String) {
    #expect(throws: Miss.self) { try summary(text) }
    do throws(Miss) { _ = try KubeletSummary(Array(text.utf8), freshness: Freshness(limit: .zero), origin: "x") } catch {
      #expect(error.reason == .badExposition)
      #expect(!error.detail.contains("hunter2"))
    }
  }

  @Test
  func `R43: members of the wrong type count as missing`() throws {
    let odd = try summary(
      #"{"node":{"cpu":7,"memory":{"workingSetBytes":"x"}},"pods":[1,{},{"podRef":{"name":"p","namespace":"n"},"containers":[{},{"name":"c","memory":{"workingSetBytes":-5,"time":"yesterday"},"cpu":{"usageCoreNanoSeconds":1e400}}]}]}"#
        .replacing("1e400", with: "2000000000"))
    #expect(String(decoding: odd.exposition(of: "n"), as: UTF8.self).split(separator: "\n").count { !$0.hasPrefix("#") } == 1)
    #expect(odd.answers(for: [rollEntry("n/p/c")]) == [.collected(age: .zero)])
  }

  @Test(
    arguments: [
      ("2026-03-01T12:00:00Z", sent), ("2026-03-01T12:00:00.123456789Z", sent + 123), ("1970-01-01T00:00:00Z", 0),
      ("2026-03-01T13:00:00+01:00", sent), ("0001-01-01T00:00:00Z", nil), ("2026-02-31T12:00:00Z", nil), ("2026-03-01 12:00:00Z", nil),
      ("2026-13-01T12:00:00Z", nil), ("2026-03-01T12:00:00.Z", nil),
      ("", nil), ("2026-03-01T12:00:00.12a4Z", nil), ("äääääääääääääääääääZ", nil),
    ] as [(String, Int64?)])
  func `RFC 3339 times are parsed`(text: String, expected: Int64?) {
    #expect(unixMilliseconds(ofSummaryTime: text) == expected)
  }

  @Test func `no token is sent in plain text`() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        try connection.respond(status: 200, headers: [("Date", "Sun, 01 Mar 2026 12:00:00 GMT")], body: windowsSummary)
      }
    }
    defer { server.stop() }
    // Plain HTTP is only used for the read-only port. To any other kubelet without TLS nothing is sent.
    let folder = try TemporaryFolder()
    var settings = KubeletClient.Settings()
    settings.allowsLoopback = true
    settings.tokenFile = try folder.write("secret\n", to: "token")
    let client = KubeletClient(transport: try HTTPTransport(), settings: settings) { [port = server.port] _ in port }
    await #expect(throws: Miss.self) { try await client.summary(of: "win-1", address: "127.0.0.1", deadline: .seconds(5)) }
    #expect(server.requests.isEmpty)

    let source = SummarySource(deadline: .seconds(10)) { _, _, _ in
      SummaryResponse(body: Array(windowsSummary.utf8), date: "Sun, 01 Mar 2026 12:00:00 GMT")
    }
    let call = await SummaryCollector(source: source).call(nodeRoll(.windows, [rollEntry("web/frontend-0/iis")]))
    #expect(call.answers == [.collected(age: .seconds(6))])
  }

  @Test func `a summary is relayed as an exposition`() async throws {
    let source = SummarySource(deadline: .seconds(10)) { node, address, _ throws(Miss) in
      guard node == "win-1", address == "10.0.0.9" else { throw Miss(.endpointUnreachable, "\(node) at \(address ?? "")") }
      return SummaryResponse(body: Array(windowsSummary.utf8), date: "Sun, 01 Mar 2026 12:00:00 GMT")
    }
    let fetches = SharedFetches<SummaryScrapeRequest>(slots: AsyncSemaphore(8))
    let proxy = SummaryProxy(source: source, fetches: fetches) { _, pod in pod == "agent-0" }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await fetches.run() }
      let beginning = try await proxy.scrape(SummaryScrapeRequest(node: "win-1", address: "10.0.0.9")).beginning(upTo: 1 << 20)
      #expect(beginning.head == ScrapeHead(status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8"))
      #expect(beginning.isComplete)
      #expect(try Array(beginning.chunks.joined()) == summary().exposition(of: "win-1"))
      let other = try proxy.scrape(SummaryScrapeRequest(node: "win-2", address: nil))
      await #expect(throws: Miss(.endpointUnreachable, "win-2 at ")) { try await other.beginning(upTo: 1) }
      group.cancelAll()
    }
  }
}
