/// Exponential back-off with jitter (R10).
package struct Backoff: Equatable, Sendable {
  private let range: ClosedRange<Duration>
  private let reset: Duration
  /// The number of failures since the last reset.
  package private(set) var failures = 0
  /// The time of the first success after the last failure.
  private var healthySince: Duration?

  /// - Parameters:
  ///   - range: the first wait and the longest.
  ///   - reset: the time without a failure after which the wait starts over.
  package init(_ range: ClosedRange<Duration>, reset: Duration = .zero) {
    self.range = range
    self.reset = reset
  }

  /// - Parameter now: on any monotonic clock.
  package mutating func succeeded(at now: Duration) {
    if healthySince == nil { healthySince = now }
  }

  /// Starts over at once, whatever `reset` is.
  package mutating func succeeded() {
    failures = 0
    healthySince = nil
  }

  /// Returns the wait before the next attempt: a random time between half and all of the doubled wait, so that clients spread out.
  package mutating func failed(at now: Duration, random: inout some RandomNumberGenerator) -> Duration {
    if let since = healthySince, now - since >= reset { failures = 0 }
    healthySince = nil
    // 2^16 times the first wait exceeds any limit. A larger factor could overflow.
    let whole = min(range.upperBound, range.lowerBound * (1 << min(failures, 16)))
    failures += 1
    return whole * Double.random(in: 0.5...1, using: &random)
  }

  /// Returns the wait before the next attempt. For a back-off that only `succeeded()` resets.
  package mutating func failed() -> Duration {
    var random = SystemRandomNumberGenerator()
    return failed(at: .zero, random: &random)
  }
}
