internal import Glibc

/// Parses the labels of one sample. The text must end with a line feed.
struct LabelSetParser {
  private(set) var fields: [LabelBuilder.Field] = []

  /// - Parameter start: the index of the opening brace. The ranges of the fields are relative to it.
  /// - Returns: the index after the closing brace.
  mutating func parse(_ text: UnsafePointer<UInt8>, from start: Int, limits: ExpositionLimits, line: Int) throws(ExpositionError) -> Int {
    fields.removeAll(keepingCapacity: true)
    var index = start + 1
    while true {
      index = skippingBlanks(text, index)
      if text[index] == UInt8(ascii: "}") { return index + 1 }

      let name = try parseName(text, &index, limits: limits, line: line)
      index = skippingBlanks(text, index)
      guard text[index] == UInt8(ascii: "=") else { throw .malformed(line: line, reason: "expected '=' after a label name") }
      index = skippingBlanks(text, index + 1)
      guard text[index] == UInt8(ascii: "\"") else { throw .malformed(line: line, reason: "expected '\"' before a label value") }
      index += 1
      let value = try parseValue(text, &index, of: name, limits: limits, line: line)
      for other in fields
      where other.name.count == name.count && memcmp(text + start + other.name.lowerBound, text + name.lowerBound, name.count) == 0 {
        throw .malformed(line: line, reason: "duplicate label \(excerpt(text, name))")
      }
      guard fields.count < limits.labels else { throw .tooLarge(line: line, limit: "\(limits.labels) labels in one series") }
      fields.append(
        LabelBuilder.Field(
          name: name.lowerBound - start..<name.upperBound - start, value: value.lowerBound - start..<value.upperBound - start))

      index = skippingBlanks(text, index)
      switch text[index] {
      case UInt8(ascii: ","): index += 1
      case UInt8(ascii: "}"): continue
      default: throw .malformed(line: line, reason: "expected ',' or '}' after a label")
      }
    }
  }

  private func parseName(
    _ text: UnsafePointer<UInt8>, _ index: inout Int, limits: ExpositionLimits, line: Int
  ) throws(ExpositionError) -> Range<Int> {
    let start = index
    guard text[start].isNameStart, text[start] != UInt8(ascii: ":") else { throw .malformed(line: line, reason: "expected a label name") }
    while text[index].isNamePart, text[index] != UInt8(ascii: ":") { index += 1 }
    guard text[index] != UInt8(ascii: ":") else { throw .malformed(line: line, reason: "a label name must not contain a colon") }
    guard index - start <= limits.labelLength else {
      throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes in a label name")
    }
    return start..<index
  }

  /// Parses a value from after its opening quote to after its closing one.
  private func parseValue(
    _ text: UnsafePointer<UInt8>, _ index: inout Int, of name: Range<Int>, limits: ExpositionLimits, line: Int
  ) throws(ExpositionError) -> Range<Int> {
    let start = index
    var allBits: UInt8 = 0
    while text[index] != UInt8(ascii: "\"") {
      let byte = text[index]
      if byte == UInt8(ascii: "\\") {
        switch text[index + 1] {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "n"): index += 2
        default: throw .malformed(line: line, reason: "invalid escape in a label value: only \\\\, \\\" and \\n are allowed")
        }
      } else if byte == UInt8(ascii: "\n") {
        throw .malformed(line: line, reason: "unterminated label value")
      } else {
        allBits |= byte
        index += 1
      }
    }
    let value = start..<index
    index += 1
    guard value.count <= limits.labelLength else {
      throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes in a label value")
    }
    if allBits >= 0x80, !isUTF8(text, value) {
      throw .malformed(line: line, reason: "the value of label \(excerpt(text, name)) is not valid UTF-8")
    }
    return value
  }
}

// MARK: Scanning within a line, which ends with a line feed

func skippingBlanks(_ text: UnsafePointer<UInt8>, _ start: Int) -> Int {
  var index = start
  while text[index] == UInt8(ascii: " ") || text[index] == UInt8(ascii: "\t") { index += 1 }
  return index
}

/// The index of the next blank or line feed.
func skippingToken(_ text: UnsafePointer<UInt8>, _ start: Int) -> Int {
  var index = start
  while text[index] != UInt8(ascii: " "), text[index] != UInt8(ascii: "\t"), text[index] != UInt8(ascii: "\n") { index += 1 }
  return index
}

func isUTF8(_ text: UnsafePointer<UInt8>, _ range: Range<Int>) -> Bool {
  (try? UTF8Span(validating: UnsafeBufferPointer(start: text + range.lowerBound, count: range.count).span)) != nil
}

/// Up to 40 bytes in quotes for an error message. Control characters are replaced.
func excerpt(_ text: UnsafePointer<UInt8>, _ range: Range<Int>) -> String {
  let bytes = UnsafeBufferPointer(start: text + range.lowerBound, count: min(range.count, 40))
  let printable = String(decoding: bytes, as: UTF8.self).map { $0.isASCII && ($0.asciiValue ?? 0) < 0x20 ? "?" : $0 }
  return "'" + String(printable) + (range.count > 40 ? "…'" : "'")
}
