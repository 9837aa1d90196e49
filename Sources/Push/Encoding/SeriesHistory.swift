internal import Protobuf

/// The series of an owner's previous scrape, used to end those that disappear with stale markers.
///
/// Stored compressed, and replaced only when the set of series changes: an unchanged set costs one comparison per scrape.
struct SeriesHistory: Sendable {
  private var digest: UInt64 = 0
  private var count = 0
  private var compressed: [UInt8] = []
  /// The newest timestamp. The next one is later, even if the wall clock is set back.
  private(set) var newest: Int64 = .min

  /// The timestamp for samples collected at this time.
  func timestamp(for milliseconds: Int64) -> Int64 {
    newest == .min ? milliseconds : max(milliseconds, newest + 1)
  }

  /// Replaces the stored series. Called after `end(missingIn:…)`.
  mutating func update(_ scrape: EncodedSeries, at timestamp: Int64) {
    newest = max(newest, timestamp)
    guard scrape.digest != digest || scrape.series.count != count else { return }
    digest = scrape.digest
    count = scrape.series.count
    compressed = SnappyBlock.compress(SeriesList(scrape).bytes.span)
  }

  /// Appends a stale marker for every stored series that the new scrape lacks.
  func end(missingIn scrape: EncodedSeries, at timestamp: Int64, into request: inout some RemoteWriteRequest) {
    guard count > 0, scrape.digest != digest || scrape.series.count != count else { return }
    var present = Set<UInt64>(minimumCapacity: scrape.series.count)
    for series in scrape.series { present.insert(scrape.hash(of: series)) }
    end(at: timestamp, into: &request) { !present.contains($0) }
  }

  /// Appends a stale marker for every stored series.
  func endAll(at timestamp: Int64, into request: inout some RemoteWriteRequest) {
    end(at: timestamp, into: &request) { _ in true }
  }

  private func end(at timestamp: Int64, into request: inout some RemoteWriteRequest, where isEnded: (_ hash: UInt64) -> Bool) {
    // Cannot fail, since the bytes were compressed here.
    guard count > 0, let bytes = SnappyBlock.uncompress(compressed.span, limit: .max) else { return }
    var list = SeriesList(bytes: bytes)
    let (names, sets) = list.readParts()
    bytes.withUnsafeBytes { source in
      for _ in 0..<count {
        let (name, set) = list.readSeries()
        if isEnded(EncodedSeries.hash(name: names[name].hash, set: sets[set].hash)) {
          request.appendEnd(of: source, name: names[name].bytes, set: sets[set], timestamp: timestamp)
        }
      }
    }
  }
}

/// The names, label sets and series of a scrape in sequence, with lengths and numbers as varints.
private struct SeriesList {
  private(set) var bytes: [UInt8] = []
  private var offset = 0

  init(_ scrape: EncodedSeries) {
    bytes.reserveCapacity(scrape.bytes.count + 8 * (scrape.names.count + scrape.sets.count) + 4 * scrape.series.count)
    append(scrape.names, of: scrape.bytes)
    append(scrape.sets, of: scrape.bytes)
    for series in scrape.series {
      bytes.append(varint: UInt64(series.name))
      bytes.append(varint: UInt64(series.set))
    }
  }

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  private mutating func append(_ parts: [EncodedSeries.Part], of source: [UInt8]) {
    bytes.append(varint: UInt64(parts.count))
    for part in parts {
      bytes.append(varint: UInt64(part.bytes.count))
      bytes.append(varint: UInt64(part.nameAt - part.bytes.lowerBound))
      bytes.append(contentsOf: source[part.bytes])
    }
  }

  mutating func readParts() -> (names: [EncodedSeries.Part], sets: [EncodedSeries.Part]) {
    func read() -> [EncodedSeries.Part] {
      (0..<readInteger()).map { _ in
        let length = readInteger()
        let nameAt = readInteger()
        defer { offset += length }
        return EncodedSeries.Part(
          bytes: offset..<offset + length, nameAt: offset + nameAt, hash: EncodedSeries.hash(bytes, offset..<offset + length))
      }
    }
    let names = read()
    return (names, read())
  }

  mutating func readSeries() -> (name: Int, set: Int) {
    let name = readInteger()
    return (name, readInteger())
  }

  private mutating func readInteger() -> Int {
    var value = 0
    var shift = 0
    while bytes[offset] >= 0x80 {
      value |= Int(bytes[offset] & 0x7f) << shift
      shift += 7
      offset += 1
    }
    defer { offset += 1 }
    return value | Int(bytes[offset]) << shift
  }
}
