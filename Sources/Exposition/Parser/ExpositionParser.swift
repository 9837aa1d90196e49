internal import Glibc

/// Parses a body that arrives in chunks, in the text format or OpenMetrics, and passes its families and samples to a visitor.
///
/// It rejects what Prometheus rejects in a scrape, because one such line in the response for a virtual node would cost all its pods, and
/// accepts what Prometheus accepts, except for what docs/virtual-nodes.md lists. Quoted names are those of Prometheus 3.
///
/// It copies only the distinct label sets, uncommon ones and a line that spans two chunks. After an error the visitor has received a
/// partial body; discard it.
///
/// Grammar: https://prometheus.io/docs/instrumenting/exposition_formats/ as Prometheus's own parsers read it (model/textparse).
package struct ExpositionParser: Sendable {
  let limits: ExpositionLimits
  private let rejectsDuplicates: Bool
  private(set) var format = ExpositionFormat.text
  private var sets = LabelSetTable()
  private var setParser = LabelSetParser()
  private var uncommonSetParser = UncommonLabelSetParser()
  private var builder = LabelBuilder()
  private var seen = SeriesSet()
  /// The start of a line that continues in the next chunk.
  private var partialLine: [UInt8] = []
  private var bodyBytes = 0
  private var series = 0
  private(set) var line = 0
  var family = CurrentFamily()
  var openMetricsFamily = OpenMetricsFamily()
  /// Whether OpenMetrics' last line was parsed.
  var hasEnded = false

  /// - Parameter rejectsDuplicates: whether two samples with the same name and the same labels, after rewriting and in any order, are an
  ///   error.
  package init(limits: ExpositionLimits = .standard, rejectsDuplicates: Bool = false) {
    self.limits = limits
    self.rejectsDuplicates = rejectsDuplicates
  }

  /// Starts the next body. Keeps allocated memory.
  package mutating func begin(_ format: ExpositionFormat = .text) {
    self.format = format
    hasEnded = false
    sets.removeAll()
    seen.removeAll()
    partialLine.removeAll(keepingCapacity: true)
    (bodyBytes, series, line) = (0, 0, 0)
    family = CurrentFamily()
    openMetricsFamily = OpenMetricsFamily()
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
  package mutating func parse(
    whole body: [UInt8], _ format: ExpositionFormat = .text, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) {
    begin(format)
    try body.withUnsafeBufferPointer { bytes throws(ExpositionError) in try parse(UnsafeRawBufferPointer(bytes), &visitor) }
    try finish(&visitor)
  }

  /// Ends the body. Its last line needs no line feed: the HTTP client has detected a truncated body.
  package mutating func finish(_ visitor: inout some ExpositionVisitor) throws(ExpositionError) {
    if !partialLine.isEmpty {
      let isWhole = format == .text || partialLine.elementsEqual("# EOF".utf8)
      partialLine.append(UInt8(ascii: "\n"))
      try parsePartialLine(&visitor)
      guard isWhole else { throw malformed("the last line does not end with a line feed") }
    }
    guard format == .text || hasEnded else { throw malformed("the body does not end with '# EOF': it was probably truncated") }
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
      if format == .openMetrics {
        guard !hasEnded else { throw malformed("text after '# EOF'") }
        index = try parseOpenMetricsLine(text, index, count, &visitor)
        continue
      }
      let start = index
      index = skippingBlanks(text, index)
      switch text[index] {
      case UInt8(ascii: "\n"): index += 1
      case UInt8(ascii: "#"): index = try parseComment(text, index + 1, &visitor)
      // Prometheus takes the blank for a part of the name.
      case _ where index > start: throw malformed("a blank before the metric name")
      default: index = try parseSample(text, index, count, &visitor)
      }
    }
  }

  private mutating func parseOpenMetricsLine(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    if text[start] == UInt8(ascii: "#") { return try parseOpenMetricsComment(text, start, &visitor) }
    if text[start].isNameStart || text[start] == UInt8(ascii: "{"), let problem = OpenMetricsLine.problem(text, start) {
      throw malformed(problem)
    }
    return try parseSample(text, start, count, &visitor)
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
    } else if text[start] == UInt8(ascii: "{") {
      return try parseQuotedSample(text, start, count, &visitor)
    } else {
      index = try scanName(text, start, what: "metric name")
      let name = UnsafeRawBufferPointer(start: text + start, count: index - start)
      if format == .openMetrics { announceFamily(of: name, &visitor) }
      family.enter(name, &visitor)
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
    } else {
      // Prometheus needs no blank before a sign or a point.
      guard index > afterName || isNumberStart(text[index]) else {
        throw malformed("a metric name may only contain letters, digits, '_' and ':', and must be followed by a blank or '{'")
      }
      labels = try emptySet(&visitor)
    }
    return try parseEnd(text, index, of: name, labels: labels, &visitor)
  }

  /// Parses a sample whose name is between the braces: `{"queue.depth","tier.name"="hot"} 3`.
  private mutating func parseQuotedSample(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let index = try uncommonSetParser.parse(text, from: start, limits: limits, line: line)
    guard let name = uncommonSetParser.name else { throw malformed("expected a metric name before the braces or between them") }
    return try name.span.withUnsafeBytes { name throws(ExpositionError) in
      if format == .openMetrics { announceFamily(of: name, &visitor) }
      family.enter(name, isQuoted: true, &visitor)
      // The set is known by its form without the name, so that it is not mistaken for one that follows a name.
      let set = uncommonSetParser.text
      let labels = try set.span.withUnsafeBytes { set throws(ExpositionError) in
        if let known = sets.find(set, treatment: family.treatmentNumber) { return known }
        return try addUncommon(set, &visitor)
      }
      return try parseEnd(text, skippingBlanks(text, index), of: name, labels: labels, &visitor)
    }
  }

  /// Parses a sample from its value on.
  @inline(__always)
  private mutating func parseEnd(
    _ text: UnsafePointer<UInt8>, _ start: Int, of name: UnsafeRawBufferPointer, labels: Int, _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    var index = try scanNumber(text, start)
    let valueBytes = UnsafeRawBufferPointer(start: text + start, count: index - start)
    index = skippingBlanks(text, index)
    var timestamp: Int64?
    if text[index] != UInt8(ascii: "\n"), text[index] != UInt8(ascii: "#") {
      timestamp = try scanTimestamp(text, &index)
      index = skippingBlanks(text, index)
    }
    if text[index] != UInt8(ascii: "\n") {
      // `OpenMetricsLine` has checked the exemplar.
      guard format == .openMetrics, text[index] == UInt8(ascii: "#") else { throw malformed("unexpected text at the end of the line") }
      index = endOfLine(text, index)
    }

    guard !family.isDropped else { return index + 1 }
    if rejectsDuplicates {
      let hash = mixed(family.nameHash, sets.seriesHash(of: labels) &+ 1)
      guard seen.insert(hash) else {
        throw malformed("duplicate series \(String(decoding: name, as: UTF8.self)): another sample has the same labels")
      }
    }
    visitor.sample(name, labels: labels, value: valueBytes, timestamp: timestamp)
    return index + 1
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
    if let end = setParser.parse(text, from: start, limits: limits) {
      let set = UnsafeRawBufferPointer(start: text + start, count: end - start)
      if let known = sets.find(set, treatment: treatment) { return (known, end) }
      return (try add(set, block: set, setParser.fields, &visitor), end)
    }
    let end = try uncommonSetParser.parse(text, from: start, limits: limits, line: line)
    guard uncommonSetParser.name == nil else { throw malformed("two metric names in one sample") }
    let set = UnsafeRawBufferPointer(start: text + start, count: end - start)
    if let known = sets.find(set, treatment: treatment) { return (known, end) }
    return (try addUncommon(set, &visitor), end)
  }

  /// The set of a sample without braces, which equals the one of a sample with `{}`.
  private mutating func emptySet(_ visitor: inout some ExpositionVisitor) throws(ExpositionError) -> Int {
    try withUnsafeBytes(of: (UInt8(ascii: "{"), UInt8(ascii: "}"))) { set throws(ExpositionError) in
      if let known = sets.find(set, treatment: family.treatmentNumber) { return known }
      return try add(set, block: set, [], &visitor)
    }
  }

  /// Adds the set that `uncommonSetParser` has parsed.
  private mutating func addUncommon(_ set: UnsafeRawBufferPointer, _ visitor: inout some ExpositionVisitor) throws(ExpositionError) -> Int {
    let (bytes, fields) = (uncommonSetParser.bytes, uncommonSetParser.fields)
    return try bytes.span.withUnsafeBytes { block throws(ExpositionError) in try add(set, block: block, fields, &visitor) }
  }

  /// - Parameters:
  ///   - set: how the set is known in this body.
  ///   - block: the text that the fields refer to.
  private mutating func add(
    _ set: UnsafeRawBufferPointer, block: UnsafeRawBufferPointer, _ fields: [LabelBuilder.Field], _ visitor: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let treatment = family.treatmentNumber
    guard sets.byteCount + set.count <= limits.labelSetBytes else {
      throw .tooLarge(line: line, limit: "\(limits.labelSetBytes) bytes of distinct label sets")
    }
    builder.begin(block, fields: fields)
    if !family.isDropped { visitor.rewrite(&builder, index: sets.count, treatment: treatment) }
    return sets.add(set, treatment: treatment, seriesHash: rejectsDuplicates ? builder.seriesHash : 0)
  }

  // MARK: Tokens

  /// The index after the last such byte, or the start of the range if it has none. The byte is usually near the end.
  private func indexAfterLast(_ byte: UInt8, in text: UnsafePointer<UInt8>, _ range: Range<Int>) -> Int {
    var index = range.upperBound
    while index > range.lowerBound, text[index - 1] != byte { index -= 1 }
    return index
  }

  func scanName(_ text: UnsafePointer<UInt8>, _ start: Int, what: StaticString) throws(ExpositionError) -> Int {
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
    let token = UnsafeBufferPointer(start: text + start, count: end - start)
    guard parseNumber(token.span) != nil else { throw malformed("the value is not a number") }
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
    if index > start, isEndOfToken(text[index]), format == .text { return milliseconds }
    index = skippingToken(text, start)
    let token = UnsafeBufferPointer(start: text + start, count: index - start)
    guard let parsed = parseTimestamp(token.span, format) else {
      let unit = format == .text ? "whole milliseconds" : "seconds"
      throw malformed("the timestamp is not in \(unit) since 1970")
    }
    return parsed
  }

  private func isNumberStart(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
  }

  @inline(__always)
  private func isEndOfToken(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
  }

  func malformed(_ reason: String) -> ExpositionError { .malformed(line: line, reason: reason) }
}
