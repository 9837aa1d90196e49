import Controller
import Roll
import Synchronization

/// Clocks that run ten times as fast as the system's, for tests of what happens within minutes. Only of use for what depends on
/// `TimeSource` alone: watches, the Lease and deadlines of requests keep the system's time. Several controllers of one test share one
/// value.
final class FastTime: TimeSource {
  private static let factor = 10
  private let start = ContinuousClock.now
  private let startUnixMilliseconds: Int64 = 1_800_000_000_000
  private let longest = Mutex<Duration>(.zero)

  /// The longest time that somebody has waited for, whether it has passed or not.
  var longestSleep: Duration { longest.withLock { $0 } }

  func reading() -> ClockReading {
    let elapsed = (start.duration(to: .now) * Self.factor).wholeMilliseconds
    return ClockReading(moment: Moment(milliseconds: elapsed), unixMilliseconds: startUnixMilliseconds + elapsed)
  }

  func sleep(until moment: Moment) async throws {
    let duration = moment - now
    longest.withLock { $0 = max($0, duration) }
    try await Task.sleep(for: max(duration, .zero) / Self.factor)
  }
}
