/// The wait after each of several failures in a row: it doubles up to a limit, with jitter, and starts over after a while without a failure (R10).
package struct Backoff: Equatable, Sendable {
  private let range: ClosedRange<Duration>
  private let reset: Duration
  /// Failures in a row that the next wait counts.
  package private(set) var failures = 0
  /// When the first success after the last failure was; `nil` until there is one.
  private var healthySince: Duration?

  /// - Parameters:
  ///   - range: the first wait and the longest.
  ///   - reset: how long nothing may fail before the next failure counts as the first again. Zero: one success is enough.
  package init(_ range: ClosedRange<Duration>, reset: Duration = .zero) {
    self.range = range
    self.reset = reset
  }

  /// - Parameter now: on any monotonic clock.
  package mutating func succeeded(at now: Duration) {
    if healthySince == nil { healthySince = now }
  }

  /// Starts over at once.
  package mutating func succeeded() {
    failures = 0
    healthySince = nil
  }

  /// The wait before the next attempt: between half of the doubled wait and all of it, so that many clients spread out.
  package mutating func failed(at now: Duration, random: inout some RandomNumberGenerator) -> Duration {
    if let since = healthySince, now - since >= reset { failures = 0 }
    healthySince = nil
    // 2^16 times the first wait is far above any limit; a larger factor could only overflow.
    let whole = min(range.upperBound, range.lowerBound * (1 << min(failures, 16)))
    failures += 1
    return whole * Double.random(in: 0.5...1, using: &random)
  }

  /// The wait before the next attempt, for a back-off that only `succeeded()` resets.
  package mutating func failed() -> Duration {
    var random = SystemRandomNumberGenerator()
    return failed(at: .zero, random: &random)
  }
}
