import Hummingbird
import HummingbirdCore
import LinuxCollector
import Logging
import NIOCore
import NIOPosix
import Primitives
import ProcFS
import ServiceLifecycle
import TLSServing
import UnixSignals

/// Composes and runs the agent's services.
struct Agent {
  /// Less than the manifest's termination grace period of 10 s.
  private static let drainTime: Duration = .seconds(8)
  /// Enough for a few Prometheus servers, controllers and users. Limits descriptors and memory.
  private static let maximumConnections = 128
  /// Longer than common scrape intervals, so that scrapers keep their connections.
  private static let idleTimeout: TimeAmount = .minutes(5)

  private let settings: AgentSettings
  private let logger: Logger

  init(_ settings: AgentSettings, logger: Logger) {
    self.settings = settings
    self.logger = logger
  }

  /// Runs until SIGTERM or SIGINT, then finishes requests in progress.
  func run() async throws {
    // One thread for connections and one for sweeps: all work is a short burst every few seconds.
    let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let sweepThread = NIOThreadPool(numberOfThreads: 1)
    sweepThread.start()

    let report = SocketReport(settings, logger: logger)
    let sweeps = SharedSweep(
      sweeper: settings.sweeper(cachedNamespaces: OpenFiles.namespaceCapacity(), filesystems: true, eventLoops: eventLoops),
      thread: sweepThread, reuse: settings.sweepReuse, now: monotonicNow, observe: { report.observe($0) })
    let heldRoll = HeldRoll()
    let credentials = TLSCredentials(folder: settings.tlsDirectory, logger: logger)
    let metricsCredentials = settings.metricsTLSDirectory.map {
      TLSCredentials(folder: $0, checking: settings.requiresClientCertificate ? .ifShown : .none, logger: logger)
    }
    let readiness = Readiness(roll: credentials, metrics: metricsCredentials)

    let metrics = server(
      MetricsResponder(settings: settings, sweeps: sweeps, heldRoll: heldRoll, readiness: readiness), by: metricsCredentials,
      acceptsPlainText: true, at: settings.listen, "metrics", eventLoops)
    let roll = server(
      RollResponder(node: settings.ownNode, sweeps: sweeps, heldRoll: heldRoll), by: credentials, acceptsPlainText: false,
      at: settings.rollListen, "roll",
      eventLoops)

    await logFirst(sweeps.current())
    ColdPages.release()

    // The group stops them in reverse order: readiness first, then the servers.
    var services: [any Service] = [credentials]
    if let metricsCredentials { services.append(metricsCredentials) }
    services += [
      IdleRelease(sweeps: sweeps),
      ColdPages(),
      Listener(option: "roll-listen", address: settings.rollListen, server: roll),
      Listener(option: "listen", address: settings.listen, server: metrics),
      readiness,
    ]
    var configuration = ServiceGroupConfiguration(
      services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: libraryLogger)
    configuration.maximumGracefulShutdownDuration = Self.drainTime
    try await ServiceGroup(configuration: configuration).run()
    logger.notice("stopped")
  }

  private func server<Responder: HTTPResponder>(
    _ responder: Responder, by credentials: TLSCredentials?, acceptsPlainText: Bool, at address: ListenAddress, _ purpose: String,
    _ eventLoops: any EventLoopGroup
  ) -> any Service where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    let logger = logger
    let host = address.hostToBind()
    let configuration = HTTP1Channel.Configuration(idleTimeout: Self.idleTimeout)
    let builder: HTTPServerBuilder =
      if let credentials {
        HTTPServerBuilder { [logger] responder in
          TLSServerChannel(
            base: HTTP1Channel(responder: responder, configuration: configuration),
            handshakes: HandshakeReport(logger: logger, advice: \.advice),
            acceptsPlainText: acceptsPlainText, context: { credentials.context })
        }
      } else {
        .http1(configuration: configuration)
      }
    return Application(
      responder: responder, server: builder,
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: address.port),
        availableConnectionsDelegate: .maximum(Self.maximumConnections, logger: libraryLogger)),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? address.port
        logger.notice("listening", metadata: ["purpose": "\(purpose)", "address": "\(ListenAddress(host: host, port: port))"])
      },
      eventLoopGroupProvider: .shared(eventLoops), logger: libraryLogger)
  }

  /// Hides the libraries' info messages, unless the level is debug or trace.
  private var libraryLogger: Logger {
    var quieter = logger
    if quieter.logLevel == .info { quieter.logLevel = .notice }
    return quieter
  }

  /// Logs the result of the first sweep, so that missing rights or mounts show at startup and not as gaps an hour later.
  private func logFirst(_ sweep: Sweep) {
    for problem in sweep.problems.prefix(10) {
      logger.warning("sweep incomplete", metadata: ["error": "\(problem)"])
    }
    logger.notice(
      "first sweep done",
      metadata: [
        "node": "\(settings.node)", "containers": "\(sweep.containers.count)", "namespaces": "\(sweep.namespaces.count)",
        "cgroups": "\(sweep.searchedPaths.joined(separator: " "))",
      ])
  }
}

/// A server, with the option that sets its address, for the error if it cannot listen.
struct Listener: Service {
  let option: String
  let address: ListenAddress
  let server: any Service

  func run() async throws {
    do {
      try await server.run()
    } catch let error as IOError {
      throw ListenError(description: "cannot listen on \(address): \(error); choose another address and port with --\(option)")
    } catch let error as SocketAddressError {
      throw ListenError(description: "cannot listen on \(address): \(error); choose an address of this machine with --\(option)")
    }
  }
}

struct ListenError: Error, CustomStringConvertible {
  let description: String
}
