/// Parses the labels of one sample in every form that Prometheus accepts, and reports what is wrong with one that it does not accept. The
/// slow path of `LabelSetParser`: quoted names, the metric's name between the braces, unknown escapes, missing commas. The text must end
/// with a line feed.
struct UncommonLabelSetParser {
  /// The metric's name, if it is between the braces.
  private(set) var name: [UInt8]?
  /// The set in the form that `LabelSetParser` parses, with braces. Label names that are not legacy names are in quotes.
  private(set) var text: [UInt8] = []
  /// Names and escaped values. `fields` refer to it.
  private(set) var bytes: [UInt8] = []
  private(set) var fields: [LabelBuilder.Field] = []

  /// - Parameter start: the index of the opening brace.
  /// - Returns: the index after the closing brace.
  mutating func parse(_ input: UnsafePointer<UInt8>, from start: Int, limits: ExpositionLimits, line: Int) throws(ExpositionError) -> Int {
    name = nil
    text.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
    text.append(UInt8(ascii: "{"))
    var index = skippingBlanks(input, start + 1)
    while input[index] != UInt8(ascii: "}") {
      let isQuoted = input[index] == UInt8(ascii: "\"")
      let word = try isQuoted ? parsedQuotedName(input, &index, line: line) : plainName(input, &index, line: line)
      guard word.count <= limits.labelLength else { throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes in a label name") }
      index = skippingBlanks(input, index)
      if isQuoted, input[index] == UInt8(ascii: ",") || input[index] == UInt8(ascii: "}") {
        guard name == nil else { throw .malformed(line: line, reason: "two metric names between braces") }
        name = word
        if input[index] == UInt8(ascii: ",") { index = skippingBlanks(input, index + 1) }
        continue
      }
      guard input[index] == UInt8(ascii: "=") else { throw .malformed(line: line, reason: "expected '=' after a label name") }
      index = skippingBlanks(input, index + 1)
      guard input[index] == UInt8(ascii: "\"") else { throw .malformed(line: line, reason: "expected '\"' before a label value") }
      index += 1
      let value = try escapedValue(input, &index, line: line)
      guard value.count <= limits.labelLength else { throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes in a label value") }
      try add(word, value, limits: limits, line: line)
      // Prometheus needs no comma between labels.
      index = skippingBlanks(input, index)
      if input[index] == UInt8(ascii: ",") { index = skippingBlanks(input, index + 1) }
    }
    text.append(UInt8(ascii: "}"))
    return index + 1
  }

  private mutating func add(_ name: [UInt8], _ value: [UInt8], limits: ExpositionLimits, line: Int) throws(ExpositionError) {
    guard !name.elementsEqual("__name__".utf8) else {
      throw .malformed(line: line, reason: "a label must not be named '__name__', which is the name of the metric")
    }
    guard !fields.contains(where: { bytes[$0.name].elementsEqual(name) }) else {
      throw .malformed(line: line, reason: "duplicate label \(name.withUnsafeBufferPointer { excerpt($0) })")
    }
    guard fields.count < limits.labels else { throw .tooLarge(line: line, limit: "\(limits.labels) labels in one series") }
    if !fields.isEmpty { text.append(UInt8(ascii: ",")) }
    text += quotedIfNeeded(name) + Array("=\"".utf8) + value + [UInt8(ascii: "\"")]
    let start = bytes.count
    bytes += name
    bytes += value
    fields.append(LabelBuilder.Field(name: start..<start + name.count, value: start + name.count..<bytes.count))
  }

  private func plainName(_ input: UnsafePointer<UInt8>, _ index: inout Int, line: Int) throws(ExpositionError) -> [UInt8] {
    let start = index
    guard input[start].isNameStart, input[start] != UInt8(ascii: ":") else { throw .malformed(line: line, reason: "expected a label name") }
    while input[index].isNamePart, input[index] != UInt8(ascii: ":") { index += 1 }
    guard input[index] != UInt8(ascii: ":") else { throw .malformed(line: line, reason: "a label name must not contain a colon") }
    return Array(UnsafeBufferPointer(start: input + start, count: index - start))
  }

  /// A value from after its opening quote to after its closing one. The backslash of an unknown escape sequence is escaped, because
  /// Prometheus keeps it.
  private func escapedValue(_ input: UnsafePointer<UInt8>, _ index: inout Int, line: Int) throws(ExpositionError) -> [UInt8] {
    var value: [UInt8] = []
    while input[index] != UInt8(ascii: "\"") {
      guard input[index] != UInt8(ascii: "\n") else { throw .malformed(line: line, reason: "unterminated label value") }
      if input[index] == UInt8(ascii: "\\") {
        switch input[index + 1] {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "n"): value.append(input[index])
        case UInt8(ascii: "\n"): throw .malformed(line: line, reason: "unterminated label value")
        default: value += [UInt8(ascii: "\\"), UInt8(ascii: "\\")]
        }
        index += 1
      }
      value.append(input[index])
      index += 1
    }
    index += 1
    guard value.withUnsafeBufferPointer({ isUTF8($0) }) else { throw .malformed(line: line, reason: "a label value is not valid UTF-8") }
    return value
  }
}

/// Parses a name in quotes, from its opening quote to after its closing one, and unescapes it.
func parsedQuotedName(_ input: UnsafePointer<UInt8>, _ index: inout Int, line: Int) throws(ExpositionError) -> [UInt8] {
  var name: [UInt8] = []
  index += 1
  while input[index] != UInt8(ascii: "\"") {
    guard input[index] != UInt8(ascii: "\n") else { throw .malformed(line: line, reason: "unterminated name in quotes") }
    if input[index] == UInt8(ascii: "\\") {
      switch input[index + 1] {
      case UInt8(ascii: "\\"), UInt8(ascii: "\""): index += 1
      case UInt8(ascii: "n"):
        name.append(UInt8(ascii: "\n"))
        index += 2
        continue
      case UInt8(ascii: "\n"): throw .malformed(line: line, reason: "unterminated name in quotes")
      default:
        // Prometheus keeps the backslash of an unknown escape sequence.
        name.append(input[index])
        index += 1
      }
    }
    name.append(input[index])
    index += 1
  }
  index += 1
  guard !name.isEmpty else { throw .malformed(line: line, reason: "an empty name in quotes") }
  guard name.withUnsafeBufferPointer({ isUTF8($0) }) else { throw .malformed(line: line, reason: "a name in quotes is not valid UTF-8") }
  return name
}
