internal import Protobuf

/// Builds requests of remote write 1.0: `WriteRequest` messages, one `TimeSeries` with one `Sample` per series.
///
/// Source: https://github.com/prometheus/prometheus/blob/main/prompb/remote.proto
struct WriteRequest: RemoteWriteRequest {
  private var tally: RequestTally
  private var bytes: [UInt8] = []

  init(limit: Int) { tally = RequestTally(limit: limit) }

  var samples: Int { tally.samples }

  mutating func append(_ scrape: PushedScrape, _ series: EncodedSeries, describing families: [PushedScrape.Family], timestamp: Int64) {
    for family in families { append(type: family.type, name: scrape.text[family.name], help: scrape.text[family.help]) }
    let values = scrape.samples
    var start = 0
    while start < values.count {
      let end = min(values.count, start + tally.room)
      series.bytes.withUnsafeBytes { source in
        for index in start..<end {
          let one = series.series[index]
          append(
            source, name: series.names[Int(one.name)].bytes, set: series.sets[Int(one.set)], value: values[index].value,
            timestamp: timestamp)
        }
      }
      start = end
      cutIfFull()
    }
  }

  /// Appends a `MetricMetadata` message, which is sent with the next samples.
  private mutating func append(type: PushedScrape.MetricType, name: ArraySlice<UInt8>, help: ArraySlice<UInt8>) {
    bytes.append(metadataOfType: UInt64(type.rawValue), name: name, help: help)
  }

  mutating func appendEnd(of source: UnsafeRawBufferPointer, name: Range<Int>, set: EncodedSeries.Part, timestamp: Int64) {
    append(source, name: name, set: set, value: staleMarker, timestamp: timestamp)
    cutIfFull()
  }

  mutating func takeFull() -> [PushBlock] { tally.takeFull() }

  mutating func takeBlock() -> PushBlock? {
    guard samples > 0 else { return nil }
    defer { bytes.removeAll(keepingCapacity: true) }
    return tally.end(SnappyBlock.compress(bytes.span))
  }

  private mutating func cutIfFull() {
    if tally.isFull, let block = takeBlock() { tally.keep(block) }
  }

  @inline(__always)
  private mutating func append(
    _ source: UnsafeRawBufferPointer, name: Range<Int>, set: EncodedSeries.Part, value: Double, timestamp: Int64
  ) {
    let time = UInt64(bitPattern: timestamp)
    // Sample: field 1 is the value as a double, field 2 the timestamp in milliseconds as a varint.
    let sampleSize = 1 + 8 + 1 + varintSize(time)
    bytes.append(field: 1, length: set.bytes.count + name.count + 2 + sampleSize)
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[set.bytes.lowerBound..<set.nameAt]))
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[name]))
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[set.nameAt..<set.bytes.upperBound]))
    bytes.append(field: 2, length: sampleSize)
    bytes.append(field: 1, fixed64: value.bitPattern)
    bytes.append(field: 2, varint: time)
    tally.add(timestamp: timestamp)
  }
}

extension [UInt8] {
  /// A `Label` message, field 1 of `TimeSeries`.
  mutating func append(label name: some Collection<UInt8>, value: some Collection<UInt8>) {
    let nameSize = 1 + varintSize(UInt64(name.count)) + name.count
    let valueSize = 1 + varintSize(UInt64(value.count)) + value.count
    append(field: 1, length: nameSize + valueSize)
    append(field: 1, name)
    append(field: 2, value)
  }

  /// A `MetricMetadata` message, field 3 of `WriteRequest`.
  mutating func append(metadataOfType type: UInt64, name: some Collection<UInt8>, help: some Collection<UInt8>) {
    let nameSize = 1 + varintSize(UInt64(name.count)) + name.count
    let helpSize = 1 + varintSize(UInt64(help.count)) + help.count
    append(field: 3, length: 2 + nameSize + helpSize)
    append(field: 1, varint: type)
    append(field: 2, name)
    append(field: 4, help)
  }
}
