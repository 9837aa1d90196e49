import AsyncPrimitives
import Collector
import HTTPTransport
import JSON
import Logging
import Primitives
import Roll
import Synchronization

@testable import Controller
@testable import KubeClient

/// A server on a free port with a ledger filled by the test, and a client for it.
final class ServedController: Sendable {
  let rolls = RollStore()
  let ledger = LedgerStore(threshold: .seconds(300))
  let counters = CollectionCounters()
  let time = ManualTime()
  let exporters = ExporterStatusStore()
  let leadership = SettableStatus(LeadershipStatus(isLeader: true, holder: "replica-0"))
  let virtualCache = VirtualScrapeCache(stalenessLimit: .seconds(3600))
  let checks = SettableStatus<[ReadinessCheck]>([])
  let replicas = SettableStatus<[ControllerReplicas.Replica]>([])
  let reviews = ScriptedReviews()
  let scrapes = FixedScrapes()
  let rules = SettableStatus(RuleDataStatus())
  let policies = FixedPolicies()
  let trials = AsyncSemaphore(1)
  private let transport: HTTPTransport
  private let listening = Mutex(0)
  private let pods = Mutex<[PodRecord]>([])
  private let nodes = Mutex<[NodeRecord]>([])
  private let podStore = Mutex(StoreSnapshot<PodRecord>([]))
  let history = Mutex(GapHistory())

  private init() throws {
    transport = try HTTPTransport()
  }

  /// Serves while `body` runs.
  static func run(
    push: PushService? = nil, limits: ServingLimits = ServingLimits(), access: PortAccessSettings = .open, tls: PortTLS? = nil,
    containerMetrics: ContainerMetrics = .gaps, leader: ((ServedController) -> LeaderPages)? = nil, peers: ShardPeers? = nil,
    _ body: (ServedController) async throws -> Void
  ) async throws {
    let served = try ServedController()
    var settings = ControllerSettings()
    settings.listen.host = "127.0.0.1"
    settings.containerMetrics = containerMetrics
    settings.listenTLS = tls == nil ? .off : .on
    let endpoints = settings.endpoints
    settings.listen.port = 0
    let watches = SettableStatus([
      WatchStatus(resource: "nodes", isListed: true, status: .waiting(reason: "connection <refused>"), statistics: WatchStatistics())
    ])
    let certificates = SettableStatus(
      CertificateStatus(
        validity: .usable(until: 1_800_000_000),
        expiries: [
          CertificateExpiry(member: "ca.crt", notAfter: 1_800_000_000), CertificateExpiry(member: "agent.crt", notAfter: 1_707_776_000),
        ]))
    let control = AccessControl(reviews: served.reviews.reviews, time: served.time, logger: .silent)
    let controller = ControllerStatus(
      version: "1.2.3", settings: settings.serving, time: served.time, leadership: served.leadership, peers: peers,
      readiness: served.checks, watches: watches, certificates: certificates, rolls: served.rolls, ledger: served.ledger,
      workload: { $0.pod == "web" ? Workload(kind: "Deployment", name: "web") : nil },
      pod: { namespace, name in served.pods.withLock { $0.first { $0.namespace == namespace && $0.name == name } } },
      podsOnNode: { node in served.pods.withLock { $0.filter { $0.nodeName == node } } },
      pods: { served.podStore.withLock { $0 } }, endedGaps: { served.history.withLock { $0.ended } }, leader: leader?(served),
      rulesWithoutData: served.rules, counters: served.counters,
      exporters: served.exporters, archive: SettableStatus(GapArchiveStatus()), alertmanagers: SettableStatus<[AlertmanagerStatus]>([]),
      events: nil,
      targets: CurrentTargets(rolls: served.rolls, exporters: served.exporters, endpoints: endpoints, virtualAddresses: { [nil] }),
      replicas: served.replicas,
      publication: SettableStatus<[Source: TargetStatus]>([:]), relay: nil, virtualCache: served.virtualCache, push: push,
      refusals: control,
      coverage: served.scrapes, policies: served.policies, trial: served.trial, trials: served.trials)
    let server = ControllerServer(
      controller, access: PortAccess(settings: access, control: control), tls: tls, limits: limits, logger: .silent)
    try await whileServing(server) { port in
      served.listening.withLock { $0 = port }
      try await body(served)
    }
  }

  var port: Int { listening.withLock { $0 } }
  var authority: String { "127.0.0.1:\(port)" }

  /// - Parameter tls: `nil` for plain HTTP.
  func request(
    _ path: String, method: String = "GET", headers: [HTTPHeader] = [], tls: TLSOptions? = nil
  ) async throws -> HTTPResponse {
    var request = HTTPRequest(
      method: method, url: "\(tls == nil ? "http" : "https")://\(authority)\(path)", deadline: .seconds(60), tls: tls)
    request.headers = headers
    request.maximumBodyBytes = 64 << 20
    return try await transport.send(request)
  }

  func text(_ path: String) async throws -> String {
    String(decoding: try await request(path).body, as: UTF8.self)
  }

  func json(_ path: String) async throws -> JSONValue {
    try JSONValue(parsing: try await request(path).body)
  }

  private static let rollSettings = RollSettings(grace: .seconds(60), virtualNodes: [LabelSelector("virtual")].compactMap(\.self))

  private func trial() -> any PolicyTrying {
    PolicyTrial(
      nodes: Records(nodes.withLock { $0 }), pods: Records(pods.withLock { $0 }), rolls: rolls.snapshot().rolls, rules: ExemptionRules(),
      settings: Self.rollSettings, ledger: ledger.snapshot())
  }

  /// Builds rolls and adds them to the store and the ledger.
  func publish(_ nodes: [NodeRecord], _ pods: [PodRecord]) {
    self.pods.withLock { $0 = pods }
    self.nodes.withLock { $0 = nodes }
    podStore.withLock { $0 = StoreSnapshot(pods) }
    var builder = RollBuilder(settings: Self.rollSettings)
    let changes = builder.update(nodes: Records(nodes), nodeChange: .all, pods: Records(pods), podChange: .all, at: time.reading())
    rolls.publish(changes, of: builder)
    ledger.begin(with: builder.rolls.values, at: time.now)
  }

  /// A small cluster with a node of each source, 301 s after its containers became due. One of them has a gap.
  func publishSample() {
    publish(
      [
        nodeRecord("linux-1"), nodeRecord("linux-2", address: "10.0.0.1"), nodeRecord("windows-1", os: "windows", address: "fd00::5"),
        nodeRecord("virtual-1", address: nil, labels: ["virtual": ""]),
      ],
      [
        podRecord(
          "web", on: "linux-1", workload: Workload(kind: "Deployment", name: "web"),
          [containerRecord("app"), containerRecord("quiet"), containerRecord("old", .terminated)]),
        podRecord("iis", on: "windows-1", [containerRecord("iis"), containerRecord("host", hostProcess: true)]),
        podRecord("render", on: "virtual-1", [containerRecord("render")]),
      ])
    for roll in rolls.snapshot().rolls.values where roll.node != "linux-1" {
      ledger.record(
        RollCall(answers: roll.entries.map { _ in .collected(age: .zero) }, lastScrape: .notObservable), of: roll, at: moment(300))
    }
    if let roll = rolls.roll(of: "linux-1") {
      ledger.record(
        RollCall(answers: [.collected(age: .zero), .missed(.pidNotFound, detail: "no <process> with \"this\" ID")], lastScrape: .never),
        of: roll, at: moment(300))
    }
    time.advance(by: .seconds(301))
    ledger.evaluate(at: time.now)
  }

  /// A workload of which one monitor is not adopted, and a rule without data.
  func setSampleReports() {
    let main = PrometheusID(.server, namespace: "monitoring", name: "main")
    let request = { ScrapeRequest.monitor(MonitorID(.podMonitor, namespace: "shop", name: $0), endpoint: 0, service: nil) }
    let example = ContainerReference(namespace: "shop", pod: "web", container: "app")
    let web = Workload(kind: "Deployment", name: "web")
    var summary = ScrapeSummary()
    summary.groups = [
      ScrapeGroup(namespace: "shop", workload: web, request: request("one"), state: .scraped, count: 3, example: example, detail: ""),
      ScrapeGroup(
        namespace: "shop", workload: web, request: request("two"), state: .broken(.monitorNotAdopted), count: 2, example: example,
        detail: "no label"),
    ]
    summary.scrapers = [
      ScraperStatus(
        name: "monitoring/prometheus-main-0", prometheus: main, shard: 0, url: "http://10.0.0.1:9090", error: nil, pools: 2, targets: 3)
    ]
    let fixed = summary
    scrapes.set { $0.summary = fixed }
    let rule = RuleReference(namespace: "shop", object: "web", group: "one", kind: .alert, name: "Down", expression: "gone == 0")
    rules.status = RuleDataStatus(time: time.now, checked: 1, rules: [RuleWithoutData(rule: rule, metrics: ["gone"])])
  }
}
