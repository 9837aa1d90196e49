internal import Roll

/// Runs the leader's work on the leader, and on a replica that has lost its Lease until it sees another leader.
///
/// Losing the Lease does not end the work by itself: while the API server is down nobody can hold it, and gaps and alerts would end just
/// when something is wrong. If another replica leads unseen, rolls are called twice and the same alerts are sent twice. Objects are written
/// only while `Leadership.isLeader`.
struct LeaderLoop: Sendable {
  let leadership: Leadership
  let time: any TimeSource
  /// Runs until its task is cancelled.
  let work: @Sendable () async -> Void

  private static let pollInterval: Duration = .milliseconds(250)

  /// Runs until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      if leadership.isLeader {
        await withTaskGroup { group in
          group.addTask { await work() }
          await wait(while: { !leadership.isOtherLeading })
          group.cancelAll()
        }
      }
      await wait(while: { !leadership.isLeader })
    }
  }

  /// Polls until the condition no longer holds.
  private func wait(while condition: () -> Bool) async {
    while condition(), !Task.isCancelled {
      await time.pause(for: Self.pollInterval)
    }
  }
}
