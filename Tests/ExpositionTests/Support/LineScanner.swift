@testable import Exposition

/// A second, independent implementation of the text format's grammar, as Prometheus reads it: the oracle of the differential tests of
/// `ExpositionParser`.
///
/// It scans a whole body one line at a time, without the parser's shortcuts for repeated names and label sets. It shares only the parsing
/// of numbers with the parser, which has tests of its own. Its errors have a line but no reason.
struct LineScanner {
  /// All samples of a body.
  static func samples(
    _ body: [UInt8], limits: ExpositionLimits = .standard, rejectsDuplicates: Bool = false
  ) throws(ExpositionError) -> [ScannedSample] {
    guard body.count <= limits.bytes else { throw .tooLarge(line: 1, limit: "") }
    // The last line needs no line feed.
    let isTerminated = body.isEmpty || body.last == UInt8(ascii: "\n")
    var scanner = LineScanner(body: isTerminated ? body : body + [UInt8(ascii: "\n")], limits: limits)
    var samples: [ScannedSample] = []
    var seen: Set<ScannedSample.Series> = []
    while let sample = try scanner.next() {
      guard samples.count < limits.series else { throw .tooLarge(line: sample.line, limit: "") }
      if rejectsDuplicates, !seen.insert(sample.series).inserted { throw scanner.malformed }
      samples.append(sample)
    }
    return samples
  }

  private let body: [UInt8]
  private let limits: ExpositionLimits
  private var line = 0
  private var index = 0

  private init(body: [UInt8], limits: ExpositionLimits) {
    self.body = body
    self.limits = limits
  }

  /// The next sample, or `nil` at the end of the body.
  private mutating func next() throws(ExpositionError) -> ScannedSample? {
    while index < body.count {
      line += 1
      let start = index
      skipBlanks()
      switch peek {
      case UInt8(ascii: "\n"): index += 1
      case UInt8(ascii: "#"): try scanComment()
      case _ where index > start: throw malformed
      default: return try scanSample()
      }
    }
    return nil
  }

  private mutating func scanSample() throws(ExpositionError) -> ScannedSample {
    var sample = ScannedSample(line: line, name: "")
    var isSeparated = true
    if peek != UInt8(ascii: "{") {
      sample.name = text(try scanName())
      let afterName = index
      skipBlanks()
      isSeparated = index > afterName || peek.map { Array("{+-.".utf8).contains($0) } ?? false
    }
    if peek == UInt8(ascii: "{") {
      index += 1
      let inner = try scanLabels(into: &sample.labels)
      guard sample.name.isEmpty != (inner == nil) else { throw malformed }
      sample.name += inner ?? ""
      skipBlanks()
    } else if !isSeparated {
      throw malformed
    }

    guard let value = parseNumber(body[scanToken()].span) else { throw malformed }
    sample.value = value
    skipBlanks()
    if let next = peek, next != UInt8(ascii: "\n") {
      let token = scanToken()
      guard body[token].allSatisfy(\.isDigit), let timestamp = Int64(text(token)) else { throw malformed }
      sample.timestamp = timestamp
      skipBlanks()
    }
    try scanLineFeed()
    return sample
  }

  /// - Returns: the metric's name, if it is among the labels.
  private mutating func scanLabels(into labels: inout [ScannedSample.Label]) throws(ExpositionError) -> String? {
    var metric: String?
    while true {
      skipBlanks()
      if peek == UInt8(ascii: "}") {
        index += 1
        return metric
      }
      let isQuoted = peek == UInt8(ascii: "\"")
      let name = isQuoted ? try scanQuoted(escapesUnknown: false) : text(try scanName())
      guard !name.isEmpty, isQuoted || !name.contains(":") else { throw malformed }
      skipBlanks()
      if isQuoted, peek == UInt8(ascii: ",") || peek == UInt8(ascii: "}") {
        guard metric == nil else { throw malformed }
        metric = name
      } else {
        try expect(UInt8(ascii: "="))
        skipBlanks()
        guard peek == UInt8(ascii: "\"") else { throw malformed }
        let value = try scanQuoted(escapesUnknown: true)
        guard value.utf8.count <= limits.labelLength else { throw .tooLarge(line: line, limit: "") }
        guard name != "__name__", !labels.contains(where: { $0.name == name }) else { throw malformed }
        guard labels.count < limits.labels else { throw .tooLarge(line: line, limit: "") }
        labels.append(ScannedSample.Label(name: name, escapedValue: value))
        skipBlanks()
      }
      if peek == UInt8(ascii: ",") { index += 1 }
    }
  }

  /// Scans text in quotes.
  /// - Parameter escapesUnknown: whether the text stays escaped, and the backslash of an unknown escape sequence becomes two. Otherwise the
  ///   text is unescaped.
  private mutating func scanQuoted(escapesUnknown: Bool) throws(ExpositionError) -> String {
    var bytes: [UInt8] = []
    index += 1
    while let byte = peek, byte != UInt8(ascii: "\"") {
      if byte == UInt8(ascii: "\n") { throw malformed }
      index += 1
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      guard let escaped = peek, escaped != UInt8(ascii: "\n") else { throw malformed }
      index += 1
      let isKnown = Array("\\\"n".utf8).contains(escaped)
      if escapesUnknown {
        bytes += [byte] + (isKnown ? [] : [byte]) + [escaped]
      } else {
        bytes += isKnown ? [escaped == UInt8(ascii: "n") ? UInt8(ascii: "\n") : escaped] : [byte, escaped]
      }
    }
    try expect(UInt8(ascii: "\""))
    guard let text = String(validating: bytes, as: UTF8.self) else { throw malformed }
    return text
  }

  private mutating func scanComment() throws(ExpositionError) {
    index += 1
    let start = index
    skipBlanks()
    let isSeparated = index > start
    let keyword = text(scanToken())
    guard isSeparated, keyword == "HELP" || keyword == "TYPE", peek != nil, peek != UInt8(ascii: "\n") else { return skipLine() }
    skipBlanks()
    if peek == UInt8(ascii: "\"") {
      guard try !scanQuoted(escapesUnknown: false).isEmpty else { throw malformed }
    } else {
      _ = try scanName()
    }
    guard peek != 0 else { throw malformed }
    let rest = index
    skipLine()
    // One character separates the name from the rest.
    let line = body[rest..<index - 1].dropFirst()
    if keyword == "HELP" {
      guard String(validating: line, as: UTF8.self) != nil else { throw malformed }
    } else {
      guard ["counter", "gauge", "histogram", "summary", "untyped"].contains(String(decoding: line, as: UTF8.self)) else { throw malformed }
    }
  }

  // MARK: Tokens

  private var peek: UInt8? { index < body.count ? body[index] : nil }

  private func text(_ range: Range<Int>) -> String { String(decoding: body[range], as: UTF8.self) }

  private mutating func skipBlanks() {
    while peek == UInt8(ascii: " ") || peek == UInt8(ascii: "\t") { index += 1 }
  }

  private mutating func scanName() throws(ExpositionError) -> Range<Int> {
    let start = index
    while let byte = peek, byte.isNamePart { index += 1 }
    guard index > start, body[start].isNameStart else { throw malformed }
    guard index - start <= limits.labelLength else { throw .tooLarge(line: line, limit: "") }
    return start..<index
  }

  /// Scans up to the next blank or line feed.
  private mutating func scanToken() -> Range<Int> {
    let start = index
    while let byte = peek, !Array(" \t\n".utf8).contains(byte) { index += 1 }
    return start..<index
  }

  private mutating func expect(_ byte: UInt8) throws(ExpositionError) {
    guard peek == byte else { throw malformed }
    index += 1
  }

  private mutating func scanLineFeed() throws(ExpositionError) { try expect(UInt8(ascii: "\n")) }

  private mutating func skipLine() {
    while let byte = peek, byte != UInt8(ascii: "\n") { index += 1 }
    index += 1
  }

  private var malformed: ExpositionError { .malformed(line: line, reason: "") }
}

/// A sample from the `LineScanner`.
struct ScannedSample {
  struct Label: Hashable {
    var name: String
    var escapedValue: String
  }

  /// What identifies a series: an empty label counts as absent, and the order of labels does not matter.
  struct Series: Hashable {
    var name: String
    var labels: Set<Label>
  }

  /// Counts from 1.
  var line: Int
  var name: String
  var labels: [Label] = []
  var value = 0.0
  /// In milliseconds since 1970.
  var timestamp: Int64?

  var series: Series { Series(name: name, labels: Set(labels.filter { !$0.escapedValue.isEmpty })) }
}
