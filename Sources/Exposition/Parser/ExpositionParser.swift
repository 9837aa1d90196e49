internal import Glibc

/// Reads a page in the text format that comes in chunks, and hands its families and samples to a consumer. As strict as `scanExposition`,
/// by the same grammar.
///
/// Nothing is copied but the page's different label sets and a line that two chunks share. After an error what the consumer has had is
/// half a page: it belongs in the bin.
package struct ExpositionParser: Sendable {
  private let limits: ExpositionLimits
  private let refusesDuplicates: Bool
  private var sets = LabelSetTable()
  private var reading = LabelSetParser()
  private var edit = LabelBuilder()
  private var seen = SeriesSet()
  /// The beginning of a line whose end has not come yet.
  private var partialLine: [UInt8] = []
  private var pageBytes = 0
  private var series = 0
  private var line = 0
  private var family = CurrentFamily()

  /// - Parameter refusesDuplicates: whether the same name with the same labels, after the rewriting and in whatever order, may come once only.
  package init(limits: ExpositionLimits = .standard, refusesDuplicates: Bool = false) {
    self.limits = limits
    self.refusesDuplicates = refusesDuplicates
  }

  /// Makes ready for the next page; memory is kept.
  package mutating func begin() {
    sets.removeAll()
    seen.removeAll()
    partialLine.removeAll(keepingCapacity: true)
    (pageBytes, series, line) = (0, 0, 0)
    family = CurrentFamily()
  }

  /// Takes the page's next bytes, cut wherever they are.
  package mutating func read(_ chunk: UnsafeRawBufferPointer, _ consumer: inout some ExpositionVisitor) throws(ExpositionError) {
    guard let base = chunk.baseAddress, !chunk.isEmpty else { return }
    pageBytes += chunk.count
    guard pageBytes <= limits.bytes else { throw .tooLarge(line: max(line, 1), limit: "\(limits.bytes) bytes") }
    let bytes = base.assumingMemoryBound(to: UInt8.self)

    var start = 0
    if !partialLine.isEmpty {
      guard let end = memchr(base, Int32(UInt8(ascii: "\n")), chunk.count) else {
        partialLine.append(contentsOf: chunk)
        return
      }
      start = UnsafeRawPointer(end) - base + 1
      partialLine.append(contentsOf: UnsafeRawBufferPointer(start: base, count: start))
      var whole: [UInt8] = []
      swap(&whole, &partialLine)
      try whole.withUnsafeBufferPointer { line throws(ExpositionError) in
        if let text = line.baseAddress { try readLines(text, line.count, &consumer) }
      }
      whole.removeAll(keepingCapacity: true)
      swap(&whole, &partialLine)
    }
    let end = placeBehindLast(UInt8(ascii: "\n"), in: bytes, start..<chunk.count)
    try readLines(bytes + start, end - start, &consumer)
    partialLine.append(contentsOf: UnsafeRawBufferPointer(start: base + end, count: chunk.count - end))
  }

  /// The page has ended.
  package mutating func finish() throws(ExpositionError) {
    guard partialLine.isEmpty else {
      throw .malformed(line: line + 1, reason: "the page ends without a line feed, as if it had been cut")
    }
  }

  // MARK: Lines

  /// Whole lines: the last byte is a line feed, at which every search ends.
  private mutating func readLines(_ text: UnsafePointer<UInt8>, _ count: Int, _ consumer: inout some ExpositionVisitor)
    throws(ExpositionError)
  {
    var place = 0
    while place < count {
      line += 1
      place = skippingBlanks(text, place)
      switch text[place] {
      case UInt8(ascii: "\n"): place += 1
      case UInt8(ascii: "#"): place = try readComment(text, place + 1, &consumer)
      default: place = try readSample(text, place, count, &consumer)
      }
    }
  }

  /// - Returns: the place behind the line feed.
  @inline(__always)
  private mutating func readSample(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ consumer: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    series += 1
    guard series <= limits.series else { throw .tooLarge(line: line, limit: "\(limits.series) series") }

    var place = start
    if let length = family.lengthOfSameName(at: text + start, room: count - start) {
      place += length
    } else {
      place = try readName(text, start, what: "metric name")
      family.enter(UnsafeRawBufferPointer(start: text + start, count: place - start), &consumer)
    }
    let name = UnsafeRawBufferPointer(start: text + start, count: place - start)

    let afterName = place
    place = skippingBlanks(text, place)
    let labels: Int
    if text[place] == UInt8(ascii: "{") {
      if let (index, length) = sets.expected(at: text + place, room: count - place, treatment: family.treatmentNumber) {
        labels = index
        place += length
      } else {
        (labels, place) = try readLabels(text, place, count, &consumer)
      }
      place = skippingBlanks(text, place)
    } else if place > afterName {
      labels = try bareSet(&consumer)
    } else {
      throw .malformed(
        line: line, reason: "a metric name may only have letters, digits, '_' and ':', and a blank or '{' follows it")
    }

    let value = place
    place = try readNumber(text, place)
    let valueBytes = UnsafeRawBufferPointer(start: text + value, count: place - value)
    place = skippingBlanks(text, place)
    var timestamp: Int64?
    if text[place] != UInt8(ascii: "\n"), text[place] != UInt8(ascii: "#") {
      timestamp = try readTimestamp(text, &place)
      place = skippingBlanks(text, place)
    }
    let end = try endOfLine(text, place)

    guard !family.isDropped else { return end }
    if refusesDuplicates {
      let hash = mixed(family.nameHash, sets.seriesHash(of: labels) &+ 1)
      guard seen.insert(hash) else {
        throw .malformed(
          line: line, reason: "the series \(shown(text, start..<afterName)) is there twice with the same labels")
      }
    }
    consumer.sample(name, labels: labels, value: valueBytes, timestamp: timestamp)
    return end
  }

  /// A set that was not the expected one.
  /// - Returns: its index, and the place behind its closing brace.
  private mutating func readLabels(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ consumer: inout some ExpositionVisitor
  ) throws(ExpositionError) -> (Int, Int) {
    let treatment = family.treatmentNumber
    // Where no value has a brace and no exemplar follows, the line's last closing brace is the set's.
    if let end = memchr(text + start, Int32(UInt8(ascii: "\n")), count - start),
      case let length = placeBehindLast(UInt8(ascii: "}"), in: text + start, 0..<UnsafeRawPointer(end) - UnsafeRawPointer(text + start)),
      length > 0
    {
      if let index = sets.find(UnsafeRawBufferPointer(start: text + start, count: length), treatment: treatment) {
        return (index, start + length)
      }
    }
    let end = try reading.read(text, from: start, limits: limits, line: line)
    let set = UnsafeRawBufferPointer(start: text + start, count: end - start)
    if let known = sets.find(set, treatment: treatment) { return (known, end) }
    return (try add(set, reading.fields, &consumer), end)
  }

  /// The set of a sample without braces, which is the same as one with nothing between them.
  private mutating func bareSet(_ consumer: inout some ExpositionVisitor) throws(ExpositionError) -> Int {
    try withUnsafeBytes(of: (UInt8(ascii: "{"), UInt8(ascii: "}"))) { set throws(ExpositionError) in
      if let known = sets.find(set, treatment: family.treatmentNumber) { return known }
      return try add(set, [], &consumer)
    }
  }

  private mutating func add(
    _ set: UnsafeRawBufferPointer, _ fields: [LabelBuilder.Field], _ consumer: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let treatment = family.treatmentNumber
    guard sets.byteCount + set.count <= limits.labelSetBytes else {
      throw .tooLarge(line: line, limit: "\(limits.labelSetBytes) bytes of different label sets")
    }
    edit.begin(set, fields: fields)
    if !family.isDropped { consumer.rewrite(&edit, index: sets.count, treatment: treatment) }
    return sets.add(set, treatment: treatment, seriesHash: refusesDuplicates ? edit.seriesHash : 0)
  }

  private func endOfLine(_ text: UnsafePointer<UInt8>, _ place: Int) throws(ExpositionError) -> Int {
    switch text[place] {
    case UInt8(ascii: "\n"): return place + 1
    // An exemplar of OpenMetrics, which nobody here reads.
    case UInt8(ascii: "#"): return try skipLine(text, place)
    default: throw .malformed(line: line, reason: "there is text behind the end of the line's content")
    }
  }

  // MARK: Comments

  private mutating func readComment(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ consumer: inout some ExpositionVisitor
  ) throws(ExpositionError) -> Int {
    let keyword = skippingBlanks(text, start)
    let afterKeyword = skippingToken(text, keyword)
    let isHelp = isWord(text, keyword..<afterKeyword, "HELP")
    guard isHelp || isWord(text, keyword..<afterKeyword, "TYPE") else { return try skipLine(text, keyword) }

    let nameStart = skippingBlanks(text, afterKeyword)
    let nameEnd = try readName(text, nameStart, what: isHelp ? "metric name after HELP" : "metric name after TYPE")
    let name = UnsafeRawBufferPointer(start: text + nameStart, count: nameEnd - nameStart)
    let contentStart = skippingBlanks(text, nameEnd)
    if isHelp {
      let end = try skipLine(text, contentStart)
      if family.announce(name, &consumer) {
        consumer.help(UnsafeRawBufferPointer(start: text + contentStart, count: end - 1 - contentStart), ofFamily: name)
      }
      return end
    }
    let contentEnd = skippingToken(text, contentStart)
    guard let type = MetricType(openMetrics: UnsafeRawBufferPointer(start: text + contentStart, count: contentEnd - contentStart)) else {
      throw .malformed(line: line, reason: "unknown metric type \(shown(text, contentStart..<contentEnd))")
    }
    let end = skippingBlanks(text, contentEnd)
    guard text[end] == UInt8(ascii: "\n") else {
      throw .malformed(line: line, reason: "there is text behind the end of the line's content")
    }
    if family.announce(name, &consumer) { consumer.type(type, ofFamily: name) }
    return end + 1
  }

  // MARK: Tokens

  /// The place behind the last such byte, which is mostly near the end; the beginning of the range where there is none.
  private func placeBehindLast(_ byte: UInt8, in text: UnsafePointer<UInt8>, _ range: Range<Int>) -> Int {
    var place = range.upperBound
    while place > range.lowerBound, text[place - 1] != byte { place -= 1 }
    return place
  }

  private func readName(_ text: UnsafePointer<UInt8>, _ start: Int, what: StaticString) throws(ExpositionError) -> Int {
    guard text[start].isNameStart else { throw .malformed(line: line, reason: "expected a \(what)") }
    var place = start
    while text[place].isNamePart { place += 1 }
    guard place - start <= limits.labelLength else {
      throw .tooLarge(line: line, limit: "\(limits.labelLength) bytes of a \(what)")
    }
    return place
  }

  /// - Returns: the place behind the number.
  @inline(__always)
  private func readNumber(_ text: UnsafePointer<UInt8>, _ start: Int) throws(ExpositionError) -> Int {
    var place = start
    if text[place] == UInt8(ascii: "-") { place += 1 }
    let digits = place
    while text[place].isDigit { place += 1 }
    var digitCount = place - digits
    if text[place] == UInt8(ascii: ".") {
      place += 1
      let fraction = place
      while text[place].isDigit { place += 1 }
      digitCount += place - fraction
    }
    // So many digits without an exponent are a finite number; everything else is judged at length.
    if digitCount > 0, digitCount < 100, isEndOfToken(text[place]) { return place }
    let end = skippingToken(text, start)
    guard parseNumber(UnsafeBufferPointer(start: text + start, count: end - start).span) != nil else {
      throw .malformed(line: line, reason: "the value is not a number: \(shown(text, start..<end))")
    }
    return end
  }

  @inline(__always)
  private func readTimestamp(_ text: UnsafePointer<UInt8>, _ place: inout Int) throws(ExpositionError) -> Int64 {
    let start = place
    var milliseconds: Int64 = 0
    while text[place].isDigit, place - start < 14 {
      milliseconds = milliseconds &* 10 &+ Int64(text[place] & 0x0f)
      place += 1
    }
    if place > start, isEndOfToken(text[place]) { return milliseconds }
    place = skippingToken(text, start)
    guard let parsed = parseTimestamp(UnsafeBufferPointer(start: text + start, count: place - start).span) else {
      throw .malformed(line: line, reason: "the timestamp is not one in milliseconds since 1970: \(shown(text, start..<place))")
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

  /// To behind the line feed; what is skipped has to be UTF-8 all the same.
  private func skipLine(_ text: UnsafePointer<UInt8>, _ start: Int) throws(ExpositionError) -> Int {
    var place = start
    var allBits: UInt8 = 0
    while text[place] != UInt8(ascii: "\n") {
      allBits |= text[place]
      place += 1
    }
    if allBits >= 0x80, !isUTF8(text, start..<place) { throw .malformed(line: line, reason: "the line is not UTF-8") }
    return place + 1
  }
}
