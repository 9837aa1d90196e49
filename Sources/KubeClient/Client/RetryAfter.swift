/// What a `Retry-After` header says: a number of seconds, or a date.
///
/// Source: RFC 9110, section 10.2.3; the three forms of a date are those of section 5.6.7.
enum RetryAfter {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  private static let secondsInFiftyYears: Int64 = 50 * 31_556_952

  /// - Parameter now: seconds since 1970 by this machine's clock: a date is as good as the agreement of the two clocks.
  /// - Returns: `nil` for what is neither; zero for a date that has passed.
  static func delay(_ header: String, now: Int64) -> Duration? {
    if !header.isEmpty, header.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
      return Int64(header).map { .seconds($0) }
    }
    return date(header, now: now).map { .seconds(max(0, $0 - now)) }
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`, or as it was written formerly: `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
  private static func date(_ text: String, now: Int64) -> Int64? {
    let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
    switch words.count {
    case 6 where words[5] == "GMT" && words[3].count == 4: return seconds(words[3], words[2], words[1], words[4])
    case 6 where words[5] == "GMT" && words[3].count == 2:
      // A year of two digits is the nearest one that is not over fifty years ahead.
      guard let date = seconds("20\(words[3])", words[2], words[1], words[4]) else { return nil }
      return date - now > secondsInFiftyYears ? seconds("19\(words[3])", words[2], words[1], words[4]) : date
    case 5: return seconds(words[4], words[1], words[2], words[3])
    default: return nil
    }
  }

  private static func seconds(_ year: Substring, _ month: Substring, _ day: Substring, _ time: Substring) -> Int64? {
    guard let month = months.firstIndex(of: String(month)).map({ $0 + 1 }) else { return nil }
    return Timestamp(rfc3339: "\(year)-\(month < 10 ? "0" : "")\(month)-\(day.count == 1 ? "0" : "")\(day)T\(time)Z")?.seconds
  }
}
