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
