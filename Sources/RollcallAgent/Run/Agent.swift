import Hummingbird
import HummingbirdCore
import LinuxCollector
import Logging
import NIOCore
import NIOPosix
import ProcFS
import ServiceLifecycle
import UnixSignals

/// The parts of the agent, put together.
struct Agent {
  static let version = "0.1.0"

  /// The manifest has Kubernetes wait 10 s between SIGTERM and SIGKILL.
  private static let drainTime: Duration = .seconds(8)
  /// A few Prometheus servers and controllers, and people; it bounds descriptors and memory.
  private static let maximumConnections = 128
  /// Longer than any scrape interval in use, so that a scraper keeps its connection.
  private static let idleTimeout: TimeAmount = .minutes(5)

  private let settings: AgentSettings
  private let logger: Logger

  init(_ settings: AgentSettings, logger: Logger) {
    self.settings = settings
    self.logger = logger
  }

  /// Runs until SIGTERM or SIGINT, then lets requests in progress finish.
  func run() async throws {
    // One thread for connections, one for sweeps: the work is one short burst every few seconds.
    let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let sweepThread = NIOThreadPool(numberOfThreads: 1)
    sweepThread.start()

    let report = SocketReport(settings, logger: logger)
    let sweeps = SharedSweep(
      sweeper: settings.sweeper(cachedNamespaces: Descriptors.namespaceRoom(), filesystems: true, eventLoops: eventLoops),
      thread: sweepThread, reuse: settings.sweepReuse, now: monotonicNow, observe: { report.observe($0) })
    let book = RollBook()
    let credentials = TLSCredentials(folder: settings.tlsDirectory, logger: logger)
    let metricsCredentials = settings.metricsTLSDirectory.map {
      TLSCredentials(folder: $0, checking: settings.requiresClientCertificate ? .ifShown : .none, logger: logger)
    }
    let readiness = Readiness(credentials: credentials)

    let metrics = server(
      MetricsResponder(settings: settings, sweeps: sweeps, book: book, readiness: readiness), by: metricsCredentials, at: settings.listen,
      "metrics", eventLoops)
    let roll = server(RollResponder(sweeps: sweeps, book: book), by: credentials, at: settings.rollListen, "roll", eventLoops)

    await reportFirst(sweeps.current())
    ColdPages.release()

    // Stopped in reverse order: not ready first, then the servers.
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
    _ responder: Responder, by credentials: TLSCredentials?, at address: ListenAddress, _ purpose: String,
    _ eventLoops: any EventLoopGroup
  ) -> any Service where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    let logger = logger
    let configuration = HTTP1Channel.Configuration(idleTimeout: Self.idleTimeout)
    let builder: HTTPServerBuilder =
      if let credentials {
        HTTPServerBuilder { responder in
          TLSServerChannel(base: HTTP1Channel(responder: responder, configuration: configuration), credentials: credentials)
        }
      } else {
        .http1(configuration: configuration)
      }
    return Application(
      responder: responder, server: builder,
      configuration: ApplicationConfiguration(
        address: .hostname(address.host, port: address.port),
        availableConnectionsDelegate: .maximum(Self.maximumConnections, logger: libraryLogger)),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? address.port
        logger.notice("listening", metadata: ["for": "\(purpose)", "address": "\(ListenAddress(host: address.host, port: port))"])
      },
      eventLoopGroupProvider: .shared(eventLoops), logger: libraryLogger)
  }

  /// The libraries' everyday messages are for those who asked for details.
  private var libraryLogger: Logger {
    var quieter = logger
    if quieter.logLevel == .info { quieter.logLevel = .notice }
    return quieter
  }

  /// Whoever starts the agent without the rights or mounts that it needs hears of it at once, not by a gap an hour later.
  private func reportFirst(_ sweep: Sweep) {
    for problem in sweep.problems.prefix(10) {
      logger.warning("cannot look at everything", metadata: ["error": "\(problem)"])
    }
    logger.notice(
      "ready to answer",
      metadata: [
        "node": "\(settings.node)", "containers": "\(sweep.containers.count)", "namespaces": "\(sweep.namespaces.count)",
        "cgroups": "\(sweep.searchedPaths.joined(separator: " "))",
      ])
  }
}

extension AgentSettings {
  /// What looks at this node as the settings say.
  func sweeper(cachedNamespaces: Int, filesystems: Bool, eventLoops: MultiThreadedEventLoopGroup) -> LinuxSweeper {
    let procFS = ProcFS(root: proc)
    let interval = filesystems ? filesystemInterval : nil
    return LinuxSweeper(
      procFS: procFS, locator: locator.makeLocator(cgroup: cgroup, procFS: procFS, eventLoops: eventLoops), sockets: sockets,
      filesystems: interval.map { FilesystemMonitor(procFS: procFS, interval: $0, now: monotonicNow) }, cachedNamespaces: cachedNamespaces,
      netstatInterval: netstatInterval, now: monotonicNow)
  }
}
