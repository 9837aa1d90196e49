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
  }

  private(set) var samples = 0
  private let limit: Int
  private var symbols = SymbolTable()
  /// The `TimeSeries` of the current request.
  private var bytes: [UInt8] = []
  private var newest: Int64 = .min
  private var full: [PushBlock] = []

  /// The references that the current scrape has in the current request. Kept to reuse its storage.
  private var references: [UInt8] = []
  /// By name: `__name__` and the name.
  private var names: [Range<Int>?] = []
  private var sets: [SetReferences?] = []
  /// By name: a `Metadata` message with its field number.
  private var metadata: [Range<Int>?] = []
  /// By name, the family to describe.
  private var described: [PushedScrape.Family?] = []

  init(limit: Int) {
    self.limit = max(limit, 1)
  }

  mutating func append(_ scrape: PushedScrape, _ series: EncodedSeries, describing families: [PushedScrape.Family], timestamp: Int64) {
    described.removeAll(keepingCapacity: true)
    for name in scrape.names { described.append(families.isEmpty ? nil : Self.family(of: name, families, in: scrape.text)) }
    var start = 0
    while start < series.series.count {
      beginReferences(names: series.names.count, sets: series.sets.count)
      let end = min(series.series.count, start + limit - samples)
      series.bytes.withUnsafeBytes { source in
        for index in start..<end {
          let one = series.series[index]
          refer(to: one, of: series, source, scrape.text)
          append(name: Int(one.name), set: Int(one.set), value: scrape.samples[index].value, timestamp: timestamp)
        }
      }
      start = end
      cutIfFull()
    }
  }

  mutating func appendEnd(of source: UnsafeRawBufferPointer, name: Range<Int>, set: EncodedSeries.Part, timestamp: Int64) {
    beginReferences(names: 1, sets: 1)
    names[0] = reference(labels: name, of: source)
    sets[0] = reference(set: set, of: source)
    append(name: 0, set: 0, value: staleMarker, timestamp: timestamp)
    cutIfFull()
  }

  mutating func takeFull() -> [PushBlock] {
    defer { full = [] }
    return full
  }

  mutating func takeBlock() -> PushBlock? {
    guard samples > 0 else { return nil }
    let message = symbols.bytes + bytes
    let block = PushBlock(bytes: SnappyBlock.compress(message.span), samples: samples, newest: newest)
    symbols.removeAll()
    bytes.removeAll(keepingCapacity: true)
    samples = 0
    newest = .min
    return block
  }

  private mutating func cutIfFull() {
    if samples >= limit, let block = takeBlock() { full.append(block) }
  }

  @inline(__always)
  private mutating func append(name: Int, set: Int, value: Double, timestamp: Int64) {
    guard let nameRange = names[name], let set = sets[set] else { return }
    let metadata = metadata[name]
    let time = UInt64(bitPattern: timestamp)
    // Sample: field 1 is the value as a double, field 2 the timestamp in milliseconds as a varint. A number that is 0 may be left out.
    let hasValue = value.bitPattern != 0
    let sampleSize = (hasValue ? 9 : 0) + 1 + varintSize(time)
    let count = set.end - set.start + nameRange.count
    let size = 1 + varintSize(UInt64(count)) + count + 1 + varintSize(UInt64(sampleSize)) + sampleSize
    bytes.append(field: 5, length: size + (metadata?.count ?? 0))
    bytes.append(field: 1, length: count)
    bytes.append(contentsOf: references[set.start..<set.nameAt])
    bytes.append(contentsOf: references[nameRange])
    bytes.append(contentsOf: references[set.nameAt..<set.end])
    bytes.append(field: 2, length: sampleSize)
    if hasValue { bytes.append(field: 1, fixed64: value.bitPattern) }
    bytes.append(field: 2, varint: time)
    if let metadata { bytes.append(contentsOf: references[metadata]) }
    samples += 1
    newest = max(newest, timestamp)
  }

  // MARK: References

  private mutating func beginReferences(names nameCount: Int, sets setCount: Int) {
    references.removeAll(keepingCapacity: true)
    names.removeAll(keepingCapacity: true)
    names.append(contentsOf: repeatElement(nil, count: nameCount))
    metadata.removeAll(keepingCapacity: true)
    metadata.append(contentsOf: repeatElement(nil, count: nameCount))
    sets.removeAll(keepingCapacity: true)
    sets.append(contentsOf: repeatElement(nil, count: setCount))
  }

  /// Makes the references of the series unless an earlier series of the request has the same.
  @inline(__always)
  private mutating func refer(
    to one: EncodedSeries.Series, of series: EncodedSeries, _ source: UnsafeRawBufferPointer, _ text: [UInt8]
  ) {
    let (name, set) = (Int(one.name), Int(one.set))
    if names[name] == nil {
      names[name] = reference(labels: series.names[name].bytes, of: source)
      if let family = described[name] { metadata[name] = reference(family, text) }
    }
    if sets[set] == nil { sets[set] = reference(set: series.sets[set], of: source) }
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

  private mutating func reference(_ family: PushedScrape.Family, _ text: [UInt8]) -> Range<Int> {
    let start = references.count
    let help = text.withUnsafeBytes { symbols.reference(to: UnsafeRawBufferPointer(rebasing: $0[family.help])) }
    var message: [UInt8] = []
    if family.type.rawValue != 0 { message.append(field: 1, varint: UInt64(family.type.rawValue)) }
    if help != 0 { message.append(field: 3, varint: UInt64(help)) }
    references.append(field: 5, message)
    return start..<references.count
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
  /// The symbols, encoded as field 4 of the request.
  private(set) var bytes: [UInt8] = []
  private var numbers: [UInt64: UInt32] = [:]
  /// By number, the range of the text in `bytes`.
  private var ranges: [Range<Int>] = []

  init() { append([]) }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
    ranges.removeAll(keepingCapacity: true)
    append([])
  }

  /// The number of the text, which is added if it is new.
  mutating func reference(to text: UnsafeRawBufferPointer) -> UInt32 {
    guard !text.isEmpty else { return 0 }
    let hash = EncodedSeries.hash(text)
    if let known = numbers[hash], bytes.withUnsafeBytes({ isEqual(UnsafeRawBufferPointer(rebasing: $0[ranges[Int(known)]]), text) }) {
      return known
    }
    // Of two texts with one hash, the later one is found from now on; both are in the request.
    numbers[hash] = UInt32(ranges.count)
    append(text)
    return UInt32(ranges.count - 1)
  }

  private mutating func append(_ text: some Collection<UInt8>) {
    bytes.append(field: 4, length: text.count)
    let start = bytes.count
    bytes.append(contentsOf: text)
    ranges.append(start..<bytes.count)
  }
}
