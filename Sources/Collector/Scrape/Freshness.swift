internal import Roll

/// Judges whether sample timestamps are current, by the clock of the server that sent them, which may differ from ours.
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
    times = sent.map { $0 - milliseconds...$0 + milliseconds } ?? Int64.min...Int64.max
  }

  /// - Parameter date: the response header `Date`.
  init(date: String?, limit: Duration) {
    self.init(sent: date.flatMap(unixMilliseconds(ofHTTPDate:)), limit: limit)
  }

  /// - Parameter time: in milliseconds since 1970.
  @inline(__always)
  func covers(_ time: Int64) -> Bool { times.contains(time) }

  /// The answer of a container whose newest sample has this timestamp. Samples without a timestamp count as fresh.
  func answer(newest: Int64?) -> Answer {
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

/// Parses a `Date` header in the form that servers must send, `Sun, 06 Nov 1994 08:49:37 GMT`. Returns milliseconds since 1970.
/// Source: RFC 9110, section 5.6.7.
func unixMilliseconds(ofHTTPDate text: String) -> Int64? {
  let parts = text.split(separator: " ")
  guard parts.count == 6, parts[5] == "GMT",
    let day = Int64(parts[1]), (1...31).contains(day),
    let month = months.firstIndex(of: String(parts[2])).map({ Int64($0 + 1) }),
    let year = Int64(parts[3]), (1970...9999).contains(year)
  else { return nil }
  let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false).compactMap { Int64($0) }
  // 60 is a leap second.
  guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2]) else { return nil }
  let seconds = daysSince1970(year: year, month: month, day: day) * 86400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
  return seconds * 1000
}

private let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/// In the Gregorian calendar. The year begins in March here, so that the leap day is its last.
func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
  let marchYear = month > 2 ? year : year - 1
  let monthsSinceMarch = (month + 9) % 12
  // 153 days are five months that begin in March or August: 31, 30, 31, 30, 31.
  let dayOfYear = (153 * monthsSinceMarch + 2) / 5 + day - 1
  let daysToYear = marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400
  // Days from 0000-03-01 to 1970-01-01.
  return daysToYear + dayOfYear - 719_468
}
