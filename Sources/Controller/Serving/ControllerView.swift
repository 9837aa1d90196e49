package import Collector
package import KubeClient
package import Roll

/// What is served: references to what changes, and closures for what other parts know. Every answer is made of one look at each.
package struct ControllerView: Sendable {
  package var rolls: RollStore
  package var ledger: LedgerStore
  package var counters: CollectionCounters
  package var time: any TimeSource
  package var settings: ControllerSettings
  package var version: String
  package var leadership: @Sendable () -> LeadershipStatus
  /// What has to be well before we are ready.
  package var readiness: @Sendable () -> [ReadinessCheck]
  package var watches: @Sendable () -> [WatchStatus] = { [] }
  package var certificates: @Sendable () -> [CertificateExpiry] = { [] }
  package var archive: @Sendable () -> GapArchiveStatus = { GapArchiveStatus() }
  package var targetReports: @Sendable () -> [Source: TargetStatus] = { [:] }
  package var alertmanagers: @Sendable () -> [AlertmanagerStatistics] = { [] }
  /// `nil` where no Events are written.
  package var events: @Sendable () -> EventStatistics? = { nil }

  /// The newest pages of the pods on virtual nodes; `nil` where none are held.
  package var virtualPages: VirtualPages?
  /// `nil` where nothing can be pushed.
  package var push: PushService?
  /// The IP address of the replica that has them; `nil` while it is not known.
  package var leaderAddress: @Sendable () -> String? = { nil }
  /// `nil` where no pages of nodes are handed on.
  package var pages: NodeRelay?
  package var exporters: @Sendable () -> [String: ExporterStatus] = { [:] }

  package init(
    rolls: RollStore, ledger: LedgerStore, counters: CollectionCounters, time: any TimeSource, settings: ControllerSettings,
    version: String,
    leadership: @escaping @Sendable () -> LeadershipStatus, readiness: @escaping @Sendable () -> [ReadinessCheck]
  ) {
    self.rolls = rolls
    self.ledger = ledger
    self.counters = counters
    self.time = time
    self.settings = settings
    self.version = version
    self.leadership = leadership
    self.readiness = readiness
  }

  /// The targets as they are to be scraped now; `nil` until the rolls are complete (R36).
  package func targets() -> [Target]? {
    let snapshot = rolls.snapshot()
    guard snapshot.isComplete else { return nil }
    let standings = exporters()
    return TargetBuilder(endpoints: settings.endpoints, virtualAddress: leaderAddress()).targets(of: snapshot.inOrder).map { target in
      guard target.source == .windows, standings[target.node]?.failure == .exporterUnreachable else { return target }
      var target = target
      target.ready = false
      return target
    }
  }
}

/// Who leads.
package struct LeadershipStatus: Hashable, Sendable {
  package var isLeader: Bool
  /// As far as we have seen; `nil` for nobody.
  package var holder: String?

  package init(isLeader: Bool, holder: String?) {
    self.isLeader = isLeader
    self.holder = holder
  }
}

/// One thing that has to be well before we are ready.
package struct ReadinessCheck: Hashable, Sendable {
  package var name: String
  /// Why not; `nil` if all is well.
  package var problem: String?

  package init(_ name: String, problem: String?) {
    self.name = name
    self.problem = problem
  }
}

/// How it stands with one watched resource.
package struct WatchStatus: Hashable, Sendable {
  package var resource: String
  /// A whole list has come in, now or earlier.
  package var isListed: Bool
  package var status: ReflectorStatus
  package var statistics: WatchStatistics

  package init(resource: String, isListed: Bool, status: ReflectorStatus, statistics: WatchStatistics) {
    self.resource = resource
    self.isListed = isListed
    self.status = status
    self.statistics = statistics
  }

  var problem: String? {
    if case .waiting(let reason) = status { reason } else { nil }
  }

  /// We are ready with what was listed once: a watch that breaks later leaves it as it is, and is no reason to stop serving it.
  package var readiness: ReadinessCheck {
    ReadinessCheck(resource, problem: isListed ? nil : "not listed yet: \(problem ?? "the list is under way")")
  }
}
