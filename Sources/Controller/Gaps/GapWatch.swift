import Logging
import Roll

/// Looks at the ledger every second, since gaps open by time alone; logs what opens and closes, and lets others know.
///
/// In a large outage there is a gap for every container: nodes are looked at some at a time, so that only the news of these is held.
struct GapWatch: Sendable {
  private static let nodesAtOnce = 64

  let ledger: LedgerStore
  let time: any TimeSource
  let logger: Logger
  /// Called after something opened or closed.
  let changed: @Sendable ([GapTransition]) -> Void

  /// Runs until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      report(ledger.takeTransitions())
      while ledger.evaluate(at: time.now, nodes: Self.nodesAtOnce), !Task.isCancelled {
        report(ledger.takeTransitions())
        await Task.yield()
      }
      report(ledger.takeTransitions())
      // Cancellation ends the sleep, and the loop.
      try? await time.sleep(for: .seconds(1))
    }
  }

  private func report(_ transitions: [GapTransition]) {
    guard !transitions.isEmpty else { return }
    GapLog(logger: logger).log(transitions)
    changed(transitions)
  }
}
