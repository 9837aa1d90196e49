internal import Glibc

extension ExpositionParser {
  /// Parses a comment of the text format. Everything but HELP and TYPE lines is ignored, whatever its bytes.
  /// - Parameter start: the index after the `#`.
  /// - Returns: the index after the line feed.
  mutating func parseComment(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let keyword = skippingBlanks(text, start)
    let afterKeyword = skippingToken(text, keyword)
    let isHelp = isWord(text, keyword..<afterKeyword, "HELP")
    guard keyword > start, text[afterKeyword] != UInt8(ascii: "\n"), isHelp || isWord(text, keyword..<afterKeyword, "TYPE") else {
      return endOfLine(text, keyword) + 1
    }
    let name = skippingBlanks(text, afterKeyword)
    return try isHelp ? parseHelp(text, name, &visitor) : parseType(text, name, &visitor)
  }

  /// Parses a comment of OpenMetrics: HELP, TYPE, UNIT or EOF, with single spaces.
  /// - Parameter start: the index of the `#`.
  /// - Returns: the index after the line feed.
  mutating func parseOpenMetricsComment(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let end = endOfLine(text, start)
    let name = start + "# HELP ".utf8.count
    if isWord(text, start..<end, "# EOF") {
      hasEnded = true
      return end + 1
    }
    guard end > name else { throw malformed("expected a HELP, TYPE, UNIT or EOF line") }
    switch true {
    case isWord(text, start..<name, "# HELP "): return try parseHelp(text, name, &visitor)
    case isWord(text, start..<name, "# TYPE "): return try parseType(text, name, &visitor)
    case isWord(text, start..<name, "# UNIT "):
      try checkUnit(text, name)
      return end + 1
    default: throw malformed("expected a HELP, TYPE, UNIT or EOF line")
    }
  }

  private mutating func parseHelp(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let (name, end) = try parseFamily(text, start, what: "metric name after HELP")
    let lineEnd = endOfLine(text, end)
    let help = UnsafeBufferPointer(start: text + min(end + 1, lineEnd), count: max(lineEnd - end - 1, 0))
    guard isUTF8(help) else { throw malformed("the help text is not valid UTF-8") }
    let content = skippingBlanks(text, end)
    let escaped = UnsafeRawBufferPointer(start: text + content, count: lineEnd - content)
    if format == .openMetrics {
      openMetricsFamily.rename(name)
      openMetricsFamily.help = Array(escaped)
    } else {
      name.withUnsafeBytes { name in
        if family.announce(name, &visitor) { visitor.help(escaped, ofFamily: name) }
      }
    }
    return lineEnd + 1
  }

  private mutating func parseType(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let (name, end) = try parseFamily(text, start, what: "metric name after TYPE")
    let lineEnd = endOfLine(text, end)
    // Exactly one character separates the name from the type.
    let word = UnsafeBufferPointer(start: text + min(end + 1, lineEnd), count: max(lineEnd - end - 1, 0))
    guard let type = MetricType(UnsafeRawBufferPointer(word), format) else { throw malformed("unknown metric type") }
    if format == .openMetrics {
      openMetricsFamily.rename(name)
      openMetricsFamily.type = type
    } else {
      name.withUnsafeBytes { name in
        if family.announce(name, &visitor) { visitor.type(type, ofFamily: name) }
      }
    }
    return lineEnd + 1
  }

  /// Announces the family of an OpenMetrics sample by its name in the text format. That of a counter is the name of its samples.
  mutating func announceFamily(of sample: UnsafeRawBufferPointer, _ visitor: inout some ExpositionVisitor) {
    guard let suffix = openMetricsFamily.suffix(of: sample) else { return }
    let isCounter = openMetricsFamily.type == .counter
    let isDescribed = openMetricsFamily.isDescribed || isCounter && suffix != .total && suffix != .none
    let name = isCounter ? Array(sample) : openMetricsFamily.name
    name.withUnsafeBytes { name in
      guard family.announce(name, &visitor), !isDescribed else { return }
      openMetricsFamily.isDescribed = true
      openMetricsFamily.help?.withUnsafeBytes { visitor.help($0, ofFamily: name) }
      if let type = openMetricsFamily.type { visitor.type(type, ofFamily: name) }
    }
  }

  /// The unit must be the last part of the family's name.
  private func checkUnit(_ text: UnsafePointer<UInt8>, _ start: Int) throws(ExpositionError) {
    let (name, end) = try parseFamily(text, start, what: "metric name after UNIT")
    let unit = UnsafeBufferPointer(start: text + end, count: endOfLine(text, end) - end)
    if unit.count > 1, !name.suffix(unit.count).elementsEqual([UInt8(ascii: "_")] + unit.dropFirst()) {
      throw malformed("the unit is not the end of the metric's name")
    }
  }

  /// The name in a HELP, TYPE or UNIT line, and the index after it.
  private func parseFamily(
    _ text: UnsafePointer<UInt8>, _ start: Int, what: StaticString
  ) throws(ExpositionError) -> (name: [UInt8], end: Int) {
    var end = start
    if text[start] == UInt8(ascii: "\"") {
      let name = try parsedQuotedName(text, &end, line: line)
      guard name.count <= limits.labelLength else { throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes in a \(what)") }
      return (name, end)
    }
    end = try scanName(text, start, what: what)
    guard format == .text || text[end] == UInt8(ascii: " ") else { throw malformed("expected a space after the metric name") }
    return (Array(UnsafeBufferPointer(start: text + start, count: end - start)), end)
  }

  private func isWord(_ text: UnsafePointer<UInt8>, _ range: Range<Int>, _ word: StaticString) -> Bool {
    range.count == word.utf8CodeUnitCount && memcmp(text + range.lowerBound, word.utf8Start, range.count) == 0
  }
}

/// What the HELP and TYPE lines of OpenMetrics say about the samples that follow.
struct OpenMetricsFamily: Sendable {
  var name: [UInt8] = []
  var help: [UInt8]?
  var type: MetricType?
  /// Whether the visitor knows.
  var isDescribed = false

  /// Starts another family if the name differs.
  mutating func rename(_ name: [UInt8]) {
    if name != self.name { self = OpenMetricsFamily(name: name) }
  }

  /// What the name of a sample of this family has after the family's name. `nil` for the sample of another family.
  func suffix(of sample: UnsafeRawBufferPointer) -> FamilySuffix? {
    guard !name.isEmpty, sample.starts(with: name) else { return nil }
    return FamilySuffix(UnsafeRawBufferPointer(rebasing: sample[name.count...]))
  }
}
