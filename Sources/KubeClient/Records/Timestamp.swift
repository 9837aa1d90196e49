internal import FoundationEssentials

/// A moment as the API server writes it: RFC 3339 in UTC, in seconds (`Time`) or microseconds (`MicroTime`).
///
/// Source: k8s.io/apimachinery/pkg/apis/meta/v1/time.go and micro_time.go.
struct Timestamp: Hashable, Sendable {
  /// Years 1 to 9999, as RFC 3339 has them.
  private static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

  /// Since 1970.
  let seconds: Int64
  /// 0 to 999,999,999.
  let nanoseconds: Int64

  /// - Returns: `nil` outside the years 1 to 9999.
  init?(seconds: Int64, nanoseconds: Int64 = 0) {
    guard Self.range.contains(seconds), (0..<1_000_000_000).contains(nanoseconds) else { return nil }
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// The nearest moment that there is a date for.
  init(unixMicroseconds: Int64) {
    let seconds = Self.floorDivide(unixMicroseconds, 1_000_000)
    self.seconds = min(max(seconds, Self.range.lowerBound), Self.range.upperBound)
    nanoseconds = (unixMicroseconds - seconds * 1_000_000) * 1000
  }

  var unixMilliseconds: Int64 { seconds * 1000 + nanoseconds / 1_000_000 }

  /// `2026-03-01T12:00:00.000000Z`, as `MicroTime` asks for it: always six digits.
  var microTime: String {
    let day = Self.floorDivide(seconds, 86400)
    let second = seconds - day * 86400
    let (year, month, dayOfMonth) = Self.civil(day)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))"
      + "T\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2)).\(padded(nanoseconds / 1000, 6))Z"
  }

  /// Reads RFC 3339, with a fraction of any length and with an offset from UTC. A leap second counts as the second after it.
  /// - Returns: `nil` for anything else.
  init?(rfc3339 text: String) {
    var rest = Array(text.utf8)[...]
    guard let year = Self.number(4, &rest), Self.skip("-", &rest), let month = Self.number(2, &rest), Self.skip("-", &rest),
      let day = Self.number(2, &rest), Self.skip("T", &rest) || Self.skip("t", &rest), let hour = Self.number(2, &rest),
      Self.skip(":", &rest), let minute = Self.number(2, &rest), Self.skip(":", &rest), let second = Self.number(2, &rest),
      (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    var fraction: Int64 = 0
    if Self.skip(".", &rest) {
      let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard !digits.isEmpty else { return nil }
      for position in 0..<9 {
        let digit = position < digits.count ? Int64(digits[digits.startIndex + position] - UInt8(ascii: "0")) : 0
        fraction = fraction * 10 + digit
      }
      rest = rest.dropFirst(digits.count)
    }
    guard let offset = Self.offset(&rest), rest.isEmpty else { return nil }
    let midnight = Self.days(year, month, day) * 86400
    self.init(seconds: midnight + hour * 3600 + minute * 60 + second - offset, nanoseconds: fraction)
  }
}

extension Timestamp {
  /// Seconds east of UTC.
  private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
    if skip("Z", &rest) || skip("z", &rest) { return 0 }
    let sign: Int64
    if skip("+", &rest) { sign = 1 } else if skip("-", &rest) { sign = -1 } else { return nil }
    guard let hours = number(2, &rest), skip(":", &rest), let minutes = number(2, &rest), hours < 24, minutes < 60 else { return nil }
    return sign * (hours * 3600 + minutes * 60)
  }

  private static func number(_ digits: Int, _ rest: inout ArraySlice<UInt8>) -> Int64? {
    let text = rest.prefix(digits)
    guard text.count == digits, text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
    rest = rest.dropFirst(digits)
    return text.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
  }

  private static func skip(_ character: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
    guard rest.first == UInt8(ascii: character) else { return false }
    rest = rest.dropFirst()
    return true
  }

  // Days since 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years that begin on 1 March:
  // https://howardhinnant.github.io/date_algorithms.html

  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = floorDivide(shifted, 400)
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  private static func floorDivide(_ number: Int64, _ divisor: Int64) -> Int64 {
    number >= 0 ? number / divisor : -((-number + divisor - 1) / divisor)
  }
}

private func padded(_ number: Int64, _ digits: Int) -> String {
  let text = String(number)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}

extension Timestamp {
  /// The system's time of day, which may jump: only for moments that others set.
  static var now: Timestamp {
    Timestamp(unixMicroseconds: Int64((Date().timeIntervalSince1970 * 1_000_000).rounded(.down)))
  }
}
