internal import Glibc

/// Parses a body in the text format 0.0.4 that arrives in chunks, and passes its families and samples to a visitor.
///
/// It rejects everything outside the format: bad names and numbers, unknown escapes, a label named twice, invalid UTF-8, text after the end
/// of a sample, a last line without its line feed. From OpenMetrics it tolerates `# EOF` and `# UNIT` lines, the types and exemplars.
///
/// It copies only the distinct label sets and a line that spans two chunks. After an error the visitor has received a partial body;
/// discard it.
///
/// Grammar: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format, with the blanks that Prometheus's own parser
/// tolerates.
package struct ExpositionParser: Sendable {
  private let limits: ExpositionLimits
  private let rejectsDuplicates: Bool
  private var sets = LabelSetTable()
  private var setParser = LabelSetParser()
  private var builder = LabelBuilder()
  private var seen = SeriesSet()
  /// The start of a line that continues in the next chunk.
  private var partialLine: [UInt8] = []
  private var bodyBytes = 0
  private var series = 0
  private var line = 0
  private var family = CurrentFamily()

  /// - Parameter rejectsDuplicates: whether two samples with the same name and the same labels, after rewriting and in any order, are an error.
  package init(limits: ExpositionLimits = .standard, rejectsDuplicates: Bool = false) {
    self.limits = limits
    self.rejectsDuplicates = rejectsDuplicates
  }

  /// Starts the next body. Keeps allocated memory.
  package mutating func begin() {
    sets.removeAll()
    seen.removeAll()
    partialLine.removeAll(keepingCapacity: true)
    (bodyBytes, series, line) = (0, 0, 0)
    family = CurrentFamily()
  }

  /// Parses the next bytes of the body. Chunks may end anywhere.
  package mutating func parse(_ chunk: UnsafeRawBufferPointer, _ visitor: inout some ExpositionVisitor) throws(ExpositionError) {
    guard let base = chunk.baseAddress, !chunk.isEmpty else { return }
    bodyBytes += chunk.count
    guard bodyBytes <= limits.bytes else { throw .tooLarge(line: max(line, 1), limit: "\(limits.bytes) bytes") }
    let bytes = base.assumingMemoryBound(to: UInt8.self)

    var start = 0
    if !partialLine.isEmpty {
      guard let end = memchr(base, Int32(UInt8(ascii: "\n")), chunk.count) else {
        partialLine.append(contentsOf: chunk)
        return
      }
      start = UnsafeRawPointer(end) - base + 1
      partialLine.append(contentsOf: UnsafeRawBufferPointer(start: base, count: start))
      try parsePartialLine(&visitor)
    }
    let end = indexAfterLast(UInt8(ascii: "\n"), in: bytes, start..<chunk.count)
    try parseLines(bytes + start, end - start, &visitor)
    partialLine.append(contentsOf: UnsafeRawBufferPointer(start: base + end, count: chunk.count - end))
  }

  /// Parses a whole body.
  package mutating func parse(whole body: [UInt8], _ visitor: inout some ExpositionVisitor) throws(ExpositionError) {
    begin()
    try body.withUnsafeBufferPointer { bytes throws(ExpositionError) in try parse(UnsafeRawBufferPointer(bytes), &visitor) }
    try finish()
  }

  /// Ends the body.
  /// - Throws: if its last line has no line feed.
  package mutating func finish() throws(ExpositionError) {
    guard !partialLine.isEmpty else { return }
    if line == 0 {
      // A body of one unterminated line is rarely an exposition: report what is wrong with the line, a login page for example.
      partialLine.append(UInt8(ascii: "\n"))
      family = CurrentFamily()
      var visitor = DroppingVisitor()
      try parsePartialLine(&visitor)
    } else {
      line += 1
    }
    throw .malformed(line: line, reason: "the body ends without a line feed: it was probably truncated")
  }

  private mutating func parsePartialLine(_ visitor: inout some ExpositionVisitor) throws(ExpositionError) {
    var whole: [UInt8] = []
    swap(&whole, &partialLine)
    try whole.withUnsafeBufferPointer { line throws(ExpositionError) in
      if let text = line.baseAddress { try parseLines(text, line.count, &visitor) }
    }
    whole.removeAll(keepingCapacity: true)
    swap(&whole, &partialLine)
  }

  // MARK: Lines

  /// Parses whole lines. The last byte is a line feed, which ends every scan.
  private mutating func parseLines(
    _ text: UnsafePointer<UInt8>, _ count: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) {
    var index = 0
    while index < count {
      line += 1
      index = skippingBlanks(text, index)
      switch text[index] {
      case UInt8(ascii: "\n"): index += 1
      case UInt8(ascii: "#"): index = try parseComment(text, index + 1, &visitor)
      default: index = try parseSample(text, index, count, &visitor)
      }
    }
  }

  /// - Returns: the index after the line feed.
  @inline(__always)
  private mutating func parseSample(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    series += 1
    guard series <= limits.series else { throw .tooLarge(line: line, limit: "\(limits.series) series") }

    var index = start
    if let length = family.lengthOfSameName(at: text + start, available: count - start) {
      index += length
    } else {
      index = try scanName(text, start, what: "metric name")
      family.enter(UnsafeRawBufferPointer(start: text + start, count: index - start), &visitor)
    }
    let name = UnsafeRawBufferPointer(start: text + start, count: index - start)

    let afterName = index
    index = skippingBlanks(text, index)
    let labels: Int
    if text[index] == UInt8(ascii: "{") {
      if let (set, length) = sets.expected(at: text + index, available: count - index, treatment: family.treatmentNumber) {
        labels = set
        index += length
      } else {
        (labels, index) = try parseLabels(text, index, count, &visitor)
      }
      index = skippingBlanks(text, index)
    } else if index > afterName {
      labels = try emptySet(&visitor)
    } else {
      throw malformed("a metric name may only contain letters, digits, '_' and ':', and must be followed by a blank or '{'")
    }

    let value = index
    index = try scanNumber(text, index)
    let valueBytes = UnsafeRawBufferPointer(start: text + value, count: index - value)
    index = skippingBlanks(text, index)
    var timestamp: Int64?
    if text[index] != UInt8(ascii: "\n"), text[index] != UInt8(ascii: "#") {
      timestamp = try scanTimestamp(text, &index)
      index = skippingBlanks(text, index)
    }
    let end = try endOfLine(text, index)

    guard !family.isDropped else { return end }
    if rejectsDuplicates {
      let hash = mixed(family.nameHash, sets.seriesHash(of: labels) &+ 1)
      guard seen.insert(hash) else {
        throw malformed("duplicate series \(String(decoding: name, as: UTF8.self)): another sample has the same labels")
      }
    }
    visitor.sample(name, labels: labels, value: valueBytes, timestamp: timestamp)
    return end
  }

  /// Finds or parses a label set other than the expected one.
  /// - Returns: its index in the table, and the index after its closing brace.
  private mutating func parseLabels(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> (Int, Int) {
    let treatment = family.treatmentNumber
    // Unless a value contains a brace or an exemplar follows, the line's last closing brace ends the set.
    if let end = memchr(text + start, Int32(UInt8(ascii: "\n")), count - start),
      case let length = indexAfterLast(UInt8(ascii: "}"), in: text + start, 0..<UnsafeRawPointer(end) - UnsafeRawPointer(text + start)),
      length > 0
    {
      if let index = sets.find(UnsafeRawBufferPointer(start: text + start, count: length), treatment: treatment) {
        return (index, start + length)
      }
    }
    let end = try setParser.parse(text, from: start, limits: limits, line: line)
    let set = UnsafeRawBufferPointer(start: text + start, count: end - start)
    if let known = sets.find(set, treatment: treatment) { return (known, end) }
    return (try add(set, setParser.fields, &visitor), end)
  }

  /// The set of a sample without braces, which equals that of a sample with `{}`.
  private mutating func emptySet(_ visitor: inout some ExpositionVisitor) throws(ExpositionError) -> Int {
    try withUnsafeBytes(of: (UInt8(ascii: "{"), UInt8(ascii: "}"))) { set throws(ExpositionError) in
      if let known = sets.find(set, treatment: family.treatmentNumber) { return known }
      return try add(set, [], &visitor)
    }
  }

  private mutating func add(
    _ set: UnsafeRawBufferPointer, _ fields: [LabelBuilder.Field], _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let treatment = family.treatmentNumber
    guard sets.byteCount + set.count <= limits.labelSetBytes else {
      throw .tooLarge(line: line, limit: "\(limits.labelSetBytes) bytes of distinct label sets")
    }
    builder.begin(set, fields: fields)
    if !family.isDropped { visitor.rewrite(&builder, index: sets.count, treatment: treatment) }
    return sets.add(set, treatment: treatment, seriesHash: rejectsDuplicates ? builder.seriesHash : 0)
  }

  private func endOfLine(_ text: UnsafePointer<UInt8>, _ index: Int) throws(ExpositionError) -> Int {
    switch text[index] {
    case UInt8(ascii: "\n"): return index + 1
    // Skips an OpenMetrics exemplar.
    case UInt8(ascii: "#"): return try skipLine(text, index)
    default: throw malformed("unexpected text at the end of the line")
    }
  }

  // MARK: Comments

  private mutating func parseComment(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let keyword = skippingBlanks(text, start)
    let afterKeyword = skippingToken(text, keyword)
    let isHelp = isWord(text, keyword..<afterKeyword, "HELP")
    guard isHelp || isWord(text, keyword..<afterKeyword, "TYPE") else { return try skipLine(text, keyword) }

    let nameStart = skippingBlanks(text, afterKeyword)
    let nameEnd = try scanName(text, nameStart, what: isHelp ? "metric name after HELP" : "metric name after TYPE")
    let name = UnsafeRawBufferPointer(start: text + nameStart, count: nameEnd - nameStart)
    let contentStart = skippingBlanks(text, nameEnd)
    if isHelp {
      let end = try skipLine(text, contentStart)
      if family.announce(name, &visitor) {
        visitor.help(UnsafeRawBufferPointer(start: text + contentStart, count: end - 1 - contentStart), ofFamily: name)
      }
      return end
    }
    let contentEnd = skippingToken(text, contentStart)
    guard let type = MetricType(openMetrics: UnsafeRawBufferPointer(start: text + contentStart, count: contentEnd - contentStart)) else {
      throw malformed("unknown metric type \(excerpt(text, contentStart..<contentEnd))")
    }
    let end = skippingBlanks(text, contentEnd)
    guard text[end] == UInt8(ascii: "\n") else { throw malformed("unexpected text at the end of the line") }
    if family.announce(name, &visitor) { visitor.type(type, ofFamily: name) }
    return end + 1
  }

  // MARK: Tokens

  /// The index after the last such byte, or the start of the range if it has none. The byte is usually near the end.
  private func indexAfterLast(_ byte: UInt8, in text: UnsafePointer<UInt8>, _ range: Range<Int>) -> Int {
    var index = range.upperBound
    while index > range.lowerBound, text[index - 1] != byte { index -= 1 }
    return index
  }

  private func scanName(_ text: UnsafePointer<UInt8>, _ start: Int, what: StaticString) throws(ExpositionError) -> Int {
    guard text[start].isNameStart else { throw malformed("expected a \(what)") }
    var index = start
    while text[index].isNamePart { index += 1 }
    guard index - start <= limits.labelLength else {
      throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes in a \(what)")
    }
    return index
  }

  /// - Returns: the index after the number.
  @inline(__always)
  private func scanNumber(_ text: UnsafePointer<UInt8>, _ start: Int) throws(ExpositionError) -> Int {
    var index = start
    if text[index] == UInt8(ascii: "-") { index += 1 }
    let digits = index
    while text[index].isDigit { index += 1 }
    var digitCount = index - digits
    if text[index] == UInt8(ascii: ".") {
      index += 1
      let fraction = index
      while text[index].isDigit { index += 1 }
      digitCount += index - fraction
    }
    // Fewer than 100 digits without an exponent are always a finite number. The slow path checks everything else.
    if digitCount > 0, digitCount < 100, isEndOfToken(text[index]) { return index }
    let end = skippingToken(text, start)
    guard parseNumber(UnsafeBufferPointer(start: text + start, count: end - start).span) != nil else {
      throw malformed("the value is not a number: \(excerpt(text, start..<end))")
    }
    return end
  }

  @inline(__always)
  private func scanTimestamp(_ text: UnsafePointer<UInt8>, _ index: inout Int) throws(ExpositionError) -> Int64 {
    let start = index
    var milliseconds: Int64 = 0
    while text[index].isDigit, index - start < 14 {
      milliseconds = milliseconds &* 10 &+ Int64(text[index] & 0x0f)
      index += 1
    }
    if index > start, isEndOfToken(text[index]) { return milliseconds }
    index = skippingToken(text, start)
    guard let parsed = parseTimestamp(UnsafeBufferPointer(start: text + start, count: index - start).span) else {
      throw malformed("the timestamp is not in milliseconds since 1970: \(excerpt(text, start..<index))")
    }
    return parsed
  }

  @inline(__always)
  private func isEndOfToken(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
  }

  private func isWord(_ text: UnsafePointer<UInt8>, _ range: Range<Int>, _ word: StaticString) -> Bool {
    range.count == word.utf8CodeUnitCount && memcmp(text + range.lowerBound, word.utf8Start, range.count) == 0
  }

  /// Skips the rest of the line, which must still be UTF-8.
  /// - Returns: the index after the line feed.
  private func skipLine(_ text: UnsafePointer<UInt8>, _ start: Int) throws(ExpositionError) -> Int {
    var index = start
    var allBits: UInt8 = 0
    while text[index] != UInt8(ascii: "\n") {
      allBits |= text[index]
      index += 1
    }
    if allBits >= 0x80, !isUTF8(text, start..<index) { throw malformed("the line is not valid UTF-8") }
    return index + 1
  }

  private func malformed(_ reason: String) -> ExpositionError { .malformed(line: line, reason: reason) }
}

/// Validates lines and drops all families.
private struct DroppingVisitor: ExpositionVisitor {
  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment { .drop }
  func rewrite(_ labels: inout LabelBuilder, index: Int, treatment: UInt8) {}
  func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer) {}
  func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {}
  func sample(_ name: UnsafeRawBufferPointer, labels: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) {}
}
