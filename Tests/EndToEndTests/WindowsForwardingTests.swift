import Foundation
import TestSupport
import Testing

/// What docs/windows.md says about forwarding, in two real Prometheus servers.
@Suite(
  .serialized, .timeLimit(.minutes(5)),
  .enabled(if: Nginx.isInstalled && findProgram("prometheus") != nil, "nginx or prometheus is not installed"))
struct WindowsForwardingTests {
  /// One of each set that is forwarded.
  private static let ofTheNode = [
    "windows_cpu_time_total", "windows_logical_disk_free_bytes", "windows_memory_available_bytes", "windows_net_bytes_total",
    "windows_os_info", "windows_system_threads",
  ]

  private static func exporters() async throws -> Nginx {
    try await Nginx(
      files: [
        "metrics": windowsPage(version: "0.20", frontend: WindowsStage.frontend, worker: WindowsStage.worker)
          + (ofTheNode + ["windows_service_state"]).map { "\($0) 1\n" }.joined()
      ],
      servers: "server { listen $network.1:$port; root $folder; }")
  }

  @Test("what docs/windows.md forwards arrives at another Prometheus, and nothing else does") func forwarding() async throws {
    let nginx = try await Self.exporters()
    try await WindowsStage.run(network: nginx.network, exporterPort: nginx.port, nodes: 1) { stage in
      let folders = [try TemporaryFolder(), try TemporaryFolder()]
      let receiver = try await Prometheus(receivingAt: OwnAddress(), folder: folders[1], transport: stage.transport)
      defer { receiver.program.stop() }
      let sender = try await Prometheus(
        configuration: """
          global: {scrape_interval: 1s, scrape_timeout: 1s}
          scrape_configs:
            - job_name: windows
              honor_labels: true
              http_sd_configs: [{url: "\(stage.url)/sd/v1/targets?source=windows", refresh_interval: 1s}]
            - job_name: nginx
              static_configs: [{targets: ["\(nginx.host):\(nginx.port)"]}]
          \(try Self.documentedForwarding().replacing("https://metrics.example.com/api/v1/write", with: receiver.writeURL))
          """, folder: folders[0], transport: stage.transport)
      defer { sender.program.stop() }
      try await eventually("containers have arrived by name") {
        try await receiver.query("windows_container_cpu_usage_seconds_total{node=\"win-1\"}", by: "pod").count == 2
      }
      try await eventually("that the node is up has arrived") { try await receiver.query("up{node=\"win-1\"}", by: "node") == ["win-1": 1] }
      try await eventually("the sender has all of it") { try await !sender.query("windows_service_state", by: "node").isEmpty }
      let arrived = Set(try await receiver.query("{__name__=~\".+\"}", by: "__name__").keys)
      #expect(arrived.contains("windows_container_network_receive_bytes_total"))
      #expect(arrived.filter { !$0.hasPrefix("windows_container_") } == Set(Self.ofTheNode + ["up"]))
    }
  }

  // MARK: Steps

  /// The block of the document that begins with `remote_write:`.
  private static func documentedForwarding() throws -> String {
    let document = try String(contentsOfFile: "\(projectRoot)/docs/windows.md", encoding: .utf8)
    let block = try #require(document.split(separator: "```yaml\n").first { $0.hasPrefix("remote_write:") })
    return String(try #require(block.split(separator: "```").first))
  }

  private static let projectRoot = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
}
