package import Roll
import Synchronization

/// The ledger of the process. Node tasks write it; everything else reads snapshots. Queues the transitions until `takeTransitions`, so that
/// none is missed.
package final class LedgerStore: Sendable {
  private struct State {
    var ledger: Ledger
    var transitions: [GapTransition] = []
    var isComplete = false
  }

  private let state: Mutex<State>

  package init(threshold: Duration) {
    state = Mutex(State(ledger: Ledger(threshold: threshold)))
  }

  /// The current ledger. A cheap copy, so that queries run without the lock.
  package func snapshot() -> Ledger {
    state.withLock { $0.ledger }
  }

  /// Whether every roll has been added. Before that, a missing container means nothing.
  package var isComplete: Bool {
    state.withLock { $0.isComplete }
  }

  /// Adds every roll and marks the ledger as complete.
  package func begin(with rolls: some Sequence<NodeRoll>, at now: Moment) {
    change { ledger in
      var transitions: [GapTransition] = []
      for roll in rolls { transitions += ledger.update(roll, at: now) }
      return transitions
    }
    state.withLock { $0.isComplete = true }
  }

  /// The gaps that opened or closed since the last call.
  package func takeTransitions() -> [GapTransition] {
    state.withLock { state in
      defer { state.transitions = [] }
      return state.transitions
    }
  }

  /// Empties the ledger. Done by a replica that becomes leader: containers that it has not called cannot be overdue.
  package func reset() {
    state.withLock { $0 = State(ledger: Ledger(threshold: $0.ledger.threshold)) }
  }

  package func update(_ roll: NodeRoll, at now: Moment) {
    change { $0.update(roll, at: now) }
  }

  package func remove(node: String, at now: Moment) {
    change { $0.remove(node: node, at: now) }
  }

  package func record(_ call: RollCall, of roll: NodeRoll, at now: Moment) {
    change { $0.record(call, of: roll, at: now) }
  }

  package func record(_ findings: [ScrapeFinding], onNode node: String, at now: Moment) {
    change { $0.record(findings, onNode: node, at: now) }
  }

  package func forgetScrapes(at now: Moment) {
    change { $0.forgetScrapes(at: now) }
  }

  /// Opens gaps that are overdue by time alone, on at most `limit` nodes.
  /// - Returns: whether there are more nodes to evaluate.
  @discardableResult
  package func evaluate(at now: Moment, nodes limit: Int = .max) -> Bool {
    change { $0.evaluate(at: now, nodes: limit) }
    return state.withLock { !$0.ledger.isReviewed(at: now) }
  }

  /// - Returns: the ledger with the restored gaps.
  @discardableResult
  package func restore(_ ages: [ArchivedAge], at reading: ClockReading) -> Ledger {
    state.withLock { state in
      state.ledger.restore(ages, at: reading)
      return state.ledger
    }
  }

  /// Says whether the roll may be outdated.
  package func setRollStale(_ isStale: Bool) {
    state.withLock { $0.ledger.setRollStale(isStale) }
  }

  /// Expects evaluations every few seconds from now on. See `Ledger.watchForPauses`.
  package func watchForPauses(from now: Moment, catchUp: Duration) {
    state.withLock { $0.ledger.watchForPauses(from: now, catchUp: catchUp) }
  }

  package func settleRestored(at now: Moment) {
    change { $0.settleRestored(at: now) }
  }

  private func change(_ body: (inout Ledger) -> [GapTransition]) {
    state.withLock { state in
      state.transitions += body(&state.ledger)
    }
  }
}
