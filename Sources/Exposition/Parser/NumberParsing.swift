/// A sample's value: a decimal number, or one of the words `NaN`, `Inf` and `Infinity` in any case, with or without a sign. `nil` for
/// everything else, hexadecimal and numbers too large for a Double among it, as in Prometheus's parser.
package func parseNumber(_ text: Span<UInt8>) -> Double? {
  guard let decimal = Decimal(text) else { return parseWord(text) }
  if let exact = decimal.exactValue { return exact }
  // Rounding is subtle with many digits: leave it to the standard library, up to a length that no honest number has.
  guard text.count <= 1024, let value = Double(text.text), value.isFinite else { return nil }
  return value
}

/// A sample's time in milliseconds since 1970. With a fraction it is OpenMetrics's, in seconds. `nil` outside of the years 1970 to 9999,
/// which no clock shows.
func parseTimestamp(_ text: Span<UInt8>) -> Int64? {
  guard let decimal = Decimal(text), let number = parseNumber(text), number >= 0 else { return nil }
  let milliseconds = decimal.isWhole ? number : number * 1000
  guard milliseconds <= 253_402_300_799_999 else { return nil }
  return Int64(milliseconds)
}

/// A number's digits before anything is rounded.
private struct Decimal {
  var isNegative = false
  /// The digits without the point, as long as they fit.
  var digits: UInt64 = 0
  /// The power of ten to multiply `digits` with.
  var exponent = 0
  var isWhole = true
  private var overflowed = false

  /// `nil` if the text is not `[sign] digits [. digits] [e [sign] digits]`.
  init?(_ text: Span<UInt8>) {
    var index = 0
    if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
      isNegative = text[index] == UInt8(ascii: "-")
      index += 1
    }
    var count = readDigits(text, &index, areFraction: false)
    if index < text.count, text[index] == UInt8(ascii: ".") {
      isWhole = false
      index += 1
      count += readDigits(text, &index, areFraction: true)
    }
    guard count > 0 else { return nil }
    if index < text.count, text[index] | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      index += 1
      guard readExponent(text, &index) else { return nil }
    }
    guard index == text.count else { return nil }
  }

  /// The value, where one multiplication or division of two exact Doubles gives it (Clinger's fast path).
  var exactValue: Double? {
    guard !overflowed, digits <= 1 << 53, exponent.magnitude < UInt(Self.powersOfTen.count) else { return nil }
    let magnitude = Double(digits)
    let power = Self.powersOfTen[Int(exponent.magnitude)]
    let value = exponent < 0 ? magnitude / power : magnitude * power
    return isNegative ? -value : value
  }

  private mutating func readDigits(_ text: Span<UInt8>, _ index: inout Int, areFraction: Bool) -> Int {
    let start = index
    while index < text.count, text[index].isDigit {
      let (scaled, tooLarge) = digits.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(UInt64(text[index] - UInt8(ascii: "0")))
      overflowed = overflowed || tooLarge || carry
      digits = overflowed ? 0 : sum
      if areFraction { exponent -= 1 }
      index += 1
    }
    return index - start
  }

  private mutating func readExponent(_ text: Span<UInt8>, _ index: inout Int) -> Bool {
    var isNegative = false
    if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
      isNegative = text[index] == UInt8(ascii: "-")
      index += 1
    }
    let start = index
    var magnitude = 0
    while index < text.count, text[index].isDigit {
      // Past this a Double is zero or infinite anyway; the cap keeps the sum from overflowing.
      magnitude = min(magnitude * 10 + Int(text[index] - UInt8(ascii: "0")), 100_000)
      index += 1
    }
    exponent += isNegative ? -magnitude : magnitude
    return index > start
  }

  /// Those that a Double holds exactly.
  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]
}

private func parseWord(_ text: Span<UInt8>) -> Double? {
  // The longest word is "+Infinity"; what is longer must not be copied.
  guard text.count <= 9 else { return nil }
  return switch text.text.lowercased() {
  case "nan": .nan
  case "inf", "+inf", "infinity", "+infinity": .infinity
  case "-inf", "-infinity": -.infinity
  default: nil
  }
}
