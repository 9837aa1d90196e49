internal import FoundationEssentials

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

/// `2026-03-01T12:00:00Z`, as Kubernetes writes times; what is outside of the years 1970 to 9999 is at their edge.
func rfc3339(ofUnixMilliseconds milliseconds: Int64) -> String {
  let seconds = max(0, min(milliseconds / 1000, 253_402_300_799))
  return Date(timeIntervalSince1970: Double(seconds)).formatted(Date.ISO8601FormatStyle())
}
