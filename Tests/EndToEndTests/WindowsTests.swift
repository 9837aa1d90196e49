import Foundation
import HTTPTransport
import TestSupport
import Testing

/// Windows nodes as two Prometheus servers see them through the built controller: real nginx servers stand for the exporters, and only the
/// API server is simulated.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct WindowsTests {
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
      pages["\(folder)/metrics"] = windowsPage(version: version, frontend: WindowsStage.frontend, worker: WindowsStage.worker)
    }
    // More than the 16 MiB that one page may have.
    pages["huge/metrics"] = String(repeating: "# padding\n", count: 1_800_000)
    return pages
  }

  @Test(
    "R40, R42 and R43 as well: two Prometheus servers see each node's containers by name, share fetches, and see a bad exporter as one target that is down",
    .enabled(if: Nginx.isInstalled && findProgram("prometheus") != nil, "nginx or prometheus is not installed"))
  func twoPrometheusServers() async throws {
    let gate = Gate()
    let page = windowsPage(version: "0.31", frontend: WindowsStage.frontend, worker: WindowsStage.worker)
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
    try await WindowsStage.run(network: nginx.network, exporterPort: nginx.port, nodes: 8) { controller in
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
}
