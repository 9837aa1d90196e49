/// Exponential back-off with jitter (R10).
struct Backoff: Equatable, Sendable {
  private let range: ClosedRange<Duration>
  private let reset: Duration
  private var failures = 0
  /// The time of the first success since the last failure.
  private var healthySince: Duration?

  init(_ range: ClosedRange<Duration>, reset: Duration) {
    self.range = range
    self.reset = reset
  }

  init(_ policy: WatchPolicy) {
    self.init(policy.backoff, reset: policy.backoffReset)
  }

  /// - Parameter now: monotonic.
  mutating func succeeded(at now: Duration) {
    if healthySince == nil { healthySince = now }
  }

  /// Returns the wait before the next attempt: the doubled wait with up to 50 % subtracted, so that clients spread out.
  mutating func failed(at now: Duration, random: inout some RandomNumberGenerator) -> Duration {
    if let since = healthySince, now - since >= reset { failures = 0 }
    healthySince = nil
    // 2^16 exceeds every range; a larger exponent would overflow.
    let whole = min(range.upperBound, range.lowerBound * (1 << min(failures, 16)))
    failures += 1
    return whole * Double.random(in: 0.5...1, using: &random)
  }
}
