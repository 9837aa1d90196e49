/// A remote-write request in the making: a `WriteRequest` message, one `TimeSeries` with one `Sample` for each series.
///
/// Source: https://github.com/prometheus/prometheus/blob/main/prompb/remote.proto
struct WriteRequest: Sendable {
  private(set) var samples = 0
  private let limit: Int
  private var bytes: [UInt8] = []
  private var newest: Int64 = .min
  private var full: [PushBlock] = []

  /// What a series that has ended is given as its last value: a NaN of its own, told by its bits (`StaleNaN` in prometheus/model/value).
  static let staleMarker = Double(bitPattern: 0x7ff0_0000_0000_0002)

  /// - Parameter limit: samples with which a request is full.
  init(limit: Int) {
    self.limit = max(limit, 1)
  }

  /// A page's samples, in the order of the series.
  mutating func append(_ series: EncodedSeries, values: [PushedPage.Sample], timestamp: Int64) {
    var place = 0
    while place < values.count {
      let end = min(values.count, place + limit - samples)
      series.bytes.withUnsafeBytes { source in
        for index in place..<end {
          let one = series.series[index]
          append(
            source, name: series.names[Int(one.name)].bytes, set: series.sets[Int(one.set)], value: values[index].value,
            timestamp: timestamp)
        }
      }
      place = end
      cutIfFull()
    }
  }

  /// A stale marker.
  mutating func appendEnd(of source: UnsafeRawBufferPointer, name: Range<Int>, set: EncodedSeries.Part, timestamp: Int64) {
    append(source, name: name, set: set, value: Self.staleMarker, timestamp: timestamp)
    cutIfFull()
  }

  /// The requests that became full since this was last called, as they are sent.
  mutating func takeFull() -> [PushBlock] {
    defer { full = [] }
    return full
  }

  /// The request as it is sent, and an empty one to go on with; `nil` where nothing is in it.
  mutating func takeBlock() -> PushBlock? {
    guard samples > 0 else { return nil }
    let block = PushBlock(bytes: SnappyBlock.compress(bytes.span), samples: samples, newest: newest)
    bytes.removeAll(keepingCapacity: true)
    samples = 0
    newest = .min
    return block
  }

  private mutating func cutIfFull() {
    if samples >= limit, let block = takeBlock() { full.append(block) }
  }

  @inline(__always)
  private mutating func append(
    _ source: UnsafeRawBufferPointer, name: Range<Int>, set: EncodedSeries.Part, value: Double, timestamp: Int64
  ) {
    let time = UInt64(bitPattern: timestamp)
    // Sample: field 1 a double in eight bytes, field 2 the varint of the milliseconds.
    let sampleSize = 1 + 8 + 1 + Protobuf.size(ofVarint: time)
    Protobuf.append(key: 1, length: set.bytes.count + name.count + 2 + sampleSize, to: &bytes)
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[set.bytes.lowerBound..<set.nameAt]))
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[name]))
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[set.nameAt..<set.bytes.upperBound]))
    Protobuf.append(key: 2, length: sampleSize, to: &bytes)
    bytes.append(1 << 3 | 1)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(2 << 3)
    Protobuf.append(varint: time, to: &bytes)
    samples += 1
    newest = max(newest, timestamp)
  }
}
