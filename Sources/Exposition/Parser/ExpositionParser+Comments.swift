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
    return try parseFamily(text, name, isHelp ? .help : .type, &visitor)
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
    case isWord(text, start..<name, "# HELP "): return try parseFamily(text, name, .help, &visitor)
    case isWord(text, start..<name, "# TYPE "): return try parseFamily(text, name, .type, &visitor)
    case isWord(text, start..<name, "# UNIT "): return try parseFamily(text, name, .unit, &visitor)
    default: throw malformed("expected a HELP, TYPE, UNIT or EOF line")
    }
  }

  /// Parses a HELP, TYPE or UNIT line from the family's name on. A name is only copied if it is in quotes.
  private mutating func parseFamily(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ keyword: FamilyKeyword, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    guard text[start] == UInt8(ascii: "\"") else {
      let end = try scanName(text, start, what: keyword.name)
      guard format == .text || text[end] == UInt8(ascii: " ") else { throw malformed("expected a space after the metric name") }
      return try parse(keyword, of: UnsafeRawBufferPointer(start: text + start, count: end - start), text, end, &visitor)
    }
    var end = start
    let name = try parsedQuotedName(text, &end, line: line)
    guard name.count <= limits.labelLength else {
      throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes in a \(keyword.name)")
    }
    return try name.span.withUnsafeBytes { name throws(ExpositionError) in try parse(keyword, of: name, text, end, &visitor) }
  }

  /// - Parameter end: the index after the name.
  private mutating func parse(
    _ keyword: FamilyKeyword, of name: UnsafeRawBufferPointer, _ text: UnsafePointer<UInt8>, _ end: Int,
    _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let lineEnd = endOfLine(text, end)
    guard text[end] != 0 else { throw malformed("a NUL byte after the metric name") }
    // Exactly one character separates the name from what follows, whatever it is.
    let rest = UnsafeBufferPointer(start: text + min(end + 1, lineEnd), count: max(lineEnd - end - 1, 0))
    switch keyword {
    case .help:
      guard isUTF8(rest) else { throw malformed("the help text is not valid UTF-8") }
      let content = skippingBlanks(text, min(end + 1, lineEnd))
      let escaped = UnsafeRawBufferPointer(start: text + content, count: lineEnd - content)
      if format == .openMetrics {
        openMetricsFamily.rename(name)
        openMetricsFamily.help = Array(escaped)
      } else if family.announce(name, &visitor) {
        visitor.help(escaped, ofFamily: name)
      }
    case .type:
      guard let type = MetricType(UnsafeRawBufferPointer(rest), format) else { throw malformed("unknown metric type") }
      if format == .openMetrics {
        openMetricsFamily.rename(name)
        openMetricsFamily.type = type
      } else if family.announce(name, &visitor) {
        visitor.type(type, ofFamily: name)
      }
    case .unit:
      if !rest.isEmpty, !(name.suffix(rest.count).elementsEqual(rest) && name.dropLast(rest.count).last == UInt8(ascii: "_")) {
        throw malformed("the unit is not the end of the metric's name")
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

  private func isWord(_ text: UnsafePointer<UInt8>, _ range: Range<Int>, _ word: StaticString) -> Bool {
    range.count == word.utf8CodeUnitCount && memcmp(text + range.lowerBound, word.utf8Start, range.count) == 0
  }
}

private enum FamilyKeyword {
  case help, type, unit

  /// What the metric's name is called in errors.
  var name: StaticString {
    switch self {
    case .help: "metric name after HELP"
    case .type: "metric name after TYPE"
    case .unit: "metric name after UNIT"
    }
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
  mutating func rename(_ name: UnsafeRawBufferPointer) {
    if !self.name.withUnsafeBytes({ $0.isEqual(to: name) }) { self = OpenMetricsFamily(name: Array(name)) }
  }

  /// What the name of a sample of this family has after the family's name. `nil` for the sample of another family.
  func suffix(of sample: UnsafeRawBufferPointer) -> FamilySuffix? {
    guard !name.isEmpty, sample.starts(with: name) else { return nil }
    return FamilySuffix(UnsafeRawBufferPointer(rebasing: sample[name.count...]))
  }
}
