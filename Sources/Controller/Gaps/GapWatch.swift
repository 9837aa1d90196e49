import Logging
import Roll

/// Evaluates the ledger every second, since gaps open with time alone; logs gaps that open and close, and reports them.
///
/// In a large outage every container has a gap. Nodes are evaluated in batches, so that only the transitions of one batch are in memory.
struct GapWatch: Sendable {
  private static let nodesAtOnce = 64

  let ledger: LedgerStore
  let freshness: RollFreshness
  /// The time for which a roll counts as stale after its watches are in sync again: the longest time until every node has been called
  /// with its new roll.
  let settling: Duration
  /// The time after a stop of the process until every node has been called again and a watch that broke meanwhile is known to be stale.
  let catchUp: Duration
  let time: any TimeSource
  let logger: Logger
  /// Called with the gaps that opened or closed.
  let changed: @Sendable ([GapTransition]) -> Void

  /// Runs until the task is cancelled.
  func run() async {
    var staleUntil: Moment?
    ledger.watchForPauses(from: time.now, catchUp: catchUp)
    while !Task.isCancelled {
      updateStaleness(&staleUntil)
      report(ledger.takeTransitions())
      while ledger.evaluate(at: time.now, nodes: Self.nodesAtOnce), !Task.isCancelled {
        report(ledger.takeTransitions())
        await Task.yield()
      }
      report(ledger.takeTransitions())
      await time.pause(for: .seconds(1))
    }
  }

  private func updateStaleness(_ staleUntil: inout Moment?) {
    let stale = freshness.staleWatches
    if !stale.isEmpty {
      if staleUntil == nil {
        logger.warning(
          "rolls are stale; containers that are not found open no gap until the watches are in sync",
          metadata: ["watches": "\(stale.map(\.resource).joined(separator: ", "))", "error": "\(stale[0].problem ?? "")"])
      }
      staleUntil = time.now + settling
    } else if let end = staleUntil, time.now >= end {
      logger.notice("rolls are current again")
      staleUntil = nil
    }
    ledger.setRollStale(staleUntil != nil)
  }

  private func report(_ transitions: [GapTransition]) {
    guard !transitions.isEmpty else { return }
    GapLog(logger: logger).log(transitions)
    changed(transitions)
  }
}
