import Collector
import Exposition
import HTTPTransport
import JSON
import KubeClient
import Primitives
import Roll
import Synchronization
import TestSupport
import Testing

@testable import Controller

#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

@Suite struct ServingTests {
  @Test func `unknown paths and methods are rejected`() async throws {
    try await ServedController.run { served in
      for path in ["/nothing", "/metrics/", "/api/v1/gaps/x", "/sd/v1/targetsx", "//", "/%2e%2e/metrics"] {
        #expect(try await served.request(path).status == 404, "\(path)")
      }
      let refused = try await served.request("/metrics", method: "POST")
      #expect(refused.status == 405)
      #expect(refused.header("Allow") == "GET, HEAD")
      #expect(try await served.request("/livez", method: "HEAD").status == 200)
      #expect(try await served.request("/livez", method: "HEAD").body.isEmpty)
      // R61: no label has a requested path.
      #expect(try await !served.text("/metrics").contains("nothing"))
    }
  }

  @Test(arguments: ["/metrics", "/api/v1/gaps"])
  func `metrics and lists are compressed for clients that accept gzip`(path: String) async throws {
    try await ServedController.run { served in
      served.publishSample()
      let plain = try await served.request(path)
      #expect(plain.header("Content-Encoding") == nil && plain.header("Vary") == "Accept-Encoding")
      let packed = try await served.request(path, headers: [HTTPHeader("Accept-Encoding", "gzip")])
      #expect(packed.header("Content-Encoding") == "gzip" && packed.body.starts(with: [0x1f, 0x8b]))
      var request = HTTPRequest(url: "http://\(served.authority)\(path)", deadline: .seconds(60))
      request.acceptsCompression = true
      let unpacked = String(decoding: try await HTTPTransport().send(request).body, as: UTF8.self)
      #expect(unpacked.hasPrefix(path == "/metrics" ? "# HELP" : "{\"gaps\":[") && unpacked.hasSuffix("\n"))
      #expect(try await served.request("/readyz", headers: [HTTPHeader("Accept-Encoding", "gzip")]).header("Content-Encoding") == nil)
    }
  }

  @Test func `readiness reports what is pending and why`() async throws {
    try await ServedController.run { served in
      served.checks.status = [ReadinessCheck("nodes", problem: nil), ReadinessCheck("pods", problem: "403 forbidden")]
      let waiting = try await served.request("/readyz")
      #expect(waiting.status == 503)
      #expect(String(decoding: waiting.body, as: UTF8.self) == "[+] nodes\n[-] pods: 403 forbidden\nnot ready\n")
      served.checks.status = [ReadinessCheck("nodes", problem: nil)]
      #expect(try await served.request("/readyz").status == 200)
      #expect(try await served.request("/livez").status == 200)
    }
  }

  // MARK: Service discovery

  @Test func `R36: no target list is served before the caches are in sync`() async throws {
    try await ServedController.run { served in
      #expect(try await served.request("/sd/v1/targets").status == 503)
      served.publish([], [])
      let empty = try await served.request("/sd/v1/targets?source=linux")
      #expect(empty.status == 200)
      #expect(try JSONValue(parsing: empty.body) == [])
      #expect(empty.header("Content-Type") == "application/json")
    }
  }

  @Test func `targets are served in the Prometheus HTTP SD format`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      let targets = try #require(try await served.json("/sd/v1/targets").array)
      #expect(
        targets.map { $0["targets"]?[0]?.string } == ["10.0.0.1:9753", served.authority, served.authority, served.authority],
        "linux-2 has linux-1's address")
      #expect(
        targets[2]["labels"] == [
          "node": "windows-1", "__meta_rollcall_node": "windows-1", "__meta_rollcall_source": "windows", "__metrics_path__": "/probe",
          "__scheme__": "http", "__param_node": "windows-1", "instance": "[fd00::5]:9182",
        ], "in the multi-target way, at the address that was asked")
      let virtual = try #require(try await served.json("/sd/v1/targets?source=virtual").array)
      #expect(virtual.count == 1)
      #expect(
        virtual.first?["labels"] == [
          "node": "virtual-1", "__meta_rollcall_node": "virtual-1", "__meta_rollcall_source": "virtual",
          "__metrics_path__": "/metrics/cadvisor", "__scheme__": "http", "__param_node": "virtual-1", "instance": "virtual-1",
        ])
      let atPort80 = try await served.request("/sd/v1/targets?source=windows", headers: [HTTPHeader("Host", "rollcall.example")])
      #expect(try JSONValue(parsing: atPort80.body)[0]?["targets"] == ["rollcall.example:80"])
      #expect(try await served.request("/sd/v1/targets?source=mac").status == 400)
    }
  }

  @Test func `R82: every replica of the controller is a target`() async throws {
    try await ServedController.run { served in
      served.publish([nodeRecord("linux-1")], [])
      // Outside of the cluster there is one, at the address that was asked.
      #expect(
        try await served.json("/sd/v1/targets?source=controller") == [
          [
            "targets": [.string(served.authority)],
            "labels": ["__meta_rollcall_source": "controller", "__metrics_path__": "/metrics", "__scheme__": "http"],
          ]
        ])
      served.replicas.status = [
        .init(pod: "rollcall-controller-1", address: "10.1.0.7"), .init(pod: "rollcall-controller-2", address: "FD00:0::8"),
      ]
      let all = try #require(try await served.json("/sd/v1/targets").array)
      #expect(all.map { $0["targets"]?[0] } == ["10.0.0.1:9753", "10.1.0.7:0", "[fd00::8]:0"], "R76")
      #expect(all[1]["labels"]?["__meta_rollcall_pod"] == "rollcall-controller-1")
      #expect(all[1]["labels"]?["node"] == nil, "its samples name the nodes that they are about")
      #expect(try await served.json("/sd/v1/targets?source=controller").array == Array(all.dropFirst()))
    }
  }

  // MARK: The API

  @Test func `gaps, coverage and nodes are served by the API`() async throws {
    try await ServedController.run { served in
      for path in ["/api/v1/gaps", "/api/v1/coverage", "/api/v1/nodes"] {
        #expect(try await served.request(path).status == 503, "\(path) before anything is known")
      }
      served.publishSample()
      let gaps = try #require(try await served.json("/api/v1/gaps")["gaps"]?.array)
      #expect(
        gaps == [
          [
            "namespace": "shop", "pod": "web", "container": "quiet", "node": "linux-1", "source": "linux", "kind": "uncollected",
            "workload": ["kind": "Deployment", "name": "web"], "reason": "PidNotFound", "detail": "no <process> with \"this\" ID",
            "since": "2023-11-14T22:13:20.000Z", "ageSeconds": 301,
          ]
        ])
      let total = try await served.json("/api/v1/coverage")["total"]
      #expect(
        total == [
          "expected": 4, "collected": 3, "gaps": 1, "nodes": 4,
          "exempt": [
            "HostProcess": 1, "Ignored": 0, "NoAgentExpected": 0, "NotRunning": 1, "Policy": 0, "Restarting": 0, "SandboxedRuntime": 0,
            "Starting": 0, "Terminating": 0, "TerminationOverdue": 0,
          ],
        ])
      let nodes = try #require(try await served.json("/api/v1/nodes")["nodes"]?.array)
      #expect(nodes.map { $0["name"]?.string } == ["linux-1", "linux-2", "virtual-1", "windows-1"])
      #expect(nodes.first?["gaps"] == 1)
    }
  }

  @Test func `a follower refers to the leader`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      served.ledger.reset()
      served.leadership.status = LeadershipStatus(isLeader: false, holder: "replica-1")
      let refused = try await served.request("/api/v1/gaps")
      #expect(refused.status == 503)
      #expect(String(decoding: refused.body, as: UTF8.self).contains("replica-1"))
      #expect(try await served.request("/sd/v1/targets").status == 200, "targets come from the API server, and are every replica's")
      let page = try await served.request("/")
      #expect(page.status == 503 && String(decoding: page.body, as: UTF8.self).contains("replica-1 does"))
    }
  }

  // MARK: Metrics

  @Test func `the controller's own metrics are as designed`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      served.counters.add(CollectionRecord(source: .linux, duration: .milliseconds(20), collected: 2, missed: [.pidNotFound: 1]))
      served.setSampleReports()
      let response = try await served.request("/metrics")
      #expect(response.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
      let page = String(decoding: response.body, as: UTF8.self)
      // Process metrics change from run to run.
      let stable = page.split(separator: "\n").filter { !$0.contains("process_") }.joined(separator: "\n") + "\n"
      let expected = try GoldenFile("ControllerTests/Fixtures/metrics.golden").text(comparedWith: stable)
      // By line, for a readable diff.
      #expect(stable.split(separator: "\n") == expected.split(separator: "\n"), "hack/update-golden accepts the new output")
      #expect(stable == expected)

      let folder = try TemporaryFolder()
      let file = try folder.write(page, to: "metrics")
      let promtool = try ExternalProgram("sh", ["-c", "promtool check metrics < \(file)"], log: folder.path + "/promtool.log")
      #expect(try await promtool.waitForExit() == 0, "\(promtool.output)")
      #expect(promtool.output.isEmpty, "\(promtool.output)")
    }
  }

  @Test func `R140: healthy containers are counted by node and workload, and have series of their own on request only`() async throws {
    for containerMetrics in ContainerMetrics.allCases {
      try await ServedController.run(containerMetrics: containerMetrics) { served in
        let cart = Workload(kind: "Deployment", name: "cart")
        let old = Workload(kind: "StatefulSet", name: "cart")
        served.publish(
          [nodeRecord("n0"), nodeRecord("n1", address: "10.0.0.2")],
          (0..<10).map { podRecord("cart-\($0)", on: "n\($0 % 2)", workload: cart, [containerRecord("a"), containerRecord("b")]) }
            + [
              podRecord("cart-old", on: "n1", workload: old, [containerRecord("a"), containerRecord("done", .terminated)]),
              podRecord("alone", on: "n1", [containerRecord("a")]),
              podRecord("gone", on: "n1", workload: old, [containerRecord("a", .terminated)]),
            ])
        let lines = try await served.text("/metrics").split(separator: "\n")
        func series(_ name: String) -> [Substring] { lines.filter { $0.hasPrefix("\(name){") } }
        #expect(
          series("rollcall_workload_expected_containers") == [
            #"rollcall_workload_expected_containers{namespace="shop",workload="cart",workload_kind="Deployment"} 20"#,
            #"rollcall_workload_expected_containers{namespace="shop",workload="cart",workload_kind="StatefulSet"} 1"#,
            #"rollcall_workload_expected_containers{namespace="shop"} 1"#,
          ])
        #expect(
          series("rollcall_expected_containers") == [
            #"rollcall_expected_containers{node="n0",source="linux"} 10"#, #"rollcall_expected_containers{node="n1",source="linux"} 12"#,
          ])
        let own = containerMetrics == .all ? 22 : 0
        #expect(series("rollcall_container_due_timestamp_seconds").count == own)
        #expect(series("rollcall_container_last_collection_timestamp_seconds").count == own)
        #expect(lines.filter { $0.contains("pod=\"cart-0\"") }.isEmpty == (own == 0))
      }
    }
  }

  @Test func `R140: of too many workloads the smallest have no series of their own, and sums of namespaces stay right`() {
    let most = ExpositionWriter.maximumWorkloads
    var sums = (0..<most + 3).map { number in
      WorkloadSums.Sum(namespace: "n\(number % 2)", workload: Workload(kind: "Job", name: "w\(number)"), count: number == 1 ? 1 : 2)
    }
    sums.append(WorkloadSums.Sum(namespace: "n0", workload: nil, count: 5))
    var writer = ExpositionWriter()
    writer.expectedContainers(sums)
    let lines = String(decoding: writer.bytes, as: UTF8.self).split(separator: "\n")
    #expect(lines.count { $0.contains("workload=") } == most)
    #expect(lines.contains("rollcall_workloads_left_out 3"))
    // Left out: n1's w1, the smallest, and of the others the last two by namespace, kind and name.
    #expect(!lines.contains { $0.contains(#"workload="w1""#) })
    #expect(lines.contains(#"rollcall_workload_expected_containers{namespace="n0"} 5"#))
    #expect(lines.contains(#"rollcall_workload_expected_containers{namespace="n1"} 5"#))
    let total = lines.filter { $0.hasPrefix("rollcall_workload_expected_containers{") }
      .reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
    #expect(total == sums.reduce(0) { $0 + $1.count })
  }

  @Test func `a large ledger is streamed`() async throws {
    try await ServedController.run(containerMetrics: .all) { served in
      served.publish(
        (0..<10).map { nodeRecord("n\($0)") },
        (0..<2000).map {
          podRecord("a-pod-with-a-rather-long-name-\($0)", on: "n\($0 % 10)", [containerRecord("a"), containerRecord("b")])
        })
      let page = try await served.text("/metrics")
      let lines = page.split(separator: "\n")
      #expect(lines.count { $0.hasPrefix("rollcall_container_due_timestamp_seconds{") } == 4000)
      #expect(lines.count { $0.hasPrefix("rollcall_container_last_collection_timestamp_seconds{") } == 4000)
      #expect(lines.count { $0.hasPrefix("# TYPE rollcall_container_due_timestamp_seconds ") } == 1)
    }
  }

  @Test func `R63: a client that is too slow to read a response is disconnected`() async throws {
    var limits = ServingLimits()
    limits.response = .zero
    try await ServedController.run(limits: limits, containerMetrics: .all) { served in
      // More than can be written before the deadline.
      let name = String(repeating: "a", count: 200)
      served.publish(
        [nodeRecord("n")], (0..<1000).map { podRecord("\(name)-\($0)", on: "n", [containerRecord("a"), containerRecord("b")]) })
      await #expect(throws: HTTPTransportError.self) { try await served.request("/metrics") }
      let alive = try await served.request("/livez")
      #expect(alive.status == 200)
    }
  }

  @Test func `R63: no address takes all connections`() async throws {
    var limits = ServingLimits()
    limits.connections = 6
    limits.connectionsPerAddress = 3
    try await ServedController.run(limits: limits) { served in
      // Connections that a stranger holds, more than the server takes in all.
      let held = try (0..<10).map { _ in try #require(connectedSocket(port: served.port, from: "127.0.0.3")) }
      defer { for socket in held { close(socket) } }
      try await eventually("those over the limit are closed") {
        var looks = held.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        return poll(&looks, nfds_t(looks.count), 0) == 7
      }
      #expect(try await served.request("/livez").status == 200)
    }
  }

  @Test func `R63: connections are counted by address, and IPv6 by network`() throws {
    let counts = ConnectionCounts(limit: 2)
    func client(_ text: String) throws -> IPAddress { ConnectionsPerAddress.client(try #require(IPAddress(text))) }
    for text in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "2001:db8::2:3"] { #expect(counts.add(try client(text)), "\(text)") }
    for text in ["192.0.2.1", "2001:db8::4"] { #expect(!counts.add(try client(text)), "\(text)") }
    for text in ["192.0.2.2", "2001:db8:0:1::1"] { #expect(counts.add(try client(text)), "\(text)") }
    counts.remove(try client("192.0.2.1"))
    #expect(counts.add(try client("192.0.2.1")))
    for text in ["192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::1", "2001:db8:0:1::1"] { counts.remove(try client(text)) }
    #expect(counts.clients == 0)
  }

  @Test func `R63: an idle connection without a request is closed`() async throws {
    var limits = ServingLimits()
    limits.idle = .milliseconds(10)
    try await ServedController.run(limits: limits) { served in
      let socket = try #require(connectedSocket(port: served.port))
      defer { close(socket) }
      try await eventually("the server has closed the connection") {
        var look = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&look, 1, 0) == 1
      }
      var byte: UInt8 = 0
      #expect(recv(socket, &byte, 1, 0) == 0)
    }
  }
}
