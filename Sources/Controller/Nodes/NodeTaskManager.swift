internal import AsyncPrimitives
import Collector
internal import ProcessLimits
package import Roll
internal import Synchronization

/// Calls the roll of every node at once and then once per interval, and records the results in the ledger.
///
/// A node has at most one call in progress. The number of concurrent calls is bounded; further due nodes wait in order. A change to a
/// node's source takes effect on its next call. A hung call blocks only its own slot, and its containers keep ageing in the ledger.
/// Between calls a node is an entry in the schedule, not a task: 5,000 sleeping tasks take 17 MB.
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
  private let lastScrape: @Sendable (NodeRoll) -> LastScrape?
  private let queue: Mutex<CallQueue>
  private let wakeup = Wakeup()

  /// The minimum sleep. In a large cluster a node is due every few milliseconds; the loop starts their calls in batches.
  private static let shortestSleep: Duration = .milliseconds(20)
  /// The sleep while no node is scheduled.
  private static let longestSleep: Duration = .seconds(3600)

  /// - Parameter lastScrape: what scrapers say, which counts more than what the node has seen; `nil` if they do not know.
  package init(
    rolls: RollStore, ledger: LedgerStore, counters: CollectionCounters, collectors: NodeCollectors, pace: Pace, time: any TimeSource,
    lastScrape: @escaping @Sendable (NodeRoll) -> LastScrape? = { _ in nil }
  ) {
    self.rolls = rolls
    self.ledger = ledger
    self.counters = counters
    self.collectors = collectors
    self.time = time
    self.lastScrape = lastScrape
    queue = Mutex(CallQueue(pace: pace, from: time.now))
  }

  /// The scheduled nodes.
  package var nodes: Set<String> { queue.withLock { Set($0.schedule.nodes) } }

  /// The number of calls in progress.
  package var callsUnderWay: Int { queue.withLock { $0.underWay.count } }

  /// Runs until the task is cancelled. Returns after every call has ended.
  package func run() async {
    queue.withLock { $0.clear(at: time.now) }
    await withDiscardingTaskGroup { group in
      group.addTask { await self.follow() }
      while !Task.isCancelled {
        let now = time.now
        let (starting, next) = queue.withLock { queue in (queue.start(at: now), queue.schedule.next(after: now)) }
        for node in starting { group.addTask { await self.work(from: node) } }
        // A change to the schedule also ends the wait.
        _ = await wakeup.wait(until: max(next ?? now + Self.longestSleep, now + Self.shortestSleep), time: time)
      }
    }
    queue.withLock { $0.clear(at: time.now) }
  }

  /// Frees what the collectors keep for each node. Called after `run`: a replica that does not lead serves nothing that it once learned by
  /// calling nodes (R79).
  func forgetAll() {
    for node in rolls.snapshot().rolls.keys { collectors.forget(node) }
  }

  /// Updates the ledger and the schedule when rolls change.
  private func follow() async {
    await rolls.withSubscription { subscription in
      while let changed = await subscription.next() {
        let now = time.now
        for node in changed {
          if let roll = rolls.roll(of: node) {
            ledger.update(roll, at: now)
            queue.withLock { $0.schedule.insert(node, at: now) }
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

  /// Calls the node, then queued nodes in the same slot.
  private func work(from first: String) async {
    var next: String? = first
    while let node = next {
      if let roll = rolls.roll(of: node), !Task.isCancelled { await call(roll) }
      let hasEndedBurst: Bool
      (next, hasEndedBurst) = queue.withLock { ($0.finished(node), $0.hasEndedBurst()) }
      // The first calls of a term leave 20 MB of free memory between what the ledger keeps of 300,000 containers.
      if hasEndedBurst { Heap.releaseFreePages() }
    }
  }

  private func call(_ roll: NodeRoll) async {
    // An agent needs an empty roll too, and a virtual node's cached scrapes must be removed. An exporter has nothing to report, and an
    // exempt node need not have an agent.
    if roll.entries.isEmpty, roll.source == .windows || roll.source == .linux && roll.exemption != nil { return }
    if let holder = roll.addressHolder {
      ledger.record(roll.missed(byHolder: holder), of: roll, at: time.now)
      return
    }
    var (call, record) = await CollectorRunner(collectors.collector(roll.source)).call(roll)
    guard !Task.isCancelled else { return }
    if call.lastScrape != .notExpected, let scrape = lastScrape(roll) { call.lastScrape = scrape }
    ledger.record(call, of: roll, at: time.now)
    counters.add(record)
  }
}

extension NodeRoll {
  /// The result for a node that is not called because another one has its address.
  fileprivate func missed(byHolder holder: String) -> RollCall {
    let miss = Miss(.wrongNode, "the ready node \(holder) has the address \(address ?? "")")
    return missed(miss, lastScrape: .notObservable)
  }
}
