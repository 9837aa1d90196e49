import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport
import Testing

/// Windows nodes as two Prometheus servers see them through the built controller: real nginx servers stand for the exporters, and only the
/// API server is simulated.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct WindowsTests {
  private static let frontend = String(repeating: "1a", count: 32)
  private static let worker = String(repeating: "2b", count: 32)

  /// Node by node: an exporter that is slow until it is let go, the three families, junk, a page that is cut, one that is too large.
  private static let servers = """
    server { listen $network.1:$port; location / { proxy_pass http://127.0.0.1:$slow; proxy_pass_request_headers on; } }
    server { listen $network.2:$port; root $folder/020; }
    server { listen $network.3:$port; root $folder/031; }
    server { listen $network.4:$port; root $folder/032; }
    server { listen $network.5:$port; location / { return 200 "<html>"; } }
    server { listen $network.6:$port; location / { proxy_pass http://127.0.0.1:$slow/cut; } }
    server { listen $network.7:$port; root $folder/huge; }
    """

  private static func pages() -> [String: String] {
    var pages: [String: String] = [:]
    for (folder, version) in [("020", "0.20"), ("031", "0.31"), ("032", "0.32")] {
      pages["\(folder)/metrics"] = windowsPage(version: version, frontend: frontend, worker: worker)
    }
    // More than the 16 MiB that one page may have.
    pages["huge/metrics"] = String(repeating: "# padding\n", count: 1_800_000)
    return pages
  }

  @Test(
    "two Prometheus servers see each node's containers by name, share fetches, and see a bad exporter as one target that is down",
    .enabled(if: Nginx.isInstalled && findProgram("prometheus") != nil, "nginx or prometheus is not installed"))
  func twoPrometheusServers() async throws {
    let gate = Gate()
    let page = windowsPage(version: "0.31", frontend: Self.frontend, worker: Self.worker)
    let slow = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.target.hasPrefix("/cut") {
          try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n\(page)")
          return connection.reset()
        }
        try connection.stall(until: gate)
        try connection.respond(status: 200, body: page)
      }
    }
    defer {
      gate.open()
      slow.stop()
    }
    let nginx = try await Nginx(files: Self.pages(), servers: Self.servers.replacing("$slow", with: "\(slow.port)"))
    try await withController(network: nginx.network, exporterPort: nginx.port, nodes: 8) { controller in
      let folders = [try TemporaryFolder(), try TemporaryFolder()]
      var servers: [Prometheus] = []
      for folder in folders {
        servers.append(
          try await Prometheus(discovery: "\(controller.url)/sd/v1/targets?source=windows", folder: folder, transport: controller.transport)
        )
      }
      defer { for server in servers { server.program.stop() } }

      // Both ask for win-1 each second, and while its exporter does not answer they wait for one fetch.
      var (joined, asked) = (0.0, 0)
      try await eventually("scrapes join others' fetches") {
        let fetches = try await controller.metric("rollcall_probe_fetches_total", where: "exporter")
        joined = try await controller.metric("rollcall_probe_requests_total", where: "exporter") - fetches
        // Of the exporter's own log: the shared fetch, and the controller's call of the roll.
        asked = slow.requests.count { !$0.target.hasPrefix("/cut") }
        return joined >= 5 && asked >= 1
      }
      #expect(Double(asked) < joined)
      gate.open()
      let expected: [String: Double] = [
        "win-1": 1, "win-2": 1, "win-3": 1, "win-4": 1, "win-5": 0, "win-6": 0, "win-7": 0, "win-8": 0,
      ]
      for prometheus in servers {
        try await eventually("up is as it should be") { try await prometheus.query("up", by: "node") == expected }
        for node in ["win-1", "win-2", "win-3", "win-4"] {
          let cpu = "windows_container_cpu_usage_seconds_total{node=\"\(node)\"}"
          try await eventually("\(node) has its containers by name") {
            try await prometheus.query(cpu, by: "pod") == ["frontend-0": 18.703125, "worker-0": 1_406_250]
          }
          // What the exporter says holds, and what it leaves empty is filled in.
          let namespaces = try await prometheus.query("windows_container_available{node=\"\(node)\"}", by: "namespace").keys
          #expect(Set(namespaces) == [node == "win-2" ? "web-2" : "web", "web-\(node.dropFirst(4))"])
        }
        #expect(try await prometheus.query("windows_container_processes", by: "container") == ["iis": 21])
        // Nothing of a page that was wrong, or not whole, is there.
        #expect(try await prometheus.query("{node=~\"win-[5-8]\",__name__=~\"windows_.*\"}", by: "node").isEmpty)
        #expect(try await prometheus.query("up{node=\"win-2\"}", by: "instance") == ["\(nginx.network).2:\(nginx.port)": 1])
      }
    }
  }

  // MARK: The controller

  private struct Controller {
    let url: String
    let transport: HTTPTransport
    let program: ExternalProgram

    /// The value of the first such sample on the controller's `/metrics`; 0 where there is none.
    func metric(_ name: String, where label: String) async throws -> Double {
      guard program.isRunning else { throw CommandFailed(description: "the controller ended:\n\(program.output.suffix(4000))") }
      let response = try await transport.send(HTTPRequest(url: "\(url)/metrics", deadline: .seconds(10)))
      let line = String(decoding: response.body, as: UTF8.self).split(separator: "\n")
        .first { $0.hasPrefix("\(name){") && $0.contains(label) }
      return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
    }
  }

  /// Nodes `win-1` and so on at the addresses `network.1` and so on, each with the same two containers.
  private func withController(
    network: String, exporterPort: Int, nodes: Int, _ body: (Controller) async throws -> Void
  ) async throws {
    let apiServer = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: 0, acceptsLoopbackEndpoints: true),
      logger: Logger(label: "api-server") { _ in SwiftLogNoOpLogHandler() })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await apiServer.run() }
      _ = try await apiServer.waitUntilListening()
      try apiServer.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
      for number in 1...nodes {
        try apiServer.put(Self.node("win-\(number)", address: "\(network).\(number)"))
        try apiServer.put(Self.pod("frontend-0", "iis", on: "win-\(number)", id: "containerd://\(Self.frontend)", number))
        try apiServer.put(Self.pod("worker-0", "app", on: "win-\(number)", id: "docker://\(Self.worker)", number))
      }
      let folder = try TemporaryFolder()
      let kubeconfig = try folder.write(apiServer.kubeconfig(), to: "kubeconfig")
      let port = try freePort()
      let program = try ExternalProgram(
        try builtExecutable("rollcall"),
        [
          "controller", "--kubeconfig", kubeconfig, "--namespace", "rollcall", "--listen", "127.0.0.1:\(port)", "--grace", "0s",
          // Rolls are not what is looked at here.
          "--interval", "1h", "--threshold", "1d", "--allow-loopback-targets", "--windows-port", "\(exporterPort)",
        ], log: "\(folder.path)/controller.log")
      defer { program.stop() }
      try await program.waitForPort(port)
      try await body(Controller(url: "http://127.0.0.1:\(port)", transport: HTTPTransport(), program: program))
      group.cancelAll()
    }
  }

  private static func node(_ name: String, address: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)],
      "status": [
        "addresses": [["type": "InternalIP", "address": .string(address)]], "nodeInfo": ["operatingSystem": "windows"],
        "conditions": [["type": "Ready", "status": "True"]],
      ],
    ]
  }

  /// The namespace tells the pods of one node from those of the next.
  private static func pod(_ name: String, _ container: String, on node: String, id: String, _ number: Int) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["namespace": .string("web-\(number)"), "name": .string(name)],
      "spec": ["nodeName": .string(node), "containers": [["name": .string(container), "image": "app"]]],
      "status": [
        "phase": "Running",
        "containerStatuses": [
          ["name": .string(container), "containerID": .string(id), "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]]]
        ],
      ],
    ]
  }
}
