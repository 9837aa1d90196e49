import Logging
import Roll

/// Evaluates the ledger every second, since gaps open with time alone; logs gaps that open and close, and reports them.
///
/// In a large outage every container has a gap. Nodes are evaluated in batches, so that only the transitions of one batch are in memory.
struct GapWatch: Sendable {
  private static let nodesAtOnce = 64

  let ledger: LedgerStore
  let time: any TimeSource
  let logger: Logger
  /// Called with the gaps that opened or closed.
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
      // Cancellation ends the sleep; the loop's condition sees it.
      try? await time.sleep(for: .seconds(1))
    }
  }

  private func report(_ transitions: [GapTransition]) {
    guard !transitions.isEmpty else { return }
    GapLog(logger: logger).log(transitions)
    changed(transitions)
  }
}
