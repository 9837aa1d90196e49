import Foundation
import TestSupport
import Testing

/// The forwarding configuration of docs/windows.md, with two real Prometheus servers.
@Suite(
  .serialized, .timeLimit(.minutes(5)),
  .enabled(if: Nginx.isInstalled && findProgram("prometheus") != nil, "nginx or prometheus is not installed"))
struct WindowsForwardingTests {
  /// One metric of each forwarded set.
  private static let nodeMetrics = [
    "windows_cpu_time_total", "windows_logical_disk_free_bytes", "windows_memory_available_bytes", "windows_net_bytes_total",
    "windows_os_info", "windows_system_threads",
  ]

  private static func exporters() async throws -> Nginx {
    try await Nginx(
      files: [
        "metrics": windowsPage(version: "0.20", frontend: WindowsCluster.frontend, worker: WindowsCluster.worker)
          + (nodeMetrics + ["windows_service_state"]).map { "\($0) 1\n" }.joined()
      ],
      servers: "server { listen $network.1:$port; root $folder; }")
  }

  @Test func `exactly the metrics that docs/windows.md forwards arrive at another Prometheus`() async throws {
    let nginx = try await Self.exporters()
    try await WindowsCluster.run(network: nginx.network, exporterPort: nginx.port, nodes: 1) { controller in
      let folders = [try TemporaryFolder(), try TemporaryFolder()]
      let receiver = try await Prometheus(receivingAt: OwnAddress(), folder: folders[1], transport: controller.transport)
      defer { receiver.program.stop() }
      let sender = try await Prometheus(
        configuration: """
          global: {scrape_interval: 1s, scrape_timeout: 1s}
          scrape_configs:
            - job_name: windows
              honor_labels: true
              http_sd_configs: [{url: "\(controller.url)/sd/v1/targets?source=windows", refresh_interval: 1s}]
            - job_name: nginx
              static_configs: [{targets: ["\(nginx.host):\(nginx.port)"]}]
          \(try Self.documentedForwarding().replacing("https://metrics.example.com/api/v1/write", with: receiver.writeURL))
          """, folder: folders[0], transport: controller.transport)
      defer { sender.program.stop() }
      try await eventually("container metrics with names have arrived") {
        try await receiver.query("windows_container_cpu_usage_seconds_total{node=\"win-1\"}", by: "pod").count == 2
      }
      try await eventually("up has arrived") { try await receiver.query("up{node=\"win-1\"}", by: "node") == ["win-1": 1] }
      try await eventually("the sender has all metrics") { try await !sender.query("windows_service_state", by: "node").isEmpty }
      let arrived = Set(try await receiver.query("{__name__=~\".+\"}", by: "__name__").keys)
      #expect(arrived.contains("windows_container_network_receive_bytes_total"))
      #expect(arrived.filter { !$0.hasPrefix("windows_container_") } == Set(Self.nodeMetrics + ["up"]))
    }
  }

  /// The `remote_write:` block of the document.
  private static func documentedForwarding() throws -> String {
    let document = try String(contentsOfFile: "\(projectRoot)/docs/windows.md", encoding: .utf8)
    let block = try #require(document.split(separator: "```yaml\n").first { $0.hasPrefix("remote_write:") })
    return String(try #require(block.split(separator: "```").first))
  }

  private static let projectRoot = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
}
