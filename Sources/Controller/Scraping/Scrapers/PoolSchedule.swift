package import Roll

/// Schedules the reads of a scraper's pools: each once per period, one at a time, evenly spread, so that neither the scraper nor the
/// controller ever works on all targets at once. Pure.
package struct PoolSchedule: Sendable {
  package struct Read: Hashable, Sendable {
    package var pool: String
    package var at: Moment
  }

  /// The minimum time between two reads of a pool.
  package let period: Duration
  /// In the order of reading.
  private var queue: [String] = []
  private var lastReads: [String: Moment] = [:]
  private var lastRead: Moment?

  package init(period: Duration = .seconds(30)) {
    self.period = period
  }

  /// Sets the pools that are wanted. New ones are read first, so that a new monitor does not wait for a whole period.
  package mutating func update(_ pools: Set<String>) {
    queue.removeAll { !pools.contains($0) }
    let new = pools.subtracting(queue).sorted()
    queue.insert(contentsOf: new, at: 0)
    lastReads = lastReads.filter { pools.contains($0.key) }
  }

  /// The next read; `nil` without pools. It is due now if its time has passed.
  package func next(now: Moment) -> Read? {
    guard let pool = queue.first else { return nil }
    let spaced = lastRead.map { $0 + period / queue.count } ?? now
    let due = lastReads[pool].map { $0 + period } ?? spaced
    return Read(pool: pool, at: max(now, spaced, due))
  }

  /// Notes that a read begins.
  package mutating func begin(_ pool: String, at time: Moment) {
    guard let index = queue.firstIndex(of: pool) else { return }
    queue.append(queue.remove(at: index))
    lastReads[pool] = time
    lastRead = time
  }
}
