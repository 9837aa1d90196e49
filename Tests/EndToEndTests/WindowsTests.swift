import Foundation
import HTTPTransport
import TestSupport
import Testing

/// Two real Prometheus servers scrape Windows nodes through the controller. nginx serves the exporters' metrics; only the API server is
/// simulated.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct WindowsTests {
  /// Node by node: an exporter that blocks until the gate opens, the three generations of windows_exporter, HTML, a truncated body, a body
  /// that is too large.
  private static let servers = """
    server { listen $network.1:$port; location / { proxy_pass http://127.0.0.1:$slow; proxy_pass_request_headers on; } }
    server { listen $network.2:$port; root $folder/020; }
    server { listen $network.3:$port; root $folder/031; }
    server { listen $network.4:$port; root $folder/032; }
    server { listen $network.5:$port; location / { return 200 "<html>"; } }
    server { listen $network.6:$port; location / { proxy_pass http://127.0.0.1:$slow/cut; } }
    server { listen $network.7:$port; root $folder/huge; }
    """

  private static func files() -> [String: String] {
    var files: [String: String] = [:]
    for (folder, version) in [("020", "0.20"), ("031", "0.31"), ("032", "0.32")] {
      files["\(folder)/metrics"] = windowsPage(version: version, frontend: WindowsCluster.frontend, worker: WindowsCluster.worker)
    }
    // More than the limit of 16 MiB.
    files["huge/metrics"] = String(repeating: "# padding\n", count: 1_800_000)
    return files
  }

  @Test(.enabled(if: Nginx.isInstalled && findProgram("prometheus") != nil, "nginx or prometheus is not installed"))
  func `R40, R42, R43: two Prometheus servers get named containers, share fetches, and see a bad exporter as one target that is down`()
    async throws
  {
    let gate = Gate()
    let body = windowsPage(version: "0.31", frontend: WindowsCluster.frontend, worker: WindowsCluster.worker)
    let slow = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.target.hasPrefix("/cut") {
          try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n\(body)")
          return connection.reset()
        }
        try connection.stall(until: gate)
        try connection.respond(status: 200, body: body)
      }
    }
    defer {
      gate.open()
      slow.stop()
    }
    let nginx = try await Nginx(files: Self.files(), servers: Self.servers.replacing("$slow", with: "\(slow.port)"))
    try await WindowsCluster.run(network: nginx.network, exporterPort: nginx.port, nodes: 8) { controller in
      let folders = [try TemporaryFolder(), try TemporaryFolder()]
      var servers: [Prometheus] = []
      for folder in folders {
        servers.append(
          try await Prometheus(discovery: "\(controller.url)/sd/v1/targets?source=windows", folder: folder, transport: controller.transport)
        )
      }
      defer { for server in servers { server.program.stop() } }

      // Both scrape win-1 every second; while its exporter blocks they wait for one fetch.
      var (joined, asked) = (0.0, 0)
      try await eventually("scrapes share a fetch") {
        let fetches = try await controller.metric("rollcall_probe_fetches_total", where: "exporter")
        joined = try await controller.metric("rollcall_probe_requests_total", where: "exporter") - fetches
        // The requests to the exporter: the shared fetch and the roll call of the controller.
        asked = slow.requests.count { !$0.target.hasPrefix("/cut") }
        return joined >= 5 && asked >= 1
      }
      #expect(Double(asked) < joined)
      gate.open()
      let expected: [String: Double] = [
        "win-1": 1, "win-2": 1, "win-3": 1, "win-4": 1, "win-5": 0, "win-6": 0, "win-7": 0, "win-8": 0,
      ]
      for prometheus in servers {
        try await eventually("up has the expected values") { try await prometheus.query("up", by: "node") == expected }
        for node in ["win-1", "win-2", "win-3", "win-4"] {
          let cpu = "windows_container_cpu_usage_seconds_total{node=\"\(node)\"}"
          try await eventually("\(node) has its containers by name") {
            try await prometheus.query(cpu, by: "pod") == ["frontend-0": 18.703125, "worker-0": 1_406_250]
          }
          // A namespace from the exporter is kept, a missing one is filled in.
          let namespaces = try await prometheus.query("windows_container_available{node=\"\(node)\"}", by: "namespace").keys
          #expect(Set(namespaces) == [node == "win-2" ? "web-2" : "web", "web-\(node.dropFirst(4))"])
        }
        #expect(try await prometheus.query("windows_container_processes", by: "container") == ["iis": 21])
        // No series of an invalid or truncated body.
        #expect(try await prometheus.query("{node=~\"win-[5-8]\",__name__=~\"windows_.*\"}", by: "node").isEmpty)
        #expect(try await prometheus.query("up{node=\"win-2\"}", by: "instance") == ["\(nginx.network).2:\(nginx.port)": 1])
      }
    }
  }
}
