internal import Glibc

/// Parses the labels of one sample in the form that nearly all exporters write. Leaves any other form, and what is wrong with it, to
/// `UncommonLabelSetParser`. The text must end with a line feed.
struct LabelSetParser {
  private(set) var fields: [LabelBuilder.Field] = []

  /// - Parameter start: the index of the opening brace. The ranges of the fields are relative to it.
  /// - Returns: the index after the closing brace. `nil` for a set that is uncommon, malformed or exceeds a limit.
  mutating func parse(_ text: UnsafePointer<UInt8>, from start: Int, limits: ExpositionLimits) -> Int? {
    fields.removeAll(keepingCapacity: true)
    var index = start + 1
    while true {
      index = skippingBlanks(text, index)
      if text[index] == UInt8(ascii: "}") { return index + 1 }

      guard let name = parseName(text, &index, limits: limits) else { return nil }
      index = skippingBlanks(text, index)
      guard text[index] == UInt8(ascii: "=") else { return nil }
      index = skippingBlanks(text, index + 1)
      guard text[index] == UInt8(ascii: "\"") else { return nil }
      index += 1
      guard let value = parseValue(text, &index, limits: limits) else { return nil }
      for other in fields
      where other.name.count == name.count && memcmp(text + start + other.name.lowerBound, text + name.lowerBound, name.count) == 0 {
        return nil
      }
      guard fields.count < limits.labels else { return nil }
      fields.append(
        LabelBuilder.Field(
          name: name.lowerBound - start..<name.upperBound - start, value: value.lowerBound - start..<value.upperBound - start))

      index = skippingBlanks(text, index)
      switch text[index] {
      case UInt8(ascii: ","): index += 1
      case UInt8(ascii: "}"): continue
      default: return nil
      }
    }
  }

  private func parseName(_ text: UnsafePointer<UInt8>, _ index: inout Int, limits: ExpositionLimits) -> Range<Int>? {
    let start = index
    guard text[start].isNameStart else { return nil }
    while text[index].isNamePart {
      if text[index] == UInt8(ascii: ":") { return nil }
      index += 1
    }
    let name = start..<index
    let isReserved = name.count == Self.metricName.utf8CodeUnitCount && memcmp(text + start, Self.metricName.utf8Start, name.count) == 0
    return name.count <= limits.labelLength && !isReserved ? name : nil
  }

  private static let metricName: StaticString = "__name__"

  /// Parses a value from after its opening quote to after its closing one.
  private func parseValue(_ text: UnsafePointer<UInt8>, _ index: inout Int, limits: ExpositionLimits) -> Range<Int>? {
    let start = index
    var allBits: UInt8 = 0
    while text[index] != UInt8(ascii: "\"") {
      let byte = text[index]
      if byte == UInt8(ascii: "\\") {
        switch text[index + 1] {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "n"): index += 2
        default: return nil
        }
      } else if byte == UInt8(ascii: "\n") {
        return nil
      } else {
        allBits |= byte
        index += 1
      }
    }
    let value = start..<index
    index += 1
    let isText = allBits < 0x80 || isUTF8(UnsafeBufferPointer(start: text + start, count: value.count))
    return value.count <= limits.labelLength && isText ? value : nil
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

/// The index of the next line feed. There is one: the parsers are given whole lines.
func endOfLine(_ text: UnsafePointer<UInt8>, _ start: Int) -> Int {
  // memchr(3) stops at the first match and reads nothing after it, whatever the count (C17, 7.24.5.1).
  guard let end = memchr(text + start, Int32(UInt8(ascii: "\n")), .max) else { return start }
  return UnsafeRawPointer(end) - UnsafeRawPointer(text)
}

func isUTF8(_ text: UnsafeBufferPointer<UInt8>) -> Bool { (try? UTF8Span(validating: text.span)) != nil }

/// Up to 40 bytes in quotes for an error message. Control characters are replaced.
func excerpt(_ text: UnsafeBufferPointer<UInt8>) -> String {
  let printable = String(decoding: text.prefix(40), as: UTF8.self).map { $0.isASCII && ($0.asciiValue ?? 0) < 0x20 ? "?" : $0 }
  return "'" + String(printable) + (text.count > 40 ? "…'" : "'")
}
