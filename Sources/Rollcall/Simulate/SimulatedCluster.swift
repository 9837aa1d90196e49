internal import FoundationEssentials
internal import JSON
internal import ServiceLifecycle
internal import Simulator

/// The API server of a population and the stand-in exporters of its nodes, as one service.
struct SimulatedCluster: Service {
  var server: SimulatedAPIServer
  var nodes: Int
  var pods: Int
  /// Events a second.
  var churn: Int
  /// `nil` for no exporters.
  var exporterPort: Int?
  var kubeconfig: String

  func run() async throws {
    do {
      try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
      try await cancelWhenGracefulShutdown { try await serve() }
    } catch is CancellationError {
      // Asked to end.
    }
  }

  private func serve() async throws {
    try await withThrowingTaskGroup { group in
      group.addTask { try await server.run() }
      if let exporterPort {
        for number in 0..<nodes {
          guard let node = server.populationNode(number) else { break }
          let exporter = StandInServer(address: node.address, port: exporterPort, path: "/metrics") { secondsUp in
            WindowsExporterPage.bytes(containers: server.runningContainers(onNode: number), secondsUp: secondsUp)
          }
          group.addTask { try await exporter.run() }
        }
      }
      let port = try await server.waitUntilListening()
      try Data(server.kubeconfig().utf8).write(to: URL(filePath: kubeconfig), options: .atomic)
      print("API server of \(nodes) nodes and \(pods) pods on 127.0.0.1:\(port); kubeconfig in \(kubeconfig)")
      if churn > 0 { group.addTask { try await server.churn(eventsPerSecond: churn) } }
      for try await _ in group {}  // the first failure ends all; waitForAll would wait for those that never end
    }
  }
}
