internal import Collector
internal import KubeClient
package import Primitives
internal import Roll

/// The parts of the controller whose state is served. A response reads each of them once.
struct ControllerStatus: Sendable {
  let version: String
  let settings: ServingSettings
  let time: any TimeSource

  let leadership: any StatusSource<LeadershipStatus>
  let readiness: any StatusSource<[ReadinessCheck]>
  let watches: any StatusSource<[WatchStatus]>
  let certificates: any StatusSource<CertificateStatus>

  let rolls: RollStore
  let ledger: LedgerStore
  let counters: CollectionCounters
  let exporters: ExporterStatusStore
  let archive: any StatusSource<GapArchiveStatus>
  let alertmanagers: any StatusSource<[AlertmanagerStatus]>
  /// `nil` if no Events are written.
  let events: (any StatusSource<EventStatistics>)?

  let targets: CurrentTargets
  let publication: any StatusSource<[Source: TargetStatus]>
  let relay: NodeRelay?
  /// The newest scrapes of the pods on virtual nodes; `nil` if they are not kept.
  let virtualPages: VirtualScrapeCache?
  let push: PushService?
}

/// How the server presents what it reads.
package struct ServingSettings: Hashable, Sendable {
  package var listen: ListenAddress
  package var interval: Duration
  package var threshold: Duration
  /// For one call of a node.
  package var deadline: Duration
  /// Whether service discovery offers targets at loopback addresses.
  package var allowsLoopback: Bool
  /// Where Prometheus reaches /probe; `nil` for the address that a request for targets was sent to.
  package var proxyAddress: String?
  /// Whether Windows nodes are scraped through /probe, not at their exporters.
  package var proxiesWindows: Bool

  package init(
    listen: ListenAddress, interval: Duration, threshold: Duration, deadline: Duration, allowsLoopback: Bool, proxyAddress: String?,
    proxiesWindows: Bool
  ) {
    self.listen = listen
    self.interval = interval
    self.threshold = threshold
    self.deadline = deadline
    self.allowsLoopback = allowsLoopback
    self.proxyAddress = proxyAddress
    self.proxiesWindows = proxiesWindows
  }
}
