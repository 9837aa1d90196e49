package import Roll
import Synchronization

/// The one ledger of the process: node tasks write it, everything else reads snapshots. What opened or closed waits here until it is
/// taken, so that no transition is missed between two looks.
package final class LedgerStore: Sendable {
  private struct State {
    var ledger: Ledger
    var transitions: [GapTransition] = []
    var gapVersion: UInt64 = 0
    var isComplete = false
  }

  private let state: Mutex<State>

  package init(threshold: Duration) {
    state = Mutex(State(ledger: Ledger(threshold: threshold)))
  }

  /// The ledger as it stands. Copying it is cheap; its queries run without holding anybody up.
  package func snapshot() -> Ledger {
    state.withLock { $0.ledger }
  }

  /// Changes whenever a gap opens or closes; 0 for a ledger that has just begun.
  package var gapVersion: UInt64 {
    state.withLock { $0.gapVersion }
  }

  /// Whether every roll has been entered. Before that, what is not there says nothing.
  package var isComplete: Bool {
    state.withLock { $0.isComplete }
  }

  /// Enters every roll at once.
  package func begin(with rolls: some Sequence<NodeRoll>, at now: Moment) {
    change { ledger in
      var transitions: [GapTransition] = []
      for roll in rolls { transitions += ledger.update(roll, at: now) }
      return transitions
    }
    state.withLock { $0.isComplete = true }
  }

  /// What opened and closed since the last call.
  package func takeTransitions() -> [GapTransition] {
    state.withLock { state in
      defer { state.transitions = [] }
      return state.transitions
    }
  }

  /// Begins with an empty ledger. A replica that becomes leader does so, because what it has not called cannot be overdue.
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

  /// Opens the gaps that time alone makes, of at most so many nodes.
  /// - Returns: Whether there are more nodes to look at.
  @discardableResult
  package func evaluate(at now: Moment, nodes limit: Int = .max) -> Bool {
    change { $0.evaluate(at: now, nodes: limit) }
    return state.withLock { !$0.ledger.isQuiet(at: now) }
  }

  package func restore(openGaps: [OpenGap], at reading: ClockReading) {
    change { ledger in
      ledger.restore(openGaps: openGaps, at: reading)
      return []
    }
  }

  package func settleRestored(at now: Moment) {
    change { $0.settleRestored(at: now) }
  }

  private func change(_ body: (inout Ledger) -> [GapTransition]) {
    state.withLock { state in
      let transitions = body(&state.ledger)
      state.transitions += transitions
      if !transitions.isEmpty { state.gapVersion += 1 }
    }
  }
}
