internal import ArgumentParser
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
      For sizing a controller, and for benchmarks: an API server with Windows nodes at addresses of their own in 127.0.0.0/8, each with
      pods of two containers and a stand-in for its exporter. Nodes and pods are not kept but made when somebody asks for them, so 150,000
      pods take a few hundred megabytes. Every exporter takes two file descriptors or more (ulimit -n). Point a controller at it:

        rollcall controller --kubeconfig KUBECONFIG --namespace rollcall --allow-loopback-targets

      For a client alone, without exporters, in a cluster where containers end and start and pods come and go:

        rollcall simulate --kubeconfig KUBECONFIG --nodes 5000 --pods-per-node 30 --no-exporters --churn 5000
      """)

  @Option(help: "How many nodes.")
  var nodes = 1000

  @Option(help: "How many pods on each node.")
  var podsPerNode = 30

  @Option(
    help: ArgumentHelp(
      "The size of a pod in protobuf, in bytes.", discussion: "Reached by the length of an annotation; a pod has about 4000 without it."))
  var podBytes = 6400

  @Option(
    help: ArgumentHelp(
      "How many events a second a watch of all pods gets.",
      discussion: """
        Of random pods: nine changes in ten are a container that ends or starts again (MODIFIED), the tenth is a pod that goes and one \
        that takes its place (DELETED, ADDED). 0 leaves the cluster as it is.
        """))
  var churn = 0

  @Flag(inversion: .prefixedNo, help: "Serve a stand-in exporter for each node.")
  var exporters = true

  @Option(help: "The port of the API server on 127.0.0.1; 0 takes a free one.")
  var apiPort = 6443

  @Option(help: "The port of the stand-in exporters.")
  var exporterPort = 9182

  @Option(help: "Where to write the kubeconfig.")
  var kubeconfig: String

  func validate() throws {
    guard (1...10_000).contains(nodes) else { throw ValidationError("--nodes \(nodes): from 1 to 10000") }
    guard (0...1000).contains(podsPerNode) else { throw ValidationError("--pods-per-node \(podsPerNode): from 0 to 1000") }
    guard nodes * podsPerNode <= 1_000_000 else {
      throw ValidationError("--nodes \(nodes) --pods-per-node \(podsPerNode): at most 1000000 pods in all")
    }
    guard (4000...1_000_000).contains(podBytes) else { throw ValidationError("--pod-bytes \(podBytes): from 4000 to 1000000") }
    guard (0...100_000).contains(churn) else { throw ValidationError("--churn \(churn): from 0 to 100000 events a second") }
    guard (0...65535).contains(apiPort), (1...65535).contains(exporterPort) else {
      throw ValidationError("--api-port \(apiPort), --exporter-port \(exporterPort): a port is from 1 to 65535")
    }
  }

  func run() async throws {
    var server = SimulatorConfiguration(host: "127.0.0.1", port: apiPort, acceptsLoopbackEndpoints: true)
    server.population = PopulationSize(nodes: nodes, podsPerNode: podsPerNode, podBytes: podBytes)
    // Two minutes of changes, as a client that lists in pages needs the past of at least as long as it takes.
    server.eventHistory = max(server.eventHistory, churn * 120)
    let cluster = SimulatedCluster(
      server: SimulatedAPIServer(configuration: server, logger: .quiet("api-server")), nodes: nodes, pods: nodes * podsPerNode,
      churn: churn, exporterPort: exporters ? exporterPort : nil, kubeconfig: kubeconfig)
    try await ServiceGroup(services: [cluster], gracefulShutdownSignals: [.sigterm, .sigint], logger: .quiet("simulate")).run()
  }
}
