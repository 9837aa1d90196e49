import Foundation
import HTTPTransport
import JSON
import Logging
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

    let folder = try TemporaryFolder()
    let transport = try HTTPTransport()
    let apiServer = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: 0, acceptsLoopbackEndpoints: true), logger: Logger(label: "api-server"))
    let apiServerTask = Task { try await apiServer.run() }
    defer { apiServerTask.cancel() }
    _ = try await apiServer.waitUntilListening()
    try apiServer.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
    for node in ["v0", "v1"] { try apiServer.put(Self.node(node)) }
    for number in 0..<2 * Self.podsOfNode {
      try apiServer.put(
        Self.pod(
          "pod-\(number)", on: "v\(number % 2)", ip: "\(nginx.network).\(Self.lastNumbers[number % Self.lastNumbers.count])",
          page: "http://:\(nginx.port)/\(number)/metrics/cadvisor"))
    }
    for pod in hostile {
      try apiServer.put(Self.pod(pod.name, on: "v0", ip: pod.ip, page: "http://:\(pod.server.port)/metrics/cadvisor"))
    }
    try apiServer.kubeconfig().write(toFile: "\(folder.path)/kubeconfig", atomically: true, encoding: .utf8)

    let port = try freePort()
    let controller = try ExternalProgram(
      try builtExecutable("rollcall"),
      [
        "controller", "--kubeconfig", "\(folder.path)/kubeconfig", "--namespace", "rollcall", "--listen", "127.0.0.1:\(port)",
        "--interval", "4s", "--threshold", "15s", "--grace", "0s", "--deadline", "3s", "--allow-loopback-targets",
      ], log: "\(folder.path)/controller.log")
    defer { controller.stop() }
    try await controller.waitForPort(port)
    let prometheus = try await Prometheus(
      discovery: "http://127.0.0.1:\(port)/sd/v1/targets", folder: folder, transport: transport, scrapeSeconds: 4)
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
      let response = try await transport.send(HTTPRequest(url: "http://127.0.0.1:\(port)/api/v1/gaps", deadline: .seconds(10)))
      let gaps = try JSONValue(parsing: response.body)["gaps"]?.array ?? []
      reasons = Dictionary(
        gaps.compactMap { gap in gap["pod"]?.string.flatMap { pod in gap["reason"]?.string.map { (pod, $0) } } },
        uniquingKeysWith: { first, _ in first })
      return reasons.count >= hostile.count - 1
    }
    #expect(
      reasons == [
        "cut": "BadExposition", "giant": "TooLarge", "hangs": "EndpointTimeout", "malformed": "BadExposition", "redirects": "BadExposition",
        "trickles": "EndpointTimeout",
      ])

    // Each was logged once, and is counted by its reason.
    let log = controller.output.split(separator: "\n").filter { $0.contains("pod of a virtual node not collected") }
    for pod in hostile where pod.name != "slow" {
      #expect(log.count { $0.contains("pod=shop/\(pod.name) ") } == 1, "\(pod.name): \(log)")
    }
    let metrics = try await transport.send(HTTPRequest(url: "http://127.0.0.1:\(port)/metrics", deadline: .seconds(10)))
    for reason in Set(reasons.values) {
      #expect(
        String(decoding: metrics.body, as: UTF8.self)
          .contains("rollcall_collection_failures_total{source=\"virtual\",reason=\"\(reason)\"}"))
    }

    // A strict parser, which is client_golang's, takes the page.
    let page = try await transport.send(
      {
        var request = HTTPRequest(url: "http://127.0.0.1:\(port)/metrics/cadvisor", deadline: .seconds(20))
        request.maximumBodyBytes = 64 << 20
        return request
      }())
    let file = try folder.write(String(decoding: page.body, as: UTF8.self), to: "page.txt")
    let lint = try ExternalProgram("sh", ["-c", "promtool check metrics < \(file)"], log: "\(folder.path)/promtool.log")
    // 3 is for names that it would have chosen otherwise: they are cAdvisor's.
    #expect([0, 3].contains(try await lint.waitForExit()), "\(lint.output.prefix(500))")

    // Pods that are gone leave the page.
    for number in 0..<Self.podsOfNode { try apiServer.remove("pods", namespace: "shop", name: "pod-\(number)") }
    try await eventually("half of the pods are gone from the page", within: .seconds(60)) {
      let page = try await transport.send(
        HTTPRequest(url: "http://127.0.0.1:\(port)/metrics/cadvisor?node=v1", deadline: .seconds(20)))
      return String(decoding: page.body, as: UTF8.self).split(separator: "\n").count { $0.hasPrefix("container_cpu_usage_seconds_total{") }
        == Self.podsOfNode / 2
    }
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

  private static func node(_ name: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": ["type": "virtual-kubelet"]],
      "status": ["conditions": [["type": "Ready", "status": "True"]], "nodeInfo": ["operatingSystem": "linux"]],
    ]
  }

  private static func pod(_ name: String, on node: String, ip: String, page: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["namespace": "shop", "name": .string(name), "annotations": ["rollcall.dev/cadvisor": .string(page)]],
      "spec": ["nodeName": .string(node), "containers": [["name": "app", "image": "app"]]],
      "status": [
        "phase": "Running", "podIP": .string(ip), "podIPs": [["ip": .string(ip)]],
        "containerStatuses": [["name": "app", "state": ["running": ["startedAt": "2024-01-01T00:00:00Z"]]]],
      ],
    ]
  }
}
