import Collector
import Synchronization

/// A clock that tests advance. Sleeping advances it to the deadline.
final class ManualCollectorClock: Sendable {
  private let time = Mutex(ContinuousClock.now)

  var now: ContinuousClock.Instant { time.withLock { $0 } }

  var clock: CollectorClock {
    CollectorClock(now: { self.now }, sleep: { deadline in self.time.withLock { $0 = max($0, deadline) } })
  }

  func advance(by duration: Duration) {
    time.withLock { $0 += duration }
  }
}
