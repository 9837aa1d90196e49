import Collector
import Roll
internal import Synchronization

/// Keeps one running task for each node on the rolls, which calls the node's roll every interval and enters what came of it into the
/// ledger.
///
/// A node has one call under way at most; how many nodes are called at once is bounded. A node that becomes of another source is called
/// in the new way from its next call on. A task that hangs holds up nobody: the ledger's ages go on without it.
package final class NodeTaskManager: Sendable {
  package struct Pace: Sendable {
    package var interval: Duration
    package var maximumCalls: Int

    package init(interval: Duration, maximumCalls: Int) {
      self.interval = interval
      self.maximumCalls = maximumCalls
    }
  }

  private let rolls: RollBook
  private let ledger: LedgerBook
  private let counters: CollectionCounters
  private let collectors: NodeCollectors
  private let pace: Pace
  private let time: any TimeSource
  private let slots: CallSlots
  private let running = Mutex<Set<String>>([])

  package init(
    rolls: RollBook, ledger: LedgerBook, counters: CollectionCounters, collectors: NodeCollectors, pace: Pace, time: any TimeSource
  ) {
    self.rolls = rolls
    self.ledger = ledger
    self.counters = counters
    self.collectors = collectors
    self.pace = pace
    self.time = time
    slots = CallSlots(pace.maximumCalls)
  }

  /// The nodes that have a task at this moment.
  package var nodes: Set<String> { running.withLock { $0 } }

  /// Runs node tasks until the task is cancelled; returns when all of them have ended.
  package func run() async {
    await rolls.withSubscription { subscription in
      await withDiscardingTaskGroup { group in
        while let changed = await subscription.next() {
          for node in changed {
            guard let roll = rolls.roll(of: node) else {
              ledger.remove(node: node, at: time.now)
              collectors.forget(node)
              continue
            }
            ledger.update(roll, at: time.now)
            if claim(node) { group.addTask { await self.serve(node) } }
          }
        }
      }
    }
  }

  /// Whether the node had no task and now is the caller's.
  private func claim(_ node: String) -> Bool {
    running.withLock { $0.insert(node).inserted }
  }

  private func leave(_ node: String) {
    running.withLock { _ = $0.remove(node) }
  }

  private func serve(_ node: String) async {
    let phase = CallPhase(node: node, interval: pace.interval)
    while true {
      do {
        try await time.sleep(until: phase.next(after: time.now))
      } catch {
        return leave(node)  // cancelled
      }
      if let roll = rolls.roll(of: node) {
        await call(roll)
      } else {
        leave(node)
        // The node may have come back before it was seen that its task was about to end.
        guard rolls.roll(of: node) != nil, claim(node) else { return }
      }
    }
  }

  private func call(_ roll: NodeRoll) async {
    // An agent has to be told that there is nothing left; the others are asked for containers, of which there are none.
    if roll.entries.isEmpty, roll.source != .linux { return }
    let runner = CollectorRunner(collectors.collector(roll.source))
    guard let (call, record) = await slots.run({ await runner.call(roll) }), !Task.isCancelled else { return }
    ledger.record(call, of: roll, at: time.now)
    counters.add(record)
  }
}
