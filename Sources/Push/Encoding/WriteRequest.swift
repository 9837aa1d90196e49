/// A remote-write request in the making: a `WriteRequest` message, one `TimeSeries` with one `Sample` for each series.
///
/// Source: https://github.com/prometheus/prometheus/blob/main/prompb/remote.proto
struct WriteRequest: Sendable {
  private(set) var bytes: [UInt8] = []
  private(set) var samples = 0

  /// What a series that has ended is given as its last value: a NaN of its own, told by its bits (`StaleNaN` in prometheus/model/value).
  static let staleMarker = Double(bitPattern: 0x7ff0_0000_0000_0002)

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    samples = 0
  }

  /// - Parameter labels: `Label` messages with their keys, as `SeriesLabels` makes them.
  mutating func append(labels: borrowing Span<UInt8>, value: Double, timestamp: Int64) {
    let time = UInt64(bitPattern: timestamp)
    // Sample: field 1 a double in eight bytes, field 2 the varint of the milliseconds.
    let sampleSize = 1 + 8 + 1 + Protobuf.size(ofVarint: time)
    Protobuf.append(key: 1, length: labels.count + 2 + sampleSize, to: &bytes)
    labels.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    Protobuf.append(key: 2, length: sampleSize, to: &bytes)
    bytes.append(1 << 3 | 1)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(2 << 3)
    Protobuf.append(varint: time, to: &bytes)
    samples += 1
  }

  /// The request as it is sent, and an empty one to go on with.
  mutating func takeBlock() -> PushBlock {
    let block = PushBlock(bytes: SnappyBlock.compress(bytes.span), samples: samples)
    removeAll()
    return block
  }
}
