/// Which series one owner's last page had, so that those that are gone can be ended with a stale marker.
///
/// Held compressed, and made anew only when the set of series changes: at rest a page costs one comparison.
struct SeriesHistory: Sendable {
  private var digest: UInt64 = 0
  private var count = 0
  private var compressed: [UInt8] = []
  /// Of the newest sample. The next one is later, whatever the wall clock does meanwhile.
  private(set) var newest: Int64 = .min

  /// The time for samples that are collected now.
  func timestamp(for milliseconds: Int64) -> Int64 {
    newest == .min ? milliseconds : max(milliseconds, newest + 1)
  }

  /// Takes note of a page, after `end(missingIn:…)` was asked.
  mutating func follow(_ page: EncodedSeries, at timestamp: Int64) {
    newest = max(newest, timestamp)
    guard page.digest != digest || page.series.count != count else { return }
    digest = page.digest
    count = page.series.count
    compressed = SnappyBlock.compress(SeriesList(page).bytes.span)
  }

  /// Appends a stale marker for every series of the last page that this one lacks.
  func end(missingIn page: EncodedSeries, at timestamp: Int64, into request: inout WriteRequest) {
    guard count > 0, page.digest != digest || page.series.count != count else { return }
    var present = Set<UInt64>(minimumCapacity: page.series.count)
    for series in page.series { present.insert(page.hash(of: series)) }
    end(at: timestamp, into: &request) { !present.contains($0) }
  }

  /// Appends a stale marker for every series of the last page.
  func endAll(at timestamp: Int64, into request: inout WriteRequest) {
    end(at: timestamp, into: &request) { _ in true }
  }

  private func end(at timestamp: Int64, into request: inout WriteRequest, where isEnded: (_ hash: UInt64) -> Bool) {
    // Our own bytes: what was compressed here can be uncompressed here.
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

/// Names, label sets and series of a page one after the other, each with its length as a varint in front.
private struct SeriesList {
  private(set) var bytes: [UInt8] = []
  private var place = 0

  init(_ page: EncodedSeries) {
    bytes.reserveCapacity(page.bytes.count + 8 * (page.names.count + page.sets.count) + 4 * page.series.count)
    append(page.names, of: page.bytes)
    append(page.sets, of: page.bytes)
    for series in page.series {
      Protobuf.append(varint: UInt64(series.name), to: &bytes)
      Protobuf.append(varint: UInt64(series.set), to: &bytes)
    }
  }

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  private mutating func append(_ parts: [EncodedSeries.Part], of source: [UInt8]) {
    Protobuf.append(varint: UInt64(parts.count), to: &bytes)
    for part in parts {
      Protobuf.append(varint: UInt64(part.bytes.count), to: &bytes)
      Protobuf.append(varint: UInt64(part.nameAt - part.bytes.lowerBound), to: &bytes)
      bytes.append(contentsOf: source[part.bytes])
    }
  }

  mutating func readParts() -> (names: [EncodedSeries.Part], sets: [EncodedSeries.Part]) {
    func read() -> [EncodedSeries.Part] {
      (0..<readInteger()).map { _ in
        let length = readInteger()
        let nameAt = readInteger()
        defer { place += length }
        return EncodedSeries.Part(
          bytes: place..<place + length, nameAt: place + nameAt, hash: EncodedSeries.hash(bytes, place..<place + length))
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
    while bytes[place] >= 0x80 {
      value |= Int(bytes[place] & 0x7f) << shift
      shift += 7
      place += 1
    }
    defer { place += 1 }
    return value | Int(bytes[place]) << shift
  }
}
