import Foundation
import HTTPTransport
import JSON
import Simulator
import TestSupport
import Testing

/// Virtual nodes the whole way: nginx serves the pages of two thousand pods, others hang, cut, lie and flood; the built controller polls
/// them, and Prometheus reads one page a node from it.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct VirtualNodesTests {
  private static let podsOfNode = 1000
  /// Of the pods' addresses, each of which has some pods; those below are for hostile ones.
  private static let lastNumbers = Array(50..<250)

  @Test("R40 to R44: thousands of pods, some of them hostile, are one sound page a node", .enabled(if: Nginx.isInstalled))
  func pagesOfTwoNodes() async throws {
    let nginx = try await Nginx(
      files: Dictionary(uniqueKeysWithValues: (0..<2 * Self.podsOfNode).map { ("\($0)/metrics/cadvisor", Self.page(of: $0)) }),
      servers: "server { \(([1] + Self.lastNumbers).map { "listen $network.\($0):$port; " }.joined()) root $folder; }")
    let hostile = try Self.hostileServers(network: nginx.network, port: nginx.port)
    defer { for pod in hostile { pod.server.stop() } }

    let pods =
      (0..<2 * Self.podsOfNode).map { number in
        VirtualObjects.pod(
          "pod-\(number)", on: "v\(number % 2)", ip: "\(nginx.network).\(Self.lastNumbers[number % Self.lastNumbers.count])",
          page: "http://:\(nginx.port)/\(number)/metrics/cadvisor")
      }
      + hostile.map { VirtualObjects.pod($0.name, on: "v0", ip: $0.ip, page: "http://:\($0.server.port)/metrics/cadvisor") }
    let settings = ["--interval", "4s", "--threshold", "15s", "--deadline", "3s"]
    try await ControllerStage.run(["v0", "v1"].map(VirtualObjects.node) + pods, settings) { stage in
      try await play(stage, hostile: hostile)
    }
  }

  private func play(_ stage: ControllerStage, hostile: [HostilePod]) async throws {
    let folder = try TemporaryFolder()
    let prometheus = try await Prometheus(
      discovery: "\(stage.url)/sd/v1/targets", folder: folder, transport: stage.transport, scrapeSeconds: 4)
    defer { prometheus.program.stop() }

    // Each virtual node is one target, and every pod that answers is on its page: the slow one, too, which is on the first node.
    try await eventually("Prometheus has both pages", within: .seconds(90)) {
      try await prometheus.query("count(container_cpu_usage_seconds_total) by (node)", by: "node") == [
        "v0": Double(Self.podsOfNode + 1), "v1": Double(Self.podsOfNode),
      ]
    }
    #expect(try await prometheus.query("up", by: "node") == ["v0": 1, "v1": 1])
    #expect(try await prometheus.query("up", by: "instance") == ["v0": 1, "v1": 1])
    #expect(try await prometheus.query("container_cpu_usage_seconds_total{pod=\"pod-7\"}", by: "namespace") == ["shop": 7])

    // The hostile ones are gaps with their reasons, and the only ones.
    var reasons: [String: String] = [:]
    try await eventually("the gaps of the hostile pods are open", within: .seconds(60)) {
      reasons = try await Self.gaps(stage)
      return reasons.count >= hostile.count - 1
    }
    #expect(
      reasons == [
        "cut": "BadExposition", "giant": "TooLarge", "hangs": "EndpointTimeout", "malformed": "BadExposition", "redirects": "BadExposition",
        "trickles": "EndpointTimeout",
      ])

    // Each was logged once, and is counted by its reason.
    let log = stage.program.output.split(separator: "\n").filter { $0.contains("pod of a virtual node not collected") }
    for pod in hostile where pod.name != "slow" {
      #expect(log.count { $0.contains("pod=shop/\(pod.name) ") } == 1, "\(pod.name): \(log)")
    }
    for reason in Set(reasons.values) {
      #expect(try await stage.metric("rollcall_collection_failures_total", where: "source=\"virtual\",reason=\"\(reason)\"") > 0)
    }

    // A strict parser, which is client_golang's, takes the page.
    let page = try await stage.get("/metrics/cadvisor")
    let file = try folder.write(String(decoding: page, as: UTF8.self), to: "page.txt")
    let lint = try ExternalProgram("sh", ["-c", "promtool check metrics < \(file)"], log: "\(folder.path)/promtool.log")
    // 3 is for names that it would have chosen otherwise: they are cAdvisor's.
    #expect([0, 3].contains(try await lint.waitForExit()), "\(lint.output.prefix(500))")

    // Pods that are gone leave the page.
    for number in 0..<Self.podsOfNode { try stage.apiServer.remove("pods", namespace: "shop", name: "pod-\(number)") }
    try await eventually("half of the pods are gone from the page", within: .seconds(60)) {
      let page = try await stage.get("/metrics/cadvisor?node=v1")
      return String(decoding: page, as: UTF8.self).split(separator: "\n").count { $0.hasPrefix("container_cpu_usage_seconds_total{") }
        == Self.podsOfNode / 2
    }
  }

  @Test(
    "R44: pods that do not run are not on the roll; a page that stops coming and numbers that stand still are not served, and are gaps",
    .enabled(if: Nginx.isInstalled))
  func onlyWhatIsOfNow() async throws {
    // An hour old by the clock of the server that sends it.
    let before = Int64(Date().timeIntervalSince1970 - 3600) * 1000
    let nginx = try await Nginx(
      files: [
        "well/metrics/cadvisor": Self.page(of: 1), "silent/metrics/cadvisor": Self.page(of: 2),
        "frozen/metrics/cadvisor": "container_memory_rss{container=\"app\",id=\"/app\"} 3 \(before)\n",
      ], servers: "server { listen $network.1:$port; root $folder; }")
    let phases = ["well": "Running", "silent": "Running", "frozen": "Running", "done": "Succeeded", "failed": "Failed", "new": "Pending"]
    func pod(_ name: String, _ phase: String) -> JSONValue {
      VirtualObjects.pod(name, on: "v0", ip: nginx.host, page: "http://:\(nginx.port)/\(name)/metrics/cadvisor", phase: phase)
    }
    let settings = ["--interval", "1s", "--threshold", "3s", "--virtual-staleness", "3s"]
    try await ControllerStage.run([VirtualObjects.node("v0")] + phases.map(pod), settings) { stage in
      try await eventually("what runs is on the roll") {
        try await stage.metric("rollcall_expected_containers", where: "node=\"v0\"") == 3
      }
      #expect(try await stage.metric("rollcall_exempt_containers", where: "NotRunning") == 3)
      try await eventually("what is of now is served") { try await Self.podsServed(stage) == ["well", "silent"] }
      try await eventually("what stands still is a gap") { try await Self.gaps(stage) == ["frozen": "StaleData"] }

      let file = "\(nginx.folder.path)/silent/metrics/cadvisor"
      try FileManager.default.moveItem(atPath: file, toPath: file + ".hidden")
      try await eventually("what stopped coming is a gap, too") {
        try await Self.gaps(stage) == ["frozen": "StaleData", "silent": "BadExposition"]
      }
      try await eventually("it is no longer served") { try await Self.podsServed(stage) == ["well"] }
      try FileManager.default.moveItem(atPath: file + ".hidden", toPath: file)
      try await eventually("it is back") { try await Self.podsServed(stage) == ["well", "silent"] }
      try await eventually("its gap is closed") { try await Self.gaps(stage) == ["frozen": "StaleData"] }

      // A pod that ends is no gap.
      try stage.apiServer.put(pod("silent", "Succeeded"))
      try await eventually("it has left the page") { try await Self.podsServed(stage) == ["well"] }
      #expect(try await stage.metric("rollcall_expected_containers", where: "node=\"v0\"") == 2)
      #expect(try await Self.gaps(stage) == ["frozen": "StaleData"])
    }
  }

  /// Those with a number of their own on the page of the first node.
  private static func podsServed(_ stage: ControllerStage) async throws -> Set<String> {
    let lines = String(decoding: try await stage.get("/metrics/cadvisor?node=v0"), as: UTF8.self).split(separator: "\n")
    return Set(
      lines.filter { $0.hasPrefix("container_memory_rss{container=\"app\"") }.compactMap { line in
        line.firstRange(of: "pod=\"").map { String(line[$0.upperBound...].prefix { $0 != "\"" }) }
      })
  }

  /// The reasons of containers that are not collected, by pod.
  private static func gaps(_ stage: ControllerStage) async throws -> [String: String] {
    let gaps = try JSONValue(parsing: try await stage.get("/api/v1/gaps"))["gaps"]?.array ?? []
    return Dictionary(
      gaps.filter { $0["kind"]?.string == "uncollected" }
        .compactMap { gap in gap["pod"]?.string.flatMap { pod in gap["reason"]?.string.map { (pod, $0) } } },
      uniquingKeysWith: { first, _ in first })
  }

  private static func page(of number: Int) -> String {
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
    func pod(_ name: String, _ last: Int, _ answer: @escaping @Sendable (ScriptedConnection) throws -> Void) throws -> HostilePod {
      let ip = "\(network).\(last)"
      let server = try ScriptedServer(on: .tcp(host: ip, port: port)) { connection in
        while try connection.readRequest() != nil { try answer(connection) }
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
      // Slower than any deadline, and never quite silent.
      try pod("trickles", 16) { connection in
        try connection.sendHead(status: 200, headers: [("Content-Length", "100000")])
        try connection.sendSlowly(Array(String(repeating: "#\n", count: 50_000).utf8), pause: .milliseconds(200))
      },
      // Slow, and in time.
      try pod("slow", 17) { connection in
        let page = Array("container_cpu_usage_seconds_total{container=\"app\"} 1\n".utf8)
        try connection.sendHead(status: 200, headers: [("Content-Length", "\(page.count)")])
        try connection.sendSlowly(page, pieceBytes: 20, pause: .milliseconds(50))
      },
      try pod("redirects", 15) { try $0.respond(status: 302, headers: [("Location", "http://127.0.0.1:1/")]) },
    ]
  }
}
