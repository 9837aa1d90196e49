/// How long to wait after each failure (R10).
struct Backoff: Equatable, Sendable {
  private let range: ClosedRange<Duration>
  private let reset: Duration
  private var failures = 0
  /// Since when nothing has failed; `nil` after a failure.
  private var healthySince: Duration?

  init(_ range: ClosedRange<Duration>, reset: Duration) {
    self.range = range
    self.reset = reset
  }

  init(_ policy: WatchPolicy) {
    self.init(policy.backoff, reset: policy.backoffReset)
  }

  /// - Parameter now: on any clock that only goes forward.
  mutating func succeeded(at now: Duration) {
    if healthySince == nil { healthySince = now }
  }

  /// The wait before the next attempt: between half and all of what doubling gives, so that many clients spread out.
  mutating func failed(at now: Duration, random: inout some RandomNumberGenerator) -> Duration {
    if let since = healthySince, now - since >= reset { failures = 0 }
    healthySince = nil
    // 2^16 times the first wait is far over the longest; more would only overflow.
    let whole = min(range.upperBound, range.lowerBound * (1 << min(failures, 16)))
    failures += 1
    return whole * Double.random(in: 0.5...1, using: &random)
  }
}
