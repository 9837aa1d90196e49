internal import Primitives

/// Parses a `Retry-After` header: a number of seconds, or a date.
///
/// Source: RFC 9110, section 10.2.3; section 5.6.7 for the three date formats.
package enum RetryAfter {
  private static let secondsInFiftyYears: Int64 = 50 * 31_556_952

  /// - Parameter now: seconds since 1970 by the local clock. A date is only as accurate as the two clocks agree.
  /// - Returns: `nil` if the header is neither; zero for a date in the past.
  package static func delay(_ header: String, now: Int64) -> Duration? {
    if !header.isEmpty, header.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
      return Int64(header).map { .seconds($0) }
    }
    return date(header, now: now).map { .seconds(max(0, $0.seconds - now)) }
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`, or the obsolete formats `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
  private static func date(_ text: String, now: Int64) -> Timestamp? {
    let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
    switch words.count {
    case 6 where words[5] == "GMT" && words[3].count == 4: return Timestamp(year: words[3], month: words[2], day: words[1], time: words[4])
    case 6 where words[5] == "GMT" && words[3].count == 2:
      // A two-digit year is the nearest that is at most fifty years in the future.
      guard let date = Timestamp(year: "20" + words[3], month: words[2], day: words[1], time: words[4]) else { return nil }
      guard date.seconds - now > secondsInFiftyYears else { return date }
      return Timestamp(year: "19" + words[3], month: words[2], day: words[1], time: words[4])
    case 5: return Timestamp(year: words[4], month: words[1], day: words[2], time: words[3])
    default: return nil
    }
  }
}
