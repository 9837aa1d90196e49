internal import Collector
import HTTPTransport
import KubeClient
package import Logging
import Roll
package import ServiceLifecycle
internal import Synchronization

/// The whole controller, composed: watches, rolls, node tasks, ledger, and what goes out from there.
///
///     let controller = try RollcallController(settings: settings, environment: environment, version: "…", logger: logger)
///     try await ServiceGroup(services: controller.services, …).run()
package final class RollcallController: Sendable {
  /// In the order in which they start; the group stops them from the last to the first, so that the server answers until the end.
  package var services: [any Service] { [push, pages, server, ControllerCore(self)] }
  package let server: ControllerServer
  /// To run beside the server, and to end after it.
  package let pages: NodeRelay
  /// Likewise.
  package let push: PushService

  let settings: ControllerSettings
  let logger: Logger
  let cluster: Cluster
  let time: any TimeSource
  let rolls = RollStore()
  let ledger: LedgerStore
  let certificates: CertificateManager
  let election: Election
  let calling: LeaderLoop
  let publication: TargetPublication
  let lifecycle = LifecycleState()

  /// - Parameters:
  ///   - collectors: other than the real ones, for tests.
  /// - Throws: `ControllerError`, for what cannot be right however long one waits. An API server that does not answer is no such error.
  package init(
    settings: ControllerSettings, environment: [String: String], version: String, time: any TimeSource = SystemTime(),
    collectors: NodeCollectors? = nil, logger: Logger
  ) throws(ControllerError) {
    self.settings = settings
    self.logger = logger
    self.time = time
    let cluster = try Cluster(settings: settings, environment: environment, logger: logger)
    self.cluster = cluster
    let election = try Election(settings: settings, cluster: cluster, environment: environment, logger: logger)
    self.election = election
    let ledger = LedgerStore(threshold: settings.threshold)
    self.ledger = ledger
    let certificates = CertificateManager(
      client: cluster.client, namespace: cluster.namespace, logger: logger, isLeading: { election.isLeader },
      now: { time.reading().unixMilliseconds / 1000 })
    self.certificates = certificates

    let counters = CollectionCounters()
    var collectorTransport = HTTPTransportConfiguration()
    // A transfer for each call, and for the pods of virtual nodes, whose collector bounds itself.
    collectorTransport.maximumTransfers = settings.maximumCalls + settings.virtualTransfers
    let kept = keptConnections(settings, inUse: 2 * collectorTransport.maximumTransfers, logger: logger)
    // Beside those of virtual nodes' pods, of which at most as many as calls are kept.
    collectorTransport.connectionCacheSize = kept + settings.maximumCalls
    let transport = try makeTransport(collectorTransport)
    let annotations: @Sendable (String) -> [String: String] = { cluster.node($0)?.annotations ?? [:] }
    var probeTransport = HTTPTransportConfiguration()
    probeTransport.maximumTransfers = settings.maximumProbes
    let probes = try makeTransport(probeTransport)
    let summary = SummarySource(settings: settings, client: cluster.client, transport: probes) { cluster.node($0)?.kubeletPort }
    let exporters = ExporterStatusStore()
    let push = try PushService(settings: settings, transport: try makeTransport(HTTPTransportConfiguration()), time: time, logger: logger)
    self.push = push
    let virtual = VirtualCollector(
      transport: transport, settings: VirtualSettings(settings),
      endpoints: VirtualEndpoints(node: { cluster.node($0) }) { namespace, name in
        cluster.pod(namespace: namespace, name: name)?.annotations ?? [:]
      }, images: { cluster.pod(namespace: $0.namespace, name: $0.pod)?.images ?? [:] }, sink: push.pages)
    let collectors =
      collectors
      ?? NodeCollectors(
        settings: settings, transport: transport, virtual: virtual, exporters: exporters, summary: summary, annotations: annotations,
        logger: logger, tls: { certificates.tls }, keepsConnections: { [rolls] in rolls.nodeCount <= kept }, sockets: push.takeSockets)
    let pages = NodeRelay(
      settings: settings, transport: probes, summary: summary, annotations: annotations,
      isOnHostNetwork: { cluster.pod(namespace: $0, name: $1)?.hostNetwork == true }
    ) { cluster.containerNames(onNode: $0) }
    self.pages = pages
    let tasks = NodeTaskManager(
      rolls: rolls, ledger: ledger, counters: counters, collectors: collectors,
      pace: .init(interval: settings.interval, maximumCalls: settings.maximumCalls), time: time)

    var view = ControllerView(
      rolls: rolls, ledger: ledger, counters: counters, time: time, settings: settings, version: version,
      leadership: { LeadershipStatus(isLeader: election.isLeader, holder: election.holder) },
      readiness: { [lifecycle, rolls] in
        cluster.watches.map(\.readiness) + [
          ReadinessCheck("rolls", problem: rolls.snapshot().isComplete ? nil : "waiting for nodes and pods"),
          ReadinessCheck("running", problem: lifecycle.isShuttingDown ? "shutting down" : nil),
        ]
      })
    view.watches = { cluster.watches }
    view.pages = pages
    if settings.virtualMode != .push { view.virtualPages = virtual.pages }
    view.push = push
    view.leaderAddress = {
      // Only the leader has the pages of virtual nodes. It is known by its name in the Lease, which is its Pod's.
      guard !election.isLeader, let holder = election.holder, holder != election.identity else { return settings.servingAddress }
      return cluster.pod(namespace: cluster.namespace, name: holder)?.podIPs.first
    }
    view.exporters = { exporters.snapshot() }

    let alerts = AlertmanagerSender(
      urls: settings.alertmanagers, transport: try makeTransport(HTTPTransportConfiguration()), logger: logger,
      now: { time.reading() }, gaps: { ledger.snapshot().gapsByNode().joined() })
    let events =
      settings.events == .on
      ? GapEventPoster(client: cluster.client, identity: election.identity, time: time, logger: logger) { election.isLeader } : nil
    let publication = TargetPublication(settings: settings, cluster: cluster, view: view, logger: logger) { election.isLeader }
    view.targetReports = { publication.reports }
    view.alertmanagers = { alerts.statistics }
    view.events = { events?.statistics }
    let archive = GapArchiver(
      client: cluster.client, namespace: cluster.namespace, ledger: ledger, time: time, logger: logger,
      isLeading: { election.isLeader }, tookOver: { alerts.gapsChanged() })
    view.archive = { archive.report }
    view.certificates = { certificates.expiries }
    self.publication = publication
    calling = LeaderLoop(
      election: election, rolls: rolls, ledger: ledger, tasks: tasks,
      archive: archive,
      watch: GapWatch(ledger: ledger, time: time, logger: logger) { transitions in
        alerts.gapsChanged()
        events?.tell(transitions, ledger: ledger.snapshot())
      },
      alerts: alerts, events: events, push: push, time: time)
    server = ControllerServer(view: view, address: settings.listen, logger: logger)
  }
}

/// As many as the settings say, or as there may be descriptors for.
private func keptConnections(_ settings: ControllerSettings, inUse: Int, logger: Logger) -> Int {
  let room = OpenFiles.connectionRoom(inUse: inUse)
  if room < settings.keptConnections {
    logger.warning(
      "the limit of open files is too low to keep the connections of that many nodes; raise it (ulimit -n)",
      metadata: ["kept": "\(room)", "wanted": "\(settings.keptConnections)"])
  }
  return min(room, settings.keptConnections)
}

private func makeTransport(_ configuration: HTTPTransportConfiguration) throws(ControllerError) -> HTTPTransport {
  do {
    return try HTTPTransport(configuration: configuration)
  } catch {
    throw .transport("\(error)")
  }
}

/// Whether we are on the way out.
final class LifecycleState: Sendable {
  private let shuttingDown = Mutex(false)

  var isShuttingDown: Bool { shuttingDown.withLock { $0 } }

  func shutDown() {
    shuttingDown.withLock { $0 = true }
  }
}
