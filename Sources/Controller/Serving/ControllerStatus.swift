internal import AsyncPrimitives
internal import Collector
internal import KubeClient
package import Primitives
package import Roll

/// The parts of the controller whose state is served. A response reads each part once.
struct ControllerStatus: Sendable {
  let version: String
  let settings: ServingSettings
  let time: any TimeSource

  let leadership: any StatusSource<LeadershipStatus>
  /// The nodes that this replica calls if it leads.
  var shard = NodeShard.all
  /// `nil` without other shards.
  var peers: ShardPeers?
  let readiness: any StatusSource<[ReadinessCheck]>
  let watches: any StatusSource<[WatchStatus]>
  let certificates: any StatusSource<CertificateStatus>

  let rolls: RollStore
  let ledger: LedgerStore
  /// The workload of a container's Pod.
  let workload: @Sendable (ContainerReference) -> Workload?
  let pod: @Sendable (_ namespace: String, _ name: String) -> PodRecord?
  let podsOnNode: @Sendable (_ node: String) -> [PodRecord]
  let pods: @Sendable () -> StoreSnapshot<PodRecord>
  /// The last gaps that have ended, oldest first.
  let endedGaps: @Sendable () -> [EndedGap]
  /// `nil` without an election, and in tests.
  let leader: LeaderPages?
  /// `nil` unless rules are checked.
  let rulesWithoutData: (any StatusSource<RuleDataStatus>)?
  let counters: CollectionCounters
  let exporters: ExporterStatusStore
  let archive: any StatusSource<GapArchiveStatus>
  let alertmanagers: any StatusSource<[AlertmanagerStatus]>
  /// `nil` if no Events are written.
  let events: (any StatusSource<EventStatistics>)?

  let targets: CurrentTargets
  /// All replicas, including this one; empty outside of the cluster.
  let replicas: any StatusSource<[ControllerReplicas.Replica]>
  let publication: any StatusSource<[Source: TargetStatus]>
  let relay: NodeRelay?
  /// The newest scrapes of the pods on virtual nodes; `nil` if they are not kept.
  let virtualCache: VirtualScrapeCache?
  let push: PushService?
  /// Requests refused because of the caller's identity.
  let refusals: any StatusSource<[AccessRefusal: UInt64]>
  let coverage: any ScrapeReport
  let policies: any PolicyReport
  /// What rolls and ledger are made of now, to compute them with other policies.
  let trial: @Sendable () -> any PolicyTrying
  /// A trial computes all rolls once more, so there is one at a time.
  var trials = AsyncSemaphore(1)
}

/// Which containers have series of their own in `/metrics`.
package enum ContainerMetrics: String, CaseIterable, Sendable {
  /// Those with a gap.
  case gaps
  /// All that are due for collection.
  case all
}

/// Settings of the server.
package struct ServingSettings: Hashable, Sendable {
  package var listen: ListenAddress
  package var interval: Duration
  package var threshold: Duration
  /// Timeout for one call of a node.
  package var deadline: Duration
  /// Whether service discovery offers targets at loopback addresses.
  package var allowsLoopback: Bool
  /// Where Prometheus reaches /probe; `nil` for the address of the request for targets.
  package var proxyAddress: String?
  /// Whether Windows nodes are scraped through /probe instead of at their exporters.
  package var proxiesWindows: Bool
  /// The scheme at which Prometheus reaches us.
  package var scheme: String
  /// Whose requests for the metrics of virtual nodes count as scrapes.
  package var scrapers: Scrapers
  package var runbooks: Runbooks
  package var containerMetrics: ContainerMetrics

  package init(
    listen: ListenAddress, interval: Duration, threshold: Duration, deadline: Duration, allowsLoopback: Bool, proxyAddress: String?,
    proxiesWindows: Bool, scheme: String = "http", scrapers: Scrapers = .common, runbooks: Runbooks = .standard,
    containerMetrics: ContainerMetrics = .gaps
  ) {
    self.listen = listen
    self.interval = interval
    self.threshold = threshold
    self.deadline = deadline
    self.allowsLoopback = allowsLoopback
    self.proxyAddress = proxyAddress
    self.proxiesWindows = proxiesWindows
    self.scheme = scheme
    self.scrapers = scrapers
    self.runbooks = runbooks
    self.containerMetrics = containerMetrics
  }
}
