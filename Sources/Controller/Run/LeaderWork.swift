import Roll

/// What the leader does: calls rolls, keeps the ledger, publishes targets, sends alerts.
struct LeaderWork: Sendable {
  let rolls: RollBook
  let ledger: LedgerBook
  let tasks: NodeTaskManager
  let archive: GapArchiveKeeper
  let watch: GapWatch
  let alerts: AlertmanagerSender
  let publication: TargetPublication
  let time: any TimeSource

  /// Runs until the task is cancelled, which is when we no longer lead.
  func run() async {
    // What was not called because another led is not overdue: the ledger begins anew, and the gaps that the other left are taken over.
    ledger.reset()
    await rolls.waitUntilComplete()
    ledger.begin(with: rolls.snapshot().rolls.values, at: time.now)
    await withTaskGroup { group in
      group.addTask { await tasks.run() }
      group.addTask { await archive.run() }
      group.addTask { await watch.run() }
      group.addTask { await alerts.run() }
      group.addTask { await publication.run() }
    }
    ledger.reset()
  }
}
