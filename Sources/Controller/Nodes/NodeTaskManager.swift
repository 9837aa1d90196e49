import Collector
import Roll
internal import Synchronization

/// Calls the roll of every node once per interval, and records the results in the ledger.
///
/// A node has at most one call under way. The number of concurrent calls is bounded; further nodes wait in order. A node whose source
/// changes is called the new way from its next call on. A call that hangs blocks only its own slot, and the ledger's ages go on. Between
/// calls a node is an entry of the schedule, not a task: 5,000 sleeping tasks take 17 MB.
package final class NodeTaskManager: Sendable {
  package struct Pace: Sendable {
    package var interval: Duration
    package var maximumCalls: Int

    package init(interval: Duration, maximumCalls: Int) {
      self.interval = interval
      self.maximumCalls = maximumCalls
    }
  }

  private let rolls: RollStore
  private let ledger: LedgerStore
  private let counters: CollectionCounters
  private let collectors: NodeCollectors
  private let time: any TimeSource
  private let queue: Mutex<CallQueue>
  private let wakeup = Wakeup()

  /// With many nodes one is due every few milliseconds; the loop wakes up no more often than this.
  private static let shortestSleep: Duration = .milliseconds(20)
  /// Without any node.
  private static let longestSleep: Duration = .seconds(3600)

  package init(
    rolls: RollStore, ledger: LedgerStore, counters: CollectionCounters, collectors: NodeCollectors, pace: Pace, time: any TimeSource
  ) {
    self.rolls = rolls
    self.ledger = ledger
    self.counters = counters
    self.collectors = collectors
    self.time = time
    queue = Mutex(CallQueue(pace: pace, from: time.now))
  }

  /// The scheduled nodes.
  package var nodes: Set<String> { queue.withLock { Set($0.schedule.nodes) } }

  /// Calls that are under way.
  package var callsUnderWay: Int { queue.withLock { $0.underWay.count } }

  /// Runs until the task is cancelled, and returns when every call has ended.
  package func run() async {
    queue.withLock { $0.clear(at: time.now) }
    await withDiscardingTaskGroup { group in
      group.addTask { await self.follow() }
      while !Task.isCancelled {
        let now = time.now
        let (starting, next) = queue.withLock { queue in (queue.start(at: now), queue.schedule.next(after: now)) }
        for node in starting { group.addTask { await self.work(from: node) } }
        // A change of the schedule ends the wait.
        _ = await wakeup.wait(until: max(next ?? now + Self.longestSleep, now + Self.shortestSleep), time: time)
      }
    }
    queue.withLock { $0.clear(at: time.now) }
  }

  /// Updates ledger and schedule from the rolls.
  private func follow() async {
    await rolls.withSubscription { subscription in
      while let changed = await subscription.next() {
        let now = time.now
        for node in changed {
          if let roll = rolls.roll(of: node) {
            ledger.update(roll, at: now)
            queue.withLock { $0.schedule.insert(node) }
          } else {
            ledger.remove(node: node, at: now)
            queue.withLock { $0.schedule.remove(node) }
            collectors.forget(node)
          }
        }
        wakeup.signal()
      }
    }
  }

  /// Calls the node, then waiting nodes in the same slot.
  private func work(from first: String) async {
    var next: String? = first
    while let node = next {
      if let roll = rolls.roll(of: node), !Task.isCancelled { await call(roll) }
      next = queue.withLock { $0.finished(node) }
    }
  }

  private func call(_ roll: NodeRoll) async {
    // An empty roll still goes to an agent, and removes the scrapes of a virtual node. An exporter has nothing to report for it.
    if roll.entries.isEmpty, roll.source == .windows { return }
    let (call, record) = await CollectorRunner(collectors.collector(roll.source)).call(roll)
    guard !Task.isCancelled else { return }
    ledger.record(call, of: roll, at: time.now)
    counters.add(record)
  }
}
