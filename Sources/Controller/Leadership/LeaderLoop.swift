import Roll

/// Calling rolls, keeping the ledger, and telling of gaps: done by the leader, and by one that cannot renew its lease as long as nobody
/// else is seen to lead.
///
/// The second half matters when the API server is down: nobody can lead then, and gaps would vanish, and their alerts end, of all times
/// when something is wrong. Should another lead after all, unseen by us, then rolls are called twice and alerts are sent twice, which are
/// the same alerts. Objects are written only by one that leads for certain.
struct LeaderLoop: Sendable {
  let election: Election
  let rolls: RollStore
  let ledger: LedgerStore
  let tasks: NodeTaskManager
  let archive: GapArchiver
  let watch: GapWatch
  let alerts: AlertmanagerSender
  /// `nil` where no Events are wanted.
  let events: GapEventPoster?
  let push: PushService
  let time: any TimeSource

  private static let look: Duration = .milliseconds(250)

  /// Runs until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      if election.isLeader {
        await withTaskGroup { group in
          group.addTask { await call() }
          await pause { !election.isOtherLeading }
          group.cancelAll()
        }
      }
      await pause { !election.isLeader }
    }
  }

  /// Looks now and then whether the condition still holds.
  private func pause(while condition: () -> Bool) async {
    while condition(), !Task.isCancelled {
      // Cancellation ends the sleep, and the loop.
      try? await time.sleep(for: Self.look)
    }
  }

  private func call() async {
    // What was not called because another led is not overdue: the ledger begins anew, and the gaps that the other left are taken over.
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
