/// A moment as Kubernetes writes it in its objects, `2026-03-01T12:00:00Z` with or without a fraction, in milliseconds since 1970.
/// Kubernetes writes UTC only, and another zone is not read. Source: RFC 3339, section 5.6.
func unixMilliseconds(ofRFC3339 text: String) -> Int64? {
  let bytes = Array(text.utf8)
  func number(_ start: Int, _ count: Int) -> Int64? {
    var value: Int64 = 0
    for byte in bytes[start..<start + count] {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      value = value * 10 + Int64(byte - UInt8(ascii: "0"))
    }
    return value
  }
  guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
    bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
    let year = number(0, 4), year >= 1970, let month = number(5, 2), (1...12).contains(month), let day = number(8, 2),
    (1...31).contains(day),
    let hour = number(11, 2), hour < 24, let minute = number(14, 2), minute < 60, let second = number(17, 2), second <= 60
  else { return nil }
  var milliseconds: Int64 = 0
  if bytes.count > 20 {
    let digits = bytes[20..<bytes.count - 1]
    // Kubernetes writes nine digits at most.
    guard bytes[19] == UInt8(ascii: "."), (1...9).contains(digits.count), number(20, digits.count) != nil else { return nil }
    var padded = Array(digits.prefix(3))
    while padded.count < 3 { padded.append(UInt8(ascii: "0")) }
    for byte in padded { milliseconds = milliseconds * 10 + Int64(byte - UInt8(ascii: "0")) }
  }
  let seconds = daysSince1970(year: year, month: month, day: day) * 86400 + hour * 3600 + minute * 60 + second
  return seconds * 1000 + milliseconds
}

/// `2026-03-01T12:00:00Z`, as Kubernetes writes times.
func rfc3339(ofUnixMilliseconds milliseconds: Int64) -> String {
  let seconds = max(0, min(milliseconds, 253_402_300_799_000)) / 1000
  let day = seconds / 86400
  // The civil calendar in years that begin in March, counted from 0000-03-01, in eras of 400 years: the inverse of `daysSince1970`.
  let shifted = day + 719_468
  let era = shifted / 146_097
  let dayOfEra = shifted % 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
  let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))"
  let time = "\(padded(seconds / 3600 % 24, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
  return "\(date)T\(time)Z"
}
