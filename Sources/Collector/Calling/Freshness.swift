internal import Roll

/// Tells whether numbers are of now, by the clock of the server that sent them: ours need not agree with it.
struct Freshness: Hashable, Sendable {
  /// When they were sent, in milliseconds since 1970; without it nothing is judged.
  let sent: Int64?
  /// How old numbers may be then, and how far ahead.
  let limit: Duration
  /// The times of numbers that are of now.
  private let times: ClosedRange<Int64>

  init(sent: Int64? = nil, limit: Duration) {
    self.sent = sent
    self.limit = limit
    let milliseconds = Int64(limit / .milliseconds(1))
    times = sent.map { $0 - milliseconds...$0 + milliseconds } ?? Int64.min...Int64.max
  }

  /// - Parameter date: the header `Date` of the answer that has the numbers.
  init(date: String?, limit: Duration) {
    self.init(sent: date.flatMap(unixMilliseconds(ofHTTPDate:)), limit: limit)
  }

  /// - Parameter time: in milliseconds since 1970.
  @inline(__always)
  func covers(_ time: Int64) -> Bool { times.contains(time) }

  /// What came of a container whose newest sample has this time; samples without a time are taken to be of now.
  func outcome(newest: Int64?) -> Answer {
    guard let sent, let newest else { return .collected(age: .zero) }
    let age = Duration.milliseconds(sent - newest)
    guard !covers(newest) else { return .collected(age: max(age, .zero)) }
    if age > .zero {
      return .missed(
        .staleData,
        detail: "the newest sample was \(age.components.seconds) s old when it was sent; more than \(limit.components.seconds) s is stale")
    }
    return .missed(.badExposition, detail: "the newest sample is dated \(-age.components.seconds) s ahead of its sender's own clock")
  }
}
