/// Checks the blanks and the exemplar of a sample's line in OpenMetrics 1.0. The format allows one space where the text format allows any
/// blanks, and none between the braces.
/// Source: https://prometheus.io/docs/specs/om/open_metrics_spec/
struct OpenMetricsLine {
  private let text: UnsafePointer<UInt8>
  private var index: Int

  /// - Parameter text: must end with a line feed.
  /// - Returns: what is wrong with the line that begins at `start`. `nil` if its parts are where they belong; the parts are not checked.
  static func problem(_ text: UnsafePointer<UInt8>, _ start: Int) -> String? {
    var line = OpenMetricsLine(text: text, index: start)
    return line.problem()
  }

  private mutating func problem() -> String? {
    while text[index].isNamePart { index += 1 }
    if text[index] == UInt8(ascii: "{"), !skipLabels() { return "malformed labels: OpenMetrics allows no blanks between braces" }
    guard text[index + 1] != UInt8(ascii: "{"), skipSpacedToken() else { return "expected a space and a value after the metric" }
    if text[index] == UInt8(ascii: " "), text[index + 1] != UInt8(ascii: "#"), !skipSpacedToken() {
      return "expected a space and a timestamp after the value"
    }
    if text[index] == UInt8(ascii: " ") {
      guard text[index + 1] == UInt8(ascii: "#"), text[index + 2] == UInt8(ascii: " "), text[index + 3] == UInt8(ascii: "{") else {
        return "expected an exemplar"
      }
      index += 3
      guard skipLabels() else { return "malformed labels of the exemplar" }
      guard skipSpacedNumber() != nil else { return "expected a value of the exemplar" }
      if text[index] != UInt8(ascii: "\n"), skipSpacedNumber()?.isFinite != true { return "expected a timestamp of the exemplar" }
    }
    return text[index] == UInt8(ascii: "\n") ? nil : "unexpected text at the end of the line"
  }

  /// Skips `{name="value","name"="value"}`, with an optional comma at the end.
  private mutating func skipLabels() -> Bool {
    index += 1
    while text[index] != UInt8(ascii: "}") {
      guard skipName() else { return false }
      if text[index] == UInt8(ascii: "=") {
        index += 1
        guard text[index] == UInt8(ascii: "\""), skipQuoted() else { return false }
      }
      if text[index] == UInt8(ascii: ",") {
        index += 1
      } else if text[index] != UInt8(ascii: "}") {
        return false
      }
    }
    index += 1
    return true
  }

  private mutating func skipName() -> Bool {
    if text[index] == UInt8(ascii: "\"") { return skipQuoted() }
    let start = index
    while text[index].isNamePart { index += 1 }
    return index > start
  }

  private mutating func skipQuoted() -> Bool {
    index += 1
    while text[index] != UInt8(ascii: "\"") {
      if text[index] == UInt8(ascii: "\\") { index += 1 }
      if text[index] == UInt8(ascii: "\n") { return false }
      index += 1
    }
    index += 1
    return true
  }

  private mutating func skipSpacedToken() -> Bool {
    guard text[index] == UInt8(ascii: " ") else { return false }
    let start = index + 1
    index = start
    index = skippingToken(text, start)
    return index > start && text[index] != UInt8(ascii: "\t")
  }

  /// The number after a space. `nil` if there is none.
  private mutating func skipSpacedNumber() -> Double? {
    let start = index + 1
    guard skipSpacedToken() else { return nil }
    return parseNumber(UnsafeBufferPointer(start: text + start, count: index - start).span)
  }
}
