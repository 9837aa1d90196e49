internal import KubeClient
internal import Logging
internal import ServiceLifecycle

/// The work of the controller as one service, without the HTTP server and the relay.
struct ControllerCore: Service {
  let cluster: Cluster
  let leadership: Leadership
  let shutdown: ShutdownState
  let logger: Logger
  /// Run on every replica.
  let services: [@Sendable () async -> Void]
  let leaderWork: LeaderLoop
  /// Writes the objects that are not a shard's own; runs while this replica leads. `nil` except on the first shard.
  let publication: TargetPublication?
  let time: any TimeSource
  /// Called on the leader once its work has ended, before the Lease is released.
  let finish: @Sendable () async -> Void

  /// Runs until the task is cancelled or the service group shuts down. It then reports not ready at once (R60), stops the work, and
  /// releases the Lease last (R32).
  func run() async throws {
    let configuration = cluster.configuration
    var metadata: Logger.Metadata = [
      "apiServer": "\(configuration.server)", "configuration": "\(configuration.origin)", "namespace": "\(cluster.namespace)",
      "identity": "\(leadership.identity)",
    ]
    // Logged because a proxy in the environment is easily forgotten. Its description has no credentials.
    if let proxy = configuration.proxy { metadata["proxy"] = "\(proxy)" }
    logger.notice("starting", metadata: metadata)
    defer { shutdown.begin() }
    try await withGracefulShutdownHandler {
      do {
        try await cancelWhenGracefulShutdown { try await work() }
      } catch is CancellationError {
        // Cancellation is the regular end.
      }
    } onGracefulShutdown: {
      shutdown.begin()
      logger.notice("shutting down")
    }
    if leadership.mayFinish { await finish() }
    await leadership.release()
  }

  private func work() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in services { group.addTask { await service() } }
      group.addTask { await leaderWork.run() }
      group.addTask {
        try await leadership.run {
          if let publication { return await publication.run() }
          while !Task.isCancelled { await time.pause(for: .seconds(3600)) }
        }
      }
      try await group.waitForAll()
    }
  }
}

/// The leader's work: calls the rolls, updates the ledger, and reports gaps.
struct LeaderWork: Sendable {
  let rolls: RollStore
  let ledger: LedgerStore
  let tasks: NodeTaskManager
  let archive: GapArchiver
  let archiveWatch: ObjectWatch
  let history: GapHistoryKeeper
  let watch: GapWatch
  let alerts: AlertmanagerSender
  /// `nil` if no Events are written.
  let events: GapEventPoster?
  let push: PushService
  let coverage: ScrapeCoverage
  /// `nil` unless rules are checked.
  let rules: RuleDataCheck?
  let policies: PolicyStatusWriter
  let time: any TimeSource

  /// Runs until the task is cancelled.
  func run() async {
    // Start with an empty ledger: containers called by another leader are not overdue. The archive restores the open gaps.
    ledger.reset()
    await rolls.waitUntilComplete()
    ledger.begin(with: rolls.snapshot().rolls.values, at: time.now)
    await withTaskGroup { group in
      group.addTask { await tasks.run() }
      group.addTask { await archive.run() }
      group.addTask { await archiveWatch.run(of: archive.name, isMissing: archive.rewrite) }
      group.addTask { await history.run() }
      group.addTask { await watch.run() }
      group.addTask { await coverage.run() }
      group.addTask { await alerts.run() }
      group.addTask { await policies.run() }
      if let events { group.addTask { await events.run() } }
      if let rules { group.addTask { await rules.run() } }
    }
    ledger.reset()
    history.forget()
    // First, because a node that is forgotten otherwise ends its pushed series, which the next leader continues.
    push.forgetAll()
    tasks.forgetAll()
  }
}
