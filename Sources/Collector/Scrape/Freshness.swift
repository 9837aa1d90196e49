internal import Primitives
internal import Roll

/// Judges whether sample timestamps are current: by the clock of the server that sent them, which may differ from ours, or by our own clock
/// if the response has no date. Timestamps before 1970 are never current: the text format has none.
struct Freshness: Hashable, Sendable {
  /// When the response was sent, in milliseconds since 1970. If `nil`, everything counts as fresh.
  let sent: Int64?
  /// The greatest allowed difference between a timestamp and `sent`, in either direction.
  let limit: Duration
  /// The timestamps that count as fresh.
  private let times: ClosedRange<Int64>

  init(sent: Int64? = nil, limit: Duration) {
    self.sent = sent
    self.limit = limit
    let milliseconds = Int64(limit / .milliseconds(1))
    times = sent.map { max($0 - milliseconds, 0)...max($0 + milliseconds, 0) } ?? 0...Int64.max
  }

  /// - Parameters:
  ///   - date: the response header `Date`.
  ///   - now: our own time, in milliseconds since 1970.
  init(date: String?, now: Int64 = Timestamp.now.unixMilliseconds, limit: Duration) {
    self.init(sent: date.flatMap { Timestamp(httpDate: $0)?.unixMilliseconds } ?? now, limit: limit)
  }

  /// - Parameter time: in milliseconds since 1970.
  @inline(__always)
  func covers(_ time: Int64) -> Bool { times.contains(time) }

  /// The answer of a container whose newest sample has this timestamp. Samples without a timestamp count as fresh.
  func answer(newest: Int64?) -> Answer {
    guard let sent, let newest else { return .collected(age: .zero) }
    let age = Duration.milliseconds(sent) - .milliseconds(newest)
    guard !covers(newest) else { return .collected(age: max(age, .zero)) }
    if age > .zero {
      return .missed(
        .staleData,
        detail: "the newest sample was \(age.components.seconds) s old when it was sent; more than \(limit.components.seconds) s is stale")
    }
    return .missed(.badExposition, detail: "the newest sample is dated \(-age.components.seconds) s after it was sent")
  }
}
