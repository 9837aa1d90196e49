/// Parses a sample's value: a decimal number, or `NaN`, `Inf` or `Infinity` in any case with an optional sign. Like Prometheus's parser it
/// returns `nil` for everything else, including hexadecimal numbers and numbers too large for a Double.
package func parseNumber(_ text: Span<UInt8>) -> Double? {
  guard let decimal = Decimal(text) else { return parseWord(text) }
  if let exact = decimal.exactValue { return exact }
  // The standard library rounds correctly for any number of digits. The limit bounds the cost of hostile input.
  guard text.count <= 1024, let value = Double(string(text)), value.isFinite else { return nil }
  return value
}

/// Parses a sample's timestamp: whole milliseconds since 1970 in the text format, seconds in OpenMetrics, where they may be negative.
/// Seconds beyond the range of the result become its bounds.
/// - Returns: milliseconds since 1970.
func parseTimestamp(_ text: Span<UInt8>, _ format: ExpositionFormat) -> Int64? {
  switch format {
  case .text:
    guard !text.isEmpty else { return nil }
    var milliseconds: Int64 = 0
    for index in text.indices {
      guard text[index].isDigit else { return nil }
      let (scaled, tooLarge) = milliseconds.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(Int64(text[index] - UInt8(ascii: "0")))
      guard !tooLarge, !carry else { return nil }
      milliseconds = sum
    }
    return milliseconds
  case .openMetrics:
    guard let seconds = parseNumber(text), seconds.isFinite else { return nil }
    return Int64(exactly: (seconds * 1000).rounded(.towardZero)) ?? (seconds < 0 ? .min : .max)
  }
}

/// The digits of a number, before rounding.
private struct Decimal {
  var isNegative = false
  /// The digits without the decimal point. 0 after an overflow.
  var digits: UInt64 = 0
  var exponent = 0
  private var overflowed = false

  /// Parses `[sign] digits [. digits] [e [sign] digits]`.
  init?(_ text: Span<UInt8>) {
    var index = 0
    if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
      isNegative = text[index] == UInt8(ascii: "-")
      index += 1
    }
    var count = readDigits(text, &index, areFraction: false)
    if index < text.count, text[index] == UInt8(ascii: ".") {
      index += 1
      count += readDigits(text, &index, areFraction: true)
    }
    guard count > 0 else { return nil }
    if index < text.count, text[index] | 0x20 == UInt8(ascii: "e") {
      index += 1
      guard readExponent(text, &index) else { return nil }
    }
    guard index == text.count else { return nil }
  }

  /// The value, if a single multiplication or division of two exact Doubles computes it (Clinger's fast path).
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
      // A Double is zero or infinite well before this exponent. The cap prevents overflow.
      magnitude = min(magnitude * 10 + Int(text[index] - UInt8(ascii: "0")), 100_000)
      index += 1
    }
    exponent += isNegative ? -magnitude : magnitude
    return index > start
  }

  /// The powers of ten that a Double represents exactly.
  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]
}

private func parseWord(_ text: Span<UInt8>) -> Double? {
  // The longest word is "+Infinity". The limit avoids copying hostile input.
  guard text.count <= 9 else { return nil }
  return switch string(text).lowercased() {
  case "nan": .nan
  case "inf", "+inf", "infinity", "+infinity": .infinity
  case "-inf", "-infinity": -.infinity
  default: nil
  }
}

private func string(_ text: Span<UInt8>) -> String {
  text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
}
