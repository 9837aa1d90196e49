import Foundation
import HTTPTransport
import JSON
import Simulator
import TestSupport
import Testing

/// Virtual nodes end to end: nginx serves the metrics of two thousand pods, and hostile servers hang, truncate, lie and flood. The
/// controller polls them, and Prometheus scrapes one target for each node from it.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct VirtualNodesTests {
  private static let podsOfNode = 1000
  /// The last octets of the pods' addresses, several pods at each; lower ones are for the hostile servers.
  private static let lastNumbers = Array(50..<250)

  @Test(.enabled(if: Nginx.isInstalled))
  func `R40 to R44: thousands of pods, some of them hostile, make one valid scrape body for each node`() async throws {
    let nginx = try await Nginx(
      files: Dictionary(uniqueKeysWithValues: (0..<2 * Self.podsOfNode).map { ("\($0)/metrics/cadvisor", Self.metrics(of: $0)) }),
      servers: "server { \(([1] + Self.lastNumbers).map { "listen $network.\($0):$port; " }.joined()) root $folder; }")
    let hostile = try Self.hostileServers(network: nginx.network, port: nginx.port)
    defer { for pod in hostile { pod.server.stop() } }

    let pods =
      (0..<2 * Self.podsOfNode).map { number in
        VirtualNodeObjects.pod(
          "pod-\(number)", on: "v\(number % 2)", ip: "\(nginx.network).\(Self.lastNumbers[number % Self.lastNumbers.count])",
          cadvisor: "http://:\(nginx.port)/\(number)/metrics/cadvisor")
      }
      + hostile.map { VirtualNodeObjects.pod($0.name, on: "v0", ip: $0.ip, cadvisor: "http://:\($0.server.port)/metrics/cadvisor") }
    let settings = ["--interval", "8s", "--threshold", "25s", "--deadline", "6s"]
    try await RunningController.run(["v0", "v1"].map(VirtualNodeObjects.node) + pods, settings) { controller in
      try await run(controller, hostile: hostile)
    }
  }

  private func run(_ controller: RunningController, hostile: [HostilePod]) async throws {
    let folder = try TemporaryFolder()
    let prometheus = try await Prometheus(
      discovery: "\(controller.url)/sd/v1/targets", folder: folder, transport: controller.transport, scrapeSeconds: 8)
    defer { prometheus.program.stop() }

    // Each virtual node is one target with all pods that respond, including the slow one on the first node.
    try await eventually("Prometheus has both nodes") {
      try await prometheus.query("count(container_cpu_usage_seconds_total) by (node)", by: "node") == [
        "v0": Double(Self.podsOfNode + 1), "v1": Double(Self.podsOfNode),
      ]
    }
    try await eventually("both targets are up") {
      let nodes = try await prometheus.query("up", by: "node")
      let instances = try await prometheus.query("up{node!=\"\"}", by: "instance")
      return nodes == ["v0": 1, "v1": 1] && instances == nodes
    }
    #expect(try await prometheus.query("container_cpu_usage_seconds_total{pod=\"pod-7\"}", by: "namespace") == ["shop": 7])

    let reasons = [
      "cut": "BadExposition", "giant": "TooLarge", "hangs": "EndpointTimeout", "malformed": "BadExposition", "redirects": "BadExposition",
      "trickles": "EndpointTimeout",
    ]
    try await eventually("exactly the hostile pods are gaps, each with its reason") { try await Self.gaps(controller) == reasons }

    // Each is logged once and counted by reason.
    let log = controller.program.output.split(separator: "\n").filter { $0.contains("pod of a virtual node not collected") }
    for pod in hostile where pod.name != "slow" {
      #expect(log.count { $0.contains("pod=shop/\(pod.name) ") } == 1, "\(pod.name): \(log)")
    }
    for reason in Set(reasons.values) {
      #expect(try await controller.metric("rollcall_collection_failures_total", where: "source=\"virtual\",reason=\"\(reason)\"") > 0)
    }

    // client_golang's strict parser accepts the body.
    let body = try await controller.get("/metrics/cadvisor")
    let file = try folder.write(String(decoding: body, as: UTF8.self), to: "body.txt")
    let lint = try ExternalProgram("sh", ["-c", "promtool check metrics < \(file)"], log: "\(folder.path)/promtool.log")
    // 3 means lint warnings about names, which are cAdvisor's.
    #expect([0, 3].contains(try await lint.waitForExit()), "\(lint.output.prefix(500))")

    // Deleted pods disappear.
    for number in 0..<Self.podsOfNode { try controller.apiServer.remove("pods", namespace: "shop", name: "pod-\(number)") }
    try await eventually("half of the pods have disappeared") {
      let body = try await controller.get("/metrics/cadvisor?node=v1")
      return String(decoding: body, as: UTF8.self).split(separator: "\n").count { $0.hasPrefix("container_cpu_usage_seconds_total{") }
        == Self.podsOfNode / 2
    }
  }

  @Test(.enabled(if: Nginx.isInstalled))
  func `R44: only running pods are on the roll; missing and stale metrics are gaps and are not served`() async throws {
    // Timestamps of an hour ago.
    let before = Int64(Date().timeIntervalSince1970 - 3600) * 1000
    let nginx = try await Nginx(
      files: [
        "well/metrics/cadvisor": Self.metrics(of: 1), "silent/metrics/cadvisor": Self.metrics(of: 2),
        "frozen/metrics/cadvisor": "container_memory_rss{container=\"app\",id=\"/app\"} 3 \(before)\n",
      ], servers: "server { listen $network.1:$port; root $folder; }")
    let phases = ["well": "Running", "silent": "Running", "frozen": "Running", "done": "Succeeded", "failed": "Failed", "new": "Pending"]
    func pod(_ name: String, _ phase: String) -> JSONValue {
      VirtualNodeObjects.pod(name, on: "v0", ip: nginx.host, cadvisor: "http://:\(nginx.port)/\(name)/metrics/cadvisor", phase: phase)
    }
    let settings = ["--interval", "1s", "--threshold", "3s", "--virtual-staleness", "3s"]
    try await RunningController.run([VirtualNodeObjects.node("v0")] + phases.map(pod), settings) { controller in
      try await eventually("running pods are on the roll") {
        try await controller.metric("rollcall_expected_containers", where: "node=\"v0\"") == 3
      }
      #expect(try await controller.metric("rollcall_exempt_containers", where: "NotRunning") == 3)
      try await eventually("current metrics are served") { try await Self.podsServed(controller) == ["well", "silent"] }
      try await eventually("stale metrics are a gap") { try await Self.gaps(controller) == ["frozen": "StaleData"] }

      let file = "\(nginx.folder.path)/silent/metrics/cadvisor"
      try FileManager.default.moveItem(atPath: file, toPath: file + ".hidden")
      try await eventually("missing metrics are a gap") {
        try await Self.gaps(controller) == ["frozen": "StaleData", "silent": "BadExposition"]
      }
      try await eventually("the pod is no longer served") { try await Self.podsServed(controller) == ["well"] }
      try FileManager.default.moveItem(atPath: file + ".hidden", toPath: file)
      try await eventually("the pod is served again") { try await Self.podsServed(controller) == ["well", "silent"] }
      try await eventually("its gap is closed") { try await Self.gaps(controller) == ["frozen": "StaleData"] }

      // A finished pod is not a gap.
      try controller.apiServer.put(pod("silent", "Succeeded"))
      try await eventually("the finished pod is no longer served") { try await Self.podsServed(controller) == ["well"] }
      #expect(try await controller.metric("rollcall_expected_containers", where: "node=\"v0\"") == 2)
      #expect(try await Self.gaps(controller) == ["frozen": "StaleData"])
    }
  }

  /// The pods with a container series in the metrics of the first node.
  private static func podsServed(_ controller: RunningController) async throws -> Set<String> {
    let lines = String(decoding: try await controller.get("/metrics/cadvisor?node=v0"), as: UTF8.self).split(separator: "\n")
    return Set(
      lines.filter { $0.hasPrefix("container_memory_rss{container=\"app\"") }.compactMap { line in
        line.firstRange(of: "pod=\"").map { String(line[$0.upperBound...].prefix { $0 != "\"" }) }
      })
  }

  /// The reasons of the `uncollected` gaps, by pod.
  private static func gaps(_ controller: RunningController) async throws -> [String: String] {
    let gaps = try JSONValue(parsing: try await controller.get("/api/v1/gaps"))["gaps"]?.array ?? []
    return Dictionary(
      gaps.filter { $0["kind"]?.string == "uncollected" }
        .compactMap { gap in gap["pod"]?.string.flatMap { pod in gap["reason"]?.string.map { (pod, $0) } } },
      uniquingKeysWith: { first, _ in first })
  }

  private static func metrics(of number: Int) -> String {
    """
    # HELP container_cpu_usage_seconds_total Cumulative cpu time consumed in seconds.
    # TYPE container_cpu_usage_seconds_total counter
    container_cpu_usage_seconds_total{container="app",cpu="total",id="/app"} \(number)
    # HELP container_memory_rss Size of RSS in bytes.
    # TYPE container_memory_rss gauge
    container_memory_rss{container="",id="/"} 1
    container_memory_rss{container="app",id="/app"} \(number * 4096)

    """
  }

  private typealias HostilePod = (name: String, ip: String, server: ScriptedServer)

  private static func hostileServers(network: String, port: Int) throws -> [HostilePod] {
    func pod(_ name: String, _ last: Int, _ respond: @escaping @Sendable (ScriptedConnection) throws -> Void) throws -> HostilePod {
      let ip = "\(network).\(last)"
      let server = try ScriptedServer(on: .tcp(host: ip, port: port)) { connection in
        while try connection.readRequest() != nil { try respond(connection) }
      }
      return (name, ip, server)
    }
    return [
      try pod("hangs", 11) { try $0.waitForClose() },
      try pod("cut", 12) { connection in
        try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ncontainer_a{container=\"app\"} 1\n")
        connection.finish()
      },
      try pod("malformed", 13) { try $0.respond(status: 200, body: "container_a{container=\"app} 1\n") },
      try pod("giant", 14) { try $0.respond(status: 200, body: String(repeating: "container_a 1\n", count: 400_000)) },
      // Never idle, but slower than the deadline.
      try pod("trickles", 16) { connection in
        try connection.sendHead(status: 200, headers: [("Content-Length", "100000")])
        try connection.sendSlowly(Array(String(repeating: "#\n", count: 50_000).utf8), pause: .milliseconds(200))
      },
      // Slow, but within the deadline.
      try pod("slow", 17) { connection in
        let body = Array("container_cpu_usage_seconds_total{container=\"app\"} 1\n".utf8)
        try connection.sendHead(status: 200, headers: [("Content-Length", "\(body.count)")])
        try connection.sendSlowly(body, pieceBytes: 20, pause: .milliseconds(50))
      },
      try pod("redirects", 15) { try $0.respond(status: 302, headers: [("Location", "http://127.0.0.1:1/")]) },
    ]
  }
}
