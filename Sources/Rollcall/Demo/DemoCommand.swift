internal import ArgumentParser
internal import Controller
internal import FoundationEssentials
internal import Logging
internal import ServiceLifecycle
internal import Simulator
internal import UnixSignals

/// `rollcall demo`: everything on this machine, against a simulated API server.
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Run all of Rollcall on this machine against a simulated cluster.",
    discussion: """
      Starts an embedded API server with two Linux nodes, a Windows node and a virtual node; real processes with real sockets for the Linux
      containers (each pod in a network namespace of its own, where this user may make one); the real agent for each Linux node; stand-ins
      for windows_exporter and for the virtual pods' cAdvisor endpoints; and the real controller. Everything listens on 127.0.0.0/8 and ends
      with the demo.
      """)

  @Option(help: "Where the controller serves its status page, metrics and API.")
  var listen = "127.0.0.1:9750"

  @Option(help: "The port of the simulated API server on 127.0.0.1.")
  var apiPort = 6443

  @Option(
    help: "Break something for a while: agent-down, exporter-down or pod-silent. Can be given several times.")
  var inject: [Outage] = []

  @Option(help: "Seconds from the start until an injected outage begins.")
  var injectAfter = 30

  @Option(help: "Seconds that an injected outage lasts.")
  var injectFor = 45

  func validate() throws {
    guard (1...65535).contains(apiPort) else { throw ValidationError("--api-port \(apiPort): a port is from 1 to 65535") }
    guard injectAfter >= 0, injectFor > 0 else {
      throw ValidationError("--inject-after and --inject-for take seconds: at least 0 and at least 1")
    }
  }

  func run() async throws {
    try checkPorts()
    let folder = try DemoDirectory.temporary()
    defer { try? folder.remove() }  // what cannot be removed is in the system's folder for temporary files
    let server = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: apiPort, acceptsLoopbackEndpoints: true), logger: .quiet("api-server"))
    let demo = Demo(
      server: server, listen: listen, folder: folder,
      injections: inject.map { Injection(outage: $0, after: .seconds(injectAfter), lasting: .seconds(injectFor)) },
      executables: try DemoExecutables.beside())
    // The last one is told to end first: what talks to the API server has ended before it does.
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
    guard let address = ListenAddress(listen) else {
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
    for port in own + DemoCluster.standard(startedAt: "").ports { try port.checkThatItIsFree() }
  }
}

/// The two executables of Rollcall, which are installed side by side.
struct DemoExecutables {
  var rollcall: String
  var agent: String

  static func beside() throws -> DemoExecutables {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let agent = own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/rollcall-agent"
    guard FileManager.default.isExecutableFile(atPath: agent) else {
      throw ValidationError("the demo starts \(agent), which is not there: build or install rollcall-agent beside rollcall")
    }
    return DemoExecutables(rollcall: own, agent: agent)
  }
}
