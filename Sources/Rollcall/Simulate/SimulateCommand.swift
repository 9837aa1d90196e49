internal import ArgumentParser
internal import FoundationEssentials
internal import JSON
internal import Logging
internal import ServiceLifecycle
internal import Simulator
internal import UnixSignals

/// `rollcall simulate`: a simulated cluster of any size to point a controller at.
struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Serve the API of a simulated cluster of any size.",
    discussion: """
      For sizing a controller, and for benchmarks: an API server with Windows nodes at addresses of their own in 127.1.0.0/16, each with
      pods of two containers and a stand-in for its exporter. Every node takes two file descriptors or more (ulimit -n). Point a
      controller at it:

        rollcall controller --kubeconfig KUBECONFIG --namespace rollcall --allow-loopback-targets
      """)

  @Option(help: "How many nodes.")
  var nodes = 1000

  @Option(help: "How many pods on each node.")
  var podsPerNode = 30

  @Option(help: "The port of the API server on 127.0.0.1; 0 takes a free one.")
  var apiPort = 6443

  @Option(help: "The port of the stand-in exporters.")
  var exporterPort = 9182

  @Option(help: "Where to write the kubeconfig.")
  var kubeconfig: String

  func validate() throws {
    guard (1...10_000).contains(nodes) else { throw ValidationError("--nodes \(nodes): from 1 to 10000") }
    guard (0...1000).contains(podsPerNode) else { throw ValidationError("--pods-per-node \(podsPerNode): from 0 to 1000") }
    guard (0...65535).contains(apiPort), (1...65535).contains(exporterPort) else {
      throw ValidationError("--api-port \(apiPort), --exporter-port \(exporterPort): a port is from 1 to 65535")
    }
  }

  func run() async throws {
    try await ServiceGroup(
      services: [
        SimulatedCluster(
          cluster: .uniform(nodes: nodes, podsPerNode: podsPerNode, startedAt: Date.now.formatted(.iso8601)), apiPort: apiPort,
          exporterPort: exporterPort, kubeconfig: kubeconfig)
      ],
      gracefulShutdownSignals: [.sigterm, .sigint], logger: .quiet("simulate")
    ).run()
  }
}

/// The API server and the stand-in exporters, as one service.
private struct SimulatedCluster: Service {
  var cluster: DemoCluster
  var apiPort: Int
  var exporterPort: Int
  var kubeconfig: String

  func run() async throws {
    let server = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: apiPort, acceptsLoopbackEndpoints: true), logger: .quiet("api-server"))
    try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
    for node in cluster.nodes { try server.put(node.object) }
    for pod in cluster.pods { try server.put(pod.object) }

    do {
      try await cancelWhenGracefulShutdown { try await serve(through: server) }
    } catch is CancellationError {
      // Asked to end.
    }
  }

  private func serve(through server: SimulatedAPIServer) async throws {
    try await withThrowingTaskGroup { group in
      group.addTask { try await server.run() }
      let podsOfNode = Dictionary(grouping: cluster.pods, by: \.node.name)
      for node in cluster.nodes {
        let part = DemoCluster(nodes: [node], pods: podsOfNode[node.name] ?? [])
        let exporter = StandInServer(address: node.address, port: exporterPort, path: "/metrics") { secondsUp in
          part.windowsExporterPage(of: node, secondsUp: secondsUp)
        }
        group.addTask { try await exporter.run() }
      }
      let port = try await server.waitUntilListening()
      try Data(server.kubeconfig().utf8).write(to: URL(filePath: kubeconfig), options: .atomic)
      print("API server of \(cluster.nodes.count) nodes and \(cluster.pods.count) pods on 127.0.0.1:\(port); kubeconfig in \(kubeconfig)")
      for try await _ in group {}  // the first failure ends all; waitForAll would wait for those that never end
    }
  }
}

extension DemoCluster {
  /// A cluster of Windows nodes that are all alike: pods of two running containers.
  static func uniform(nodes count: Int, podsPerNode: Int, startedAt: String) -> DemoCluster {
    let running: JSONValue = ["running": ["startedAt": .string(startedAt)]]
    let nodes = (0..<count).map { index in
      Node(name: "windows-\(index)", address: "127.1.\(index / 250).\(index % 250 + 1)", operatingSystem: "windows")
    }
    let pods = nodes.enumerated().flatMap { nodeIndex, node in
      (0..<podsPerNode).map { podIndex in
        let number = nodeIndex * podsPerNode + podIndex
        let containers = ["app", "sidecar"].enumerated().map { containerIndex, name in
          Container(name: name, image: "example/\(name):1.0", id: hexadecimalID(number * 2 + containerIndex), state: running)
        }
        return Pod(
          namespace: "team-\(number % 100)", name: "workload-\(nodeIndex)-\(podIndex)-7f9c6d5b84", node: node,
          address: "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)",
          uid: "d3e0\(hexadecimalID(number).suffix(4))-0000-4000-8000-\(hexadecimalID(number).suffix(12))", containers: containers)
      }
    }
    return DemoCluster(nodes: nodes, pods: pods)
  }

  private static func hexadecimalID(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 64 - digits.count) + digits
  }
}
