/// Walks over a page line by line and leaves each sample in `sample`, whose storage is used again for the next one.
///
/// Grammar: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format, with the blanks that Prometheus's own parser
/// tolerates.
struct LineScanner {
  let limits: ExpositionLimits
  private(set) var line = 0
  private(set) var sample = ScannedSample()
  private var position = 0

  init(limits: ExpositionLimits) {
    self.limits = limits
  }

  /// Moves to the next sample; false at the end of the page.
  mutating func nextSample(in page: Span<UInt8>) throws(ExpositionError) -> Bool {
    while position < page.count {
      line += 1
      skipBlanks(in: page)
      switch peek(in: page) {
      case UInt8(ascii: "\n"):
        position += 1
      case UInt8(ascii: "#"):
        try scanComment(in: page)
      default:
        try scanSample(in: page)
        return true
      }
    }
    return false
  }

  // MARK: Samples

  private mutating func scanSample(in page: Span<UInt8>) throws(ExpositionError) {
    sample.line = line
    sample.labels.removeAll(keepingCapacity: true)
    sample.timestampMilliseconds = nil

    sample.name = try scanName(in: page, what: "metric name")
    let afterName = position
    skipBlanks(in: page)
    if peek(in: page) == UInt8(ascii: "{") {
      position += 1
      try scanLabels(in: page)
      skipBlanks(in: page)
    } else if position == afterName {
      throw malformed("a metric name may only have letters, digits, '_' and ':', and a blank or '{' follows it")
    }

    let number = scanToken(in: page)
    guard let value = parseNumber(page.extracting(number)) else {
      throw malformed("the value is not a number: \(excerpt(number, in: page))")
    }
    sample.value = value

    skipBlanks(in: page)
    if let next = peek(in: page), next != UInt8(ascii: "\n"), next != UInt8(ascii: "#") {
      let timestamp = scanToken(in: page)
      guard let milliseconds = parseTimestamp(page.extracting(timestamp)) else {
        throw malformed("the timestamp is not one in milliseconds since 1970: \(excerpt(timestamp, in: page))")
      }
      sample.timestampMilliseconds = milliseconds
      skipBlanks(in: page)
    }
    if peek(in: page) == UInt8(ascii: "#") {
      // An exemplar of OpenMetrics. Nobody here reads exemplars.
      try skipLine(in: page)
    } else {
      try scanLineFeed(in: page)
    }
  }

  private mutating func scanLabels(in page: Span<UInt8>) throws(ExpositionError) {
    while true {
      skipBlanks(in: page)
      if peek(in: page) == UInt8(ascii: "}") {
        position += 1
        return
      }
      let name = try scanName(in: page, what: "label name")
      if page.extracting(name).contains(UInt8(ascii: ":")) {
        throw malformed("a label name may not have a colon: \(excerpt(name, in: page))")
      }
      skipBlanks(in: page)
      try expect(UInt8(ascii: "="), "'=' after a label name", in: page)
      skipBlanks(in: page)
      try expect(UInt8(ascii: "\""), "'\"' before a label value", in: page)
      let label = try scanLabelValue(of: name, in: page)
      if sample.labels.contains(where: { page.extracting($0.name).isEqual(to: page.extracting(name)) }) {
        throw malformed("the label \(excerpt(name, in: page)) is there twice")
      }
      guard sample.labels.count < limits.labels else {
        throw .tooLarge(line: line, limit: "\(limits.labels) labels of one series")
      }
      sample.labels.append(label)
      skipBlanks(in: page)
      switch peek(in: page) {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "}"): continue
      default: throw malformed("expected ',' or '}' after a label")
      }
    }
  }

  /// The value of a label, from behind its opening quote to behind its closing one.
  private mutating func scanLabelValue(of name: Range<Int>, in page: Span<UInt8>) throws(ExpositionError) -> ScannedLabel {
    let start = position
    var isEscaped = false
    var allBits: UInt8 = 0
    scan: while true {
      guard position < page.count else { throw malformed("the page ends within a label value") }
      let byte = page[position]
      switch byte {
      case UInt8(ascii: "\""):
        break scan
      case UInt8(ascii: "\n"):
        throw malformed("the line ends within a label value")
      case UInt8(ascii: "\\"):
        isEscaped = true
        position += 1
        switch peek(in: page) {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "n"): position += 1
        default: throw malformed("an escape in a label value is neither \\\\ nor \\\" nor \\n")
        }
      default:
        allBits |= byte
        position += 1
      }
    }
    let value = start..<position
    position += 1
    guard value.count <= limits.labelLength else {
      throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes of a label value")
    }
    if allBits >= 0x80, !page.extracting(value).isValidUTF8 {
      throw malformed("the value of the label \(excerpt(name, in: page)) is not UTF-8")
    }
    return ScannedLabel(name: name, value: value, isEscaped: isEscaped)
  }

  // MARK: Comments

  private mutating func scanComment(in page: Span<UInt8>) throws(ExpositionError) {
    position += 1
    skipBlanks(in: page)
    let start = position
    let keyword = page.extracting(scanToken(in: page))
    if keyword.isEqual(to: "HELP") {
      skipBlanks(in: page)
      _ = try scanName(in: page, what: "metric name after HELP")
    } else if keyword.isEqual(to: "TYPE") {
      skipBlanks(in: page)
      _ = try scanName(in: page, what: "metric name after TYPE")
      skipBlanks(in: page)
      let type = scanToken(in: page)
      guard Self.types.contains(page.extracting(type).text) else {
        throw malformed("unknown metric type \(excerpt(type, in: page))")
      }
      skipBlanks(in: page)
      return try scanLineFeed(in: page)
    } else {
      position = start
    }
    try skipLine(in: page)
  }

  /// Those of 0.0.4 and of OpenMetrics 1.0.
  private static let types: Set<String> = [
    "counter", "gauge", "histogram", "summary", "untyped", "unknown", "gaugehistogram", "stateset", "info",
  ]

  // MARK: Tokens

  private func peek(in page: Span<UInt8>) -> UInt8? {
    position < page.count ? page[position] : nil
  }

  private mutating func skipBlanks(in page: Span<UInt8>) {
    while position < page.count, page[position] == UInt8(ascii: " ") || page[position] == UInt8(ascii: "\t") {
      position += 1
    }
  }

  private mutating func scanName(in page: Span<UInt8>, what: StaticString) throws(ExpositionError) -> Range<Int> {
    let start = position
    guard let first = peek(in: page), first.isNameStart else {
      throw malformed("expected a \(what)")
    }
    while position < page.count, page[position].isNamePart {
      position += 1
    }
    guard position - start <= limits.labelLength else {
      throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes of a \(what)")
    }
    return start..<position
  }

  /// Everything up to the next blank or line feed.
  private mutating func scanToken(in page: Span<UInt8>) -> Range<Int> {
    let start = position
    while position < page.count {
      let byte = page[position]
      if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n") { break }
      position += 1
    }
    return start..<position
  }

  private mutating func expect(_ byte: UInt8, _ what: StaticString, in page: Span<UInt8>) throws(ExpositionError) {
    guard peek(in: page) == byte else { throw malformed("expected \(what)") }
    position += 1
  }

  private mutating func scanLineFeed(in page: Span<UInt8>) throws(ExpositionError) {
    guard position < page.count else { throw malformed("the page ends without a line feed, as if it had been cut") }
    guard page[position] == UInt8(ascii: "\n") else { throw malformed("there is text behind the end of the line's content") }
    position += 1
  }

  /// To behind the next line feed; what is skipped has to be UTF-8 all the same.
  private mutating func skipLine(in page: Span<UInt8>) throws(ExpositionError) {
    let start = position
    var allBits: UInt8 = 0
    while position < page.count, page[position] != UInt8(ascii: "\n") {
      allBits |= page[position]
      position += 1
    }
    if allBits >= 0x80, !page.extracting(start..<position).isValidUTF8 {
      throw malformed("the line is not UTF-8")
    }
    try scanLineFeed(in: page)
  }

  private func malformed(_ reason: String) -> ExpositionError {
    .malformed(line: line, reason: reason)
  }

  /// A few bytes of the page for a message, with control characters made harmless.
  private func excerpt(_ range: Range<Int>, in page: Span<UInt8>) -> String {
    let shown = page.extracting(range.prefix(40)).text.map { $0.isASCII && ($0.asciiValue ?? 0) < 0x20 ? "?" : $0 }
    return "'" + String(shown) + (range.count > 40 ? "…'" : "'")
  }
}

extension Span<UInt8> {
  func contains(_ byte: UInt8) -> Bool {
    for index in indices where self[index] == byte {
      return true
    }
    return false
  }
}
