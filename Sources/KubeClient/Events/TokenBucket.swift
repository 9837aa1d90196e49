/// So many at once, and one more every so often.
struct TokenBucket: Hashable, Sendable {
  private let burst: Int
  private let refill: Duration
  private var tokens: Double
  private var updated: Duration

  /// Full.
  init(burst: Int, refill: Duration, now: Duration) {
    self.burst = burst
    self.refill = refill
    tokens = Double(burst)
    updated = now
  }

  /// - Parameter now: on any clock that only goes forward.
  mutating func take(at now: Duration) -> Bool {
    fill(at: now)
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  /// Whether it is as good as a new one.
  mutating func isFull(at now: Duration) -> Bool {
    fill(at: now)
    return tokens >= Double(burst)
  }

  private mutating func fill(at now: Duration) {
    tokens = min(Double(burst), tokens + (now - updated) / refill)
    updated = now
  }
}
