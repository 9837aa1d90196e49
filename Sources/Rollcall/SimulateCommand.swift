internal import ArgumentParser
internal import FoundationEssentials
internal import JSON
internal import Logging
internal import ServiceLifecycle
internal import Simulator
internal import UnixSignals

/// `rollcall simulate`: a simulated cluster of any size.
struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Serve the API of a simulated cluster of any size.",
    discussion: """
      For sizing a controller and for benchmarks: an API server with Windows nodes, each with its own address in 127.0.0.0/8, pods of two
      containers and a stand-in exporter, or with Linux nodes and stand-in agents. Nodes and pods are generated on request, so 150,000 pods take a few hundred megabytes. Each
      exporter takes at least two file descriptors (ulimit -n). To run a controller against it:

        rollcall controller --kubeconfig KUBECONFIG --namespace rollcall --allow-loopback-targets

      To test a client alone, without exporters, in a cluster where containers restart and pods are replaced:

        rollcall simulate --kubeconfig KUBECONFIG --nodes 5000 --pods-per-node 30 --no-exporters --churn 5000
      """)

  @Option(help: "The number of nodes.")
  var nodes = 1000

  @Option(help: "The number of pods on each node.")
  var podsPerNode = 30

  @Option(
    help: ArgumentHelp(
      "The size of a pod in protobuf, in bytes.",
      discussion: "An annotation pads each pod to this size; without it a pod has about 4000 bytes."))
  var podBytes = 6400

  @Option(
    help: ArgumentHelp(
      "The number of watch events per second, for random pods.",
      discussion: """
        Nine changes in ten are a container that exits or restarts (MODIFIED), the tenth is a pod that is replaced (DELETED, ADDED). With \
        0 the cluster does not change.
        """))
  var churn = 0

  @Flag(
    name: .customLong("ipv6-first"),
    help: ArgumentHelp(
      "Be a cluster with IPv6 first and IPv4 second.",
      discussion: """
        Services are of IPv6 unless they say otherwise, and the first address of each node is an IPv6 address, at which no exporter listens.
        """))
  var isIPv6First = false

  @Flag(inversion: .prefixedNo, help: "Serve a stand-in exporter for each node.")
  var exporters = true

  @Flag(
    help: ArgumentHelp(
      "Be a cluster of Linux nodes, each with a stand-in agent.",
      discussion: "The agents are one server on one port of all addresses, with the certificates that the controller writes."))
  var linux = false

  @Option(help: "The port of the stand-in agents.")
  var agentPort = 9754

  @Option(help: "The port of the API server on 127.0.0.1; 0 takes a free one.")
  var apiPort = 6443

  @Option(help: "The port of the stand-in exporters.")
  var exporterPort = 9182

  @Option(help: "A token that TokenReview accepts as that of the service account prometheus in the namespace monitoring.")
  var scraperToken: String?

  @Option(help: "The path of the kubeconfig to write.")
  var kubeconfig: String

  func validate() throws {
    guard (1...100_000).contains(nodes) else { throw ValidationError("--nodes \(nodes): from 1 to 100000") }
    guard (0...1000).contains(podsPerNode) else { throw ValidationError("--pods-per-node \(podsPerNode): from 0 to 1000") }
    guard nodes * podsPerNode <= 1_000_000 else {
      throw ValidationError("--nodes \(nodes) --pods-per-node \(podsPerNode): at most 1000000 pods in all")
    }
    guard (4000...1_000_000).contains(podBytes) else { throw ValidationError("--pod-bytes \(podBytes): from 4000 to 1000000") }
    guard (0...100_000).contains(churn) else { throw ValidationError("--churn \(churn): from 0 to 100000 events a second") }
    guard (0...65535).contains(apiPort), (1...65535).contains(exporterPort), (1...65535).contains(agentPort) else {
      throw ValidationError("--api-port \(apiPort), --exporter-port \(exporterPort), --agent-port \(agentPort): a port is from 1 to 65535")
    }
  }

  func run() async throws {
    var server = SimulatorConfiguration(host: "127.0.0.1", port: apiPort, acceptsLoopbackEndpoints: true)
    server.isIPv6First = isIPv6First
    server.population = PopulationSize(nodes: nodes, podsPerNode: podsPerNode, podBytes: podBytes)
    if linux { server.population?.operatingSystem = "linux" }
    // Two minutes of changes: a paged list needs the history of the time that it takes.
    server.eventHistory = max(server.eventHistory, churn * 120)
    let api = SimulatedAPIServer(configuration: server, logger: .quiet("api-server"))
    if let scraperToken { api.setToken(scraperToken, .serviceAccount("prometheus", namespace: "monitoring")) }
    let cluster = SimulatedCluster(
      server: api, nodes: nodes, pods: nodes * podsPerNode,
      churn: churn, exporterPort: exporters && !linux ? exporterPort : nil, agentPort: linux ? agentPort : nil, kubeconfig: kubeconfig)
    try await ServiceGroup(services: [cluster], gracefulShutdownSignals: [.sigterm, .sigint], logger: .quiet("simulate")).run()
  }
}

/// A service with the API server of a population and the stand-in exporters of its nodes.
struct SimulatedCluster: Service {
  var server: SimulatedAPIServer
  var nodes: Int
  var pods: Int
  /// Events per second.
  var churn: Int
  /// `nil` for no exporters.
  var exporterPort: Int?
  /// `nil` for no agents.
  var agentPort: Int?
  var kubeconfig: String

  func run() async throws {
    do {
      try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
      try await cancelWhenGracefulShutdown { try await serve() }
    } catch is CancellationError {
      // A graceful shutdown.
    }
  }

  private func serve() async throws {
    try await withThrowingTaskGroup { group in
      group.addTask { try await server.run() }
      if let exporterPort {
        for number in 0..<nodes {
          guard let node = server.populationNode(number) else { break }
          let exporter = StandInServer(address: node.address, port: exporterPort, path: "/metrics") { secondsUp in
            WindowsExporterMetrics.body(containers: server.runningContainers(onNode: number), secondsUp: secondsUp)
          }
          group.addTask { try await exporter.run() }
        }
      }
      if let agentPort { group.addTask { try await StandInAgents(server: server, port: agentPort).run() } }
      let port = try await server.waitUntilListening()
      try Data(server.kubeconfig().utf8).write(to: URL(filePath: kubeconfig), options: .atomic)
      print("API server of \(nodes) nodes and \(pods) pods on 127.0.0.1:\(port); kubeconfig in \(kubeconfig)")
      if churn > 0 { group.addTask { try await server.churn(eventsPerSecond: churn) } }
      for try await _ in group {}  // ends at the first failure, unlike waitForAll
    }
  }
}
