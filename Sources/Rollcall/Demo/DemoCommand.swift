internal import ArgumentParser
internal import Controller
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import Primitives
internal import ServiceLifecycle
internal import Simulator
internal import UnixSignals

/// `rollcall demo`: all of Rollcall on this machine, against a simulated API server.
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Run all of Rollcall on this machine against a simulated cluster.",
    discussion: """
      Starts a simulated API server with two Linux nodes, a Windows node, a virtual node and one of Fargate; real processes with real sockets
      for the Linux containers (each pod in its own network namespace, if this user may create one); the real agent for each Linux node;
      stand-ins for windows_exporter, for the cAdvisor endpoints of the virtual pods and for Prometheus, whose workloads are scraped or not,
      each for another reason; and the real controller. It prints what to try. Everything listens on 127.0.0.0/8 and stops with the demo.
      """)

  @Option(help: "The address of the controller's status page, metrics and API.")
  var listen = "127.0.0.1:9750"

  @Option(help: "The port of the simulated API server on 127.0.0.1.")
  var apiPort = 6443

  @Option(help: "The first three numbers of the addresses of the nodes, which are loopback addresses: several demos may run.")
  var network = DemoCluster.standardNetwork

  @Option(
    help: "Inject an outage: agent-down, exporter-down or pod-silent. Can be repeated.")
  var inject: [Outage] = []

  @Option(help: "Seconds until the injected outages begin.")
  var injectAfter = 30

  @Option(help: "Duration of the injected outages in seconds.")
  var injectFor = 45

  func validate() throws {
    guard (1...65535).contains(apiPort) else { throw ValidationError("--api-port \(apiPort): a port is from 1 to 65535") }
    guard network.wholeMatch(of: /127(\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){2}/) != nil else {
      throw ValidationError("--network \(network): three numbers, the first of which is 127, such as 127.0.1")
    }
    guard injectAfter >= 0, injectFor > 0 else {
      throw ValidationError("--inject-after and --inject-for take seconds: at least 0 and at least 1")
    }
  }

  func run() async throws {
    try checkPorts()
    let folder = try DemoDirectory.temporary()
    defer { try? folder.remove() }  // a failure leaves files in the system's temporary folder
    let server = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: apiPort, acceptsLoopbackEndpoints: true), logger: .quiet("api-server"))
    let demo = Demo(
      server: server, listen: listen, network: network, folder: folder,
      injections: inject.map { Injection(outage: $0, after: .seconds(injectAfter), lasting: .seconds(injectFor)) },
      executables: try DemoExecutables.beside())
    // Services shut down in reverse order: the clients of the API server stop before it.
    try await ServiceGroup(
      configuration: .init(
        services: [
          .init(service: server), .init(service: demo, successTerminationBehavior: .gracefullyShutdownGroup),
        ],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: .quiet("demo"))
    ).run()
  }
}

extension DemoCommand {
  private func checkPorts() throws {
    guard let address = ListenAddress(listen), !address.host.isEmpty else {
      throw ValidationError("--listen \(listen): write an address and a port, such as 127.0.0.1:9750")
    }
    let own = [
      DemoPort(
        address: "127.0.0.1", port: apiPort, purpose: "the simulated API server",
        remedy: "is another demo running? End it, or choose another port with --api-port"),
      DemoPort(
        address: address.host, port: address.port, purpose: "the controller",
        remedy: "is another controller running? End it, or choose another address with --listen"),
    ]
    for port in own + DemoCluster.standard(startedAt: "", network: network).ports { try port.checkThatItIsFree() }
  }
}

/// The two executables of Rollcall, installed in the same directory.
struct DemoExecutables {
  var rollcall: String
  var agent: String

  static func beside() throws -> DemoExecutables {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let agent = own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/rollcall-agent"
    guard FileManager.default.isExecutableFile(atPath: agent) else {
      throw ValidationError("the demo needs \(agent), which does not exist: build or install rollcall-agent next to rollcall")
    }
    return DemoExecutables(rollcall: own, agent: agent)
  }
}

/// An address that a part of the demo listens on.
struct DemoPort {
  var address: String
  var port: Int
  /// What listens there; named in errors.
  var purpose: String
  /// The advice in the error text.
  var remedy = "is another demo running? Only one can use the addresses of the nodes: end it"

  /// - Throws: `DemoError` if the port is taken. It is checked before anything starts, because each part of the demo would fail on its own
  ///   with a
  ///   less helpful error.
  func checkThatItIsFree() throws(DemoError) {
    var socketAddress = sockaddr_in()
    socketAddress.sin_family = sa_family_t(AF_INET)
    socketAddress.sin_port = in_port_t(port).bigEndian
    // Only --listen can be a name or an IPv6 address; the controller reports its error.
    guard inet_pton(AF_INET, address, &socketAddress.sin_addr) == 1 else { return }
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure(errno) }
    defer { close(descriptor) }
    // As servers do: ignore connections in TIME_WAIT.
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    let bound = withUnsafePointer(to: &socketAddress) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard bound == 0 else { throw failure(errno) }
  }

  private func failure(_ number: Int32) -> DemoError {
    DemoError(description: "cannot listen on \(address):\(port) for \(purpose): \(String(cString: strerror(number))); \(remedy)")
  }
}

extension DemoCluster {
  /// The ports of the agents, the exporter and the virtual pods.
  var ports: [DemoPort] {
    nodes.flatMap { node -> [DemoPort] in
      if node.isLinux {
        return [9753, 9754].map { DemoPort(address: node.address, port: $0, purpose: "the agent of \(node.name)") }
      }
      return node.operatingSystem != "windows" ? [] : [DemoPort(address: node.address, port: 9182, purpose: "the exporter of \(node.name)")]
    }
      + pods.filter(\.node.isVirtual).map { DemoPort(address: $0.address, port: 8080, purpose: "the pod \($0.name)") }
      + pods.filter { $0.namespace == DemoWorkload.monitoringNamespace }.map {
        DemoPort(address: $0.address, port: 9090, purpose: "the stand-in for Prometheus")
      }
  }
}
