internal import Glibc

/// Reads the labels of one sample, strictly: the same grammar as `LineScanner`'s, over bytes of which a line feed is the last.
struct LabelSetParser {
  private(set) var fields: [LabelBuilder.Field] = []

  /// - Parameter start: the place of the opening brace in `text`, from which the fields' ranges count.
  /// - Returns: the place behind the closing brace.
  mutating func read(_ text: UnsafePointer<UInt8>, from start: Int, limits: ExpositionLimits, line: Int) throws(ExpositionError) -> Int {
    fields.removeAll(keepingCapacity: true)
    var place = start + 1
    while true {
      place = skippingBlanks(text, place)
      if text[place] == UInt8(ascii: "}") { return place + 1 }

      let name = try readName(text, &place, limits: limits, line: line)
      place = skippingBlanks(text, place)
      guard text[place] == UInt8(ascii: "=") else { throw .malformed(line: line, reason: "expected '=' after a label name") }
      place = skippingBlanks(text, place + 1)
      guard text[place] == UInt8(ascii: "\"") else { throw .malformed(line: line, reason: "expected '\"' before a label value") }
      place += 1
      let value = try readValue(text, &place, limits: limits, line: line)
      for other in fields
      where other.name.count == name.count && memcmp(text + start + other.name.lowerBound, text + name.lowerBound, name.count) == 0 {
        throw .malformed(line: line, reason: "the label \(shown(text, name)) is there twice")
      }
      guard fields.count < limits.labels else { throw .tooLarge(line: line, limit: "\(limits.labels) labels of one series") }
      fields.append(
        LabelBuilder.Field(
          name: name.lowerBound - start..<name.upperBound - start, value: value.lowerBound - start..<value.upperBound - start))

      place = skippingBlanks(text, place)
      switch text[place] {
      case UInt8(ascii: ","): place += 1
      case UInt8(ascii: "}"): continue
      default: throw .malformed(line: line, reason: "expected ',' or '}' after a label")
      }
    }
  }

  private func readName(
    _ text: UnsafePointer<UInt8>, _ place: inout Int, limits: ExpositionLimits, line: Int
  ) throws(ExpositionError) -> Range<Int> {
    let start = place
    while text[place].isNamePart, text[place] != UInt8(ascii: ":") { place += 1 }
    guard place > start, text[start].isNameStart, text[place] != UInt8(ascii: ":") else {
      throw .malformed(line: line, reason: "expected a label name")
    }
    guard place - start <= limits.labelLength else {
      throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes of a label name")
    }
    return start..<place
  }

  /// From behind the opening quote to behind the closing one.
  private func readValue(
    _ text: UnsafePointer<UInt8>, _ place: inout Int, limits: ExpositionLimits, line: Int
  ) throws(ExpositionError) -> Range<Int> {
    let start = place
    var allBits: UInt8 = 0
    while text[place] != UInt8(ascii: "\"") {
      let byte = text[place]
      if byte == UInt8(ascii: "\\") {
        switch text[place + 1] {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "n"): place += 2
        default: throw .malformed(line: line, reason: "an escape in a label value is neither \\\\ nor \\\" nor \\n")
        }
      } else if byte == UInt8(ascii: "\n") {
        throw .malformed(line: line, reason: "the line ends within a label value")
      } else {
        allBits |= byte
        place += 1
      }
    }
    let value = start..<place
    place += 1
    guard value.count <= limits.labelLength else {
      throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes of a label value")
    }
    if allBits >= 0x80, !isUTF8(text, value) { throw .malformed(line: line, reason: "a label value is not UTF-8") }
    return value
  }
}

// MARK: What readers of lines share

func skippingBlanks(_ text: UnsafePointer<UInt8>, _ start: Int) -> Int {
  var place = start
  while text[place] == UInt8(ascii: " ") || text[place] == UInt8(ascii: "\t") { place += 1 }
  return place
}

/// Up to the next blank or line feed.
func skippingToken(_ text: UnsafePointer<UInt8>, _ start: Int) -> Int {
  var place = start
  while text[place] != UInt8(ascii: " "), text[place] != UInt8(ascii: "\t"), text[place] != UInt8(ascii: "\n") { place += 1 }
  return place
}

func isUTF8(_ text: UnsafePointer<UInt8>, _ range: Range<Int>) -> Bool {
  UnsafeBufferPointer(start: text + range.lowerBound, count: range.count).span.isValidUTF8
}

/// A few bytes for a message, with control characters made harmless.
func shown(_ text: UnsafePointer<UInt8>, _ range: Range<Int>) -> String {
  let bytes = UnsafeBufferPointer(start: text + range.lowerBound, count: min(range.count, 40))
  let printable = String(decoding: bytes, as: UTF8.self).map { $0.isASCII && ($0.asciiValue ?? 0) < 0x20 ? "?" : $0 }
  return "'" + String(printable) + (range.count > 40 ? "…'" : "'")
}
