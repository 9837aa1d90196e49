internal import KubeClient
internal import Logging
internal import ServiceLifecycle

/// Everything of the controller but its server, as one service.
struct ControllerCore: Service {
  let cluster: Cluster
  let leadership: Leadership
  let shutdown: ShutdownState
  let logger: Logger
  /// What every replica runs.
  let services: [@Sendable () async -> Void]
  let leaderWork: LeaderLoop
  let publication: TargetPublication

  /// Runs until the task is cancelled or the service group shuts down. Then it is not ready at once (R60), ends the work, and releases the
  /// Lease last (R32).
  func run() async throws {
    let configuration = cluster.configuration
    var metadata: Logger.Metadata = [
      "apiServer": "\(configuration.server)", "configuration": "\(configuration.origin)", "namespace": "\(cluster.namespace)",
      "identity": "\(leadership.identity)",
    ]
    // Its description has no credentials. A proxy of the environment is easily forgotten.
    if let proxy = configuration.proxy { metadata["proxy"] = "\(proxy)" }
    logger.notice("starting", metadata: metadata)
    defer { shutdown.begin() }
    try await withGracefulShutdownHandler {
      do {
        try await cancelWhenGracefulShutdown { try await work() }
      } catch is CancellationError {
        // The work ends by cancellation.
      }
    } onGracefulShutdown: {
      shutdown.begin()
      logger.notice("shutting down")
    }
    await leadership.release()
  }

  private func work() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in services { group.addTask { await service() } }
      group.addTask { await leaderWork.run() }
      group.addTask { try await leadership.run { await publication.run() } }
      try await group.waitForAll()
    }
  }
}

/// The work of a leader: calls the rolls, keeps the ledger, and reports gaps.
struct LeaderWork: Sendable {
  let rolls: RollStore
  let ledger: LedgerStore
  let tasks: NodeTaskManager
  let archive: GapArchiver
  let watch: GapWatch
  let alerts: AlertmanagerSender
  /// `nil` if no Events are written.
  let events: GapEventPoster?
  let push: PushService
  let time: any TimeSource

  /// Runs until the task is cancelled.
  func run() async {
    // Containers that another leader called are not overdue here: the ledger starts empty, and the archive restores the open gaps.
    ledger.reset()
    await rolls.waitUntilComplete()
    ledger.begin(with: rolls.snapshot().rolls.values, at: time.now)
    await withTaskGroup { group in
      group.addTask { await tasks.run() }
      group.addTask { await archive.run() }
      group.addTask { await watch.run() }
      group.addTask { await alerts.run() }
      if let events { group.addTask { await events.run() } }
    }
    ledger.reset()
    push.forgetAll()
  }
}
