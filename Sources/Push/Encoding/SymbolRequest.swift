internal import Primitives
internal import Protobuf

/// Builds requests of remote write 2.0: `io.prometheus.write.v2.Request` messages, one `TimeSeries` with one `Sample` per series. Texts are
/// symbols, which a request has once.
///
/// Source: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
struct SymbolRequest: RemoteWriteRequest {
  /// The references of a set's labels, as varints in `references`: those that sort before `__name__`, and the others.
  private struct SetReferences {
    var start: Int
    var nameAt: Int
    var end: Int

    static let unknown = SetReferences(start: -1, nameAt: -1, end: -1)
    var count: Int { end - start }
  }

  /// The references of `__name__` and the name, and a `Metadata` message with its field number, which is empty for most names.
  private struct NameReferences {
    var start: Int
    var end: Int
    var metadataEnd: Int

    static let unknown = NameReferences(start: -1, end: -1, metadataEnd: -1)
    var count: Int { end - start }
    var metadataCount: Int { metadataEnd - end }
  }

  private var tally: RequestTally
  private var symbols = SymbolTable()
  /// The `TimeSeries` of the current request.
  private var bytes: [UInt8] = []

  /// The references that the current scrape has in the current request. Kept to reuse its storage.
  private var references: [UInt8] = []
  private var names: [NameReferences] = []
  private var sets: [SetReferences] = []

  init(limit: Int) { tally = RequestTally(limit: limit) }

  var samples: Int { tally.samples }

  mutating func append(_ scrape: PushedScrape, _ series: EncodedSeries, describing families: [PushedScrape.Family], timestamp: Int64) {
    var start = 0
    while start < series.series.count {
      beginReferences(names: series.names.count, sets: series.sets.count)
      let end = min(series.series.count, start + tally.room)
      series.bytes.withUnsafeBytes { source in
        for one in series.series[start..<end] { refer(to: one, of: series, source, scrape, families) }
      }
      let references = references
      references.withUnsafeBytes { references in
        for index in start..<end {
          let one = series.series[index]
          append(
            references, names[Int(one.name)], sets[Int(one.set)], value: scrape.samples[index].value, timestamp: timestamp)
        }
      }
      start = end
      cutIfFull()
    }
  }

  mutating func appendEnd(of source: UnsafeRawBufferPointer, name: Range<Int>, set: EncodedSeries.Part, timestamp: Int64) {
    beginReferences(names: 0, sets: 0)
    let labels = reference(labels: name, of: source)
    let name = NameReferences(start: labels.lowerBound, end: labels.upperBound, metadataEnd: labels.upperBound)
    let set = reference(set: set, of: source)
    let references = references
    references.withUnsafeBytes { append($0, name, set, value: staleMarker, timestamp: timestamp) }
    cutIfFull()
  }

  mutating func takeFull() -> [PushBlock] { tally.takeFull() }

  mutating func takeBlock() -> PushBlock? {
    guard samples > 0 else { return nil }
    let message = symbols.bytes + bytes
    symbols.removeAll()
    bytes.removeAll(keepingCapacity: true)
    return tally.end(SnappyBlock.compress(message.span))
  }

  private mutating func cutIfFull() {
    if tally.isFull, let block = takeBlock() { tally.keep(block) }
  }

  @inline(__always)
  private mutating func append(
    _ references: UnsafeRawBufferPointer, _ name: NameReferences, _ set: SetReferences, value: Double, timestamp: Int64
  ) {
    let time = UInt64(bitPattern: timestamp)
    // Sample: field 1 is the value as a double, field 2 the timestamp in milliseconds as a varint. A number that is 0 may be left out.
    let hasValue = value.bitPattern != 0
    let sampleSize = (hasValue ? 9 : 0) + 1 + varintSize(time)
    let count = set.count + name.count
    let size = 1 + varintSize(UInt64(count)) + count + 2 + sampleSize + name.metadataCount
    func part(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: references[start..<end]) }
    bytes.append(field: 5, length: size)
    bytes.append(field: 1, length: count)
    if set.nameAt > set.start { bytes.append(contentsOf: part(set.start, set.nameAt)) }
    bytes.append(contentsOf: part(name.start, name.end))
    bytes.append(contentsOf: part(set.nameAt, set.end))
    bytes.append(field: 2, length: sampleSize)
    if hasValue { bytes.append(field: 1, fixed64: value.bitPattern) }
    bytes.append(field: 2, varint: time)
    if name.metadataCount > 0 { bytes.append(contentsOf: part(name.end, name.metadataEnd)) }
    tally.add(timestamp: timestamp)
  }

  // MARK: References

  private mutating func beginReferences(names nameCount: Int, sets setCount: Int) {
    references.removeAll(keepingCapacity: true)
    names.removeAll(keepingCapacity: true)
    names.append(contentsOf: repeatElement(.unknown, count: nameCount))
    sets.removeAll(keepingCapacity: true)
    sets.append(contentsOf: repeatElement(.unknown, count: setCount))
  }

  /// Makes the references of the series unless an earlier series of the request has the same.
  @inline(__always)
  private mutating func refer(
    to one: EncodedSeries.Series, of series: EncodedSeries, _ source: UnsafeRawBufferPointer, _ scrape: PushedScrape,
    _ families: [PushedScrape.Family]
  ) {
    let (name, set) = (Int(one.name), Int(one.set))
    if names[name].start < 0 {
      let labels = reference(labels: series.names[name].bytes, of: source)
      if !families.isEmpty, let family = Self.family(of: scrape.names[name], families, in: scrape.text) {
        reference(family, scrape.text)
      }
      names[name] = NameReferences(start: labels.lowerBound, end: labels.upperBound, metadataEnd: references.count)
    }
    if sets[set].start < 0 { sets[set] = reference(set: series.sets[set], of: source) }
  }

  private mutating func reference(set: EncodedSeries.Part, of source: UnsafeRawBufferPointer) -> SetReferences {
    let before = reference(labels: set.bytes.lowerBound..<set.nameAt, of: source)
    let after = reference(labels: set.nameAt..<set.bytes.upperBound, of: source)
    return SetReferences(start: before.lowerBound, nameAt: before.upperBound, end: after.upperBound)
  }

  /// Makes the references of `Label` messages.
  private mutating func reference(labels: Range<Int>, of source: UnsafeRawBufferPointer) -> Range<Int> {
    let start = references.count
    var offset = labels.lowerBound
    func number() -> Int {
      var value = 0
      var shift = 0
      while source[offset] >= 0x80 {
        value |= Int(source[offset] & 0x7f) << shift
        shift += 7
        offset += 1
      }
      defer { offset += 1 }
      return value | Int(source[offset]) << shift
    }
    while offset < labels.upperBound {
      offset += 1  // the field of the label
      _ = number()
      for _ in 0..<2 {
        offset += 1  // the field of its name, or of its value
        let count = number()
        references.append(varint: UInt64(symbols.reference(to: UnsafeRawBufferPointer(rebasing: source[offset..<offset + count]))))
        offset += count
      }
    }
    return start..<references.count
  }

  private mutating func reference(_ family: PushedScrape.Family, _ text: [UInt8]) {
    let help = text.withUnsafeBytes { symbols.reference(to: UnsafeRawBufferPointer(rebasing: $0[family.help])) }
    var message: [UInt8] = []
    if family.type.rawValue != 0 { message.append(field: 1, varint: UInt64(family.type.rawValue)) }
    if help != 0 { message.append(field: 3, varint: UInt64(help)) }
    references.append(field: 5, message)
  }

  /// The family that a name belongs to.
  private static func family(of name: Range<Int>, _ families: [PushedScrape.Family], in text: [UInt8]) -> PushedScrape.Family? {
    let bytes = text[name]
    return families.first { family in
      bytes.starts(with: text[family.name])
        && (bytes.count == family.name.count
          || suffixes.contains { $0.elementsEqual(bytes.dropFirst(family.name.count)) })
    }
  }

  /// What the names of a family's series have after the name of the family.
  static let suffixes: [[UInt8]] = ["_bucket", "_count", "_sum", "_total", "_created"].map { Array($0.utf8) }
}

/// The symbols of one request: number 0 is the empty text, as the specification demands.
struct SymbolTable: Sendable {
  private struct Symbol {
    var hash: UInt64
    /// The text in `bytes`.
    var range: Range<Int>
  }

  /// The symbols, encoded as field 4 of the request.
  private(set) var bytes: [UInt8] = []
  /// By number.
  private var symbols: [Symbol] = []
  /// Open addressing with linear probing: the number of the symbol in each slot, 0 for an empty slot. The size is a power of two, at least
  /// twice the number of symbols.
  private var slots = [UInt32](repeating: 0, count: 1024)

  init() { append([], hash: 0) }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    symbols.removeAll(keepingCapacity: true)
    for slot in slots.indices { slots[slot] = 0 }
    append([], hash: 0)
  }

  /// The number of the text, which is added if it is new.
  mutating func reference(to text: UnsafeRawBufferPointer) -> UInt32 {
    guard !text.isEmpty else { return 0 }
    let hash = EncodedSeries.hash(text)
    var slot = firstSlot(hash)
    while slots[slot] != 0 {
      let known = symbols[Int(slots[slot])]
      if known.hash == hash, bytes.withUnsafeBytes({ isEqual(UnsafeRawBufferPointer(rebasing: $0[known.range]), text) }) {
        return slots[slot]
      }
      slot = nextSlot(slot)
    }
    let number = UInt32(symbols.count)
    slots[slot] = number
    append(text, hash: hash)
    if 2 * symbols.count > slots.count { grow() }
    return number
  }

  private func firstSlot(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (slots.count - 1) }

  private func nextSlot(_ slot: Int) -> Int { (slot + 1) & (slots.count - 1) }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: 2 * slots.count)
    for number in symbols.indices.dropFirst() {
      var slot = firstSlot(symbols[number].hash)
      while slots[slot] != 0 { slot = nextSlot(slot) }
      slots[slot] = UInt32(number)
    }
  }

  private mutating func append(_ text: some Collection<UInt8>, hash: UInt64) {
    bytes.append(field: 4, length: text.count)
    let start = bytes.count
    bytes.append(contentsOf: text)
    symbols.append(Symbol(hash: hash, range: start..<bytes.count))
  }
}
