@testable import Exposition

/// A second, independent implementation of the text format's grammar: the oracle of the differential tests of `ExpositionParser`.
///
/// It scans a whole body one line at a time, without the parser's shortcuts for repeated names and label sets. It shares only the parsing
/// of numbers with the parser, which has tests of its own. Its errors have a line but no reason.
struct LineScanner {
  /// All samples of a body.
  static func samples(
    _ body: [UInt8], limits: ExpositionLimits = .standard, rejectsDuplicates: Bool = false
  ) throws(ExpositionError) -> [ScannedSample] {
    guard body.count <= limits.bytes else { throw .tooLarge(line: 1, limit: "") }
    var scanner = LineScanner(body: body, limits: limits)
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
      skipBlanks()
      switch peek {
      case UInt8(ascii: "\n"): index += 1
      case UInt8(ascii: "#"): try scanComment()
      default: return try scanSample()
      }
    }
    return nil
  }

  private mutating func scanSample() throws(ExpositionError) -> ScannedSample {
    var sample = ScannedSample(line: line, name: text(try scanName()))
    let afterName = index
    skipBlanks()
    if peek == UInt8(ascii: "{") {
      index += 1
      sample.labels = try scanLabels()
      skipBlanks()
    } else if index == afterName {
      throw malformed
    }

    let number = scanToken()
    guard let value = parseNumber(body[number].span) else { throw malformed }
    sample.value = value
    skipBlanks()
    if let next = peek, next != UInt8(ascii: "\n"), next != UInt8(ascii: "#") {
      guard let timestamp = parseTimestamp(body[scanToken()].span) else { throw malformed }
      sample.timestamp = timestamp
      skipBlanks()
    }
    // A '#' starts an OpenMetrics exemplar.
    if peek == UInt8(ascii: "#") { try skipLine() } else { try scanLineFeed() }
    return sample
  }

  private mutating func scanLabels() throws(ExpositionError) -> [ScannedSample.Label] {
    var labels: [ScannedSample.Label] = []
    while true {
      skipBlanks()
      if peek == UInt8(ascii: "}") {
        index += 1
        return labels
      }
      let name = text(try scanName())
      guard !name.contains(":") else { throw malformed }
      skipBlanks()
      try expect(UInt8(ascii: "="))
      skipBlanks()
      try expect(UInt8(ascii: "\""))
      let value = try scanLabelValue()
      guard !labels.contains(where: { $0.name == name }) else { throw malformed }
      guard labels.count < limits.labels else { throw .tooLarge(line: line, limit: "") }
      labels.append(ScannedSample.Label(name: name, escapedValue: text(value)))
      skipBlanks()
      switch peek {
      case UInt8(ascii: ","): index += 1
      case UInt8(ascii: "}"): continue
      default: throw malformed
      }
    }
  }

  /// Scans a value from after its opening quote to after its closing one.
  private mutating func scanLabelValue() throws(ExpositionError) -> Range<Int> {
    let start = index
    while let byte = peek, byte != UInt8(ascii: "\"") {
      if byte == UInt8(ascii: "\n") { throw malformed }
      index += 1
      guard byte == UInt8(ascii: "\\") else { continue }
      guard let escaped = peek, Array("\\\"n".utf8).contains(escaped) else { throw malformed }
      index += 1
    }
    let value = start..<index
    try expect(UInt8(ascii: "\""))
    guard value.count <= limits.labelLength else { throw .tooLarge(line: line, limit: "") }
    guard String(validating: body[value], as: UTF8.self) != nil else { throw malformed }
    return value
  }

  private mutating func scanComment() throws(ExpositionError) {
    index += 1
    skipBlanks()
    let start = index
    switch text(scanToken()) {
    case "HELP":
      skipBlanks()
      _ = try scanName()
    case "TYPE":
      skipBlanks()
      _ = try scanName()
      skipBlanks()
      guard Self.types.contains(text(scanToken())) else { throw malformed }
      skipBlanks()
      return try scanLineFeed()
    default:
      index = start
    }
    try skipLine()
  }

  /// The types of 0.0.4 and of OpenMetrics 1.0.
  private static let types: Set<String> = [
    "counter", "gauge", "histogram", "summary", "untyped", "unknown", "gaugehistogram", "stateset", "info",
  ]

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

  /// Skips the rest of the line, which must still be UTF-8.
  private mutating func skipLine() throws(ExpositionError) {
    let start = index
    while let byte = peek, byte != UInt8(ascii: "\n") { index += 1 }
    guard String(validating: body[start..<index], as: UTF8.self) != nil else { throw malformed }
    try scanLineFeed()
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
