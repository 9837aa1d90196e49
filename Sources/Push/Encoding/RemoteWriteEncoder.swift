internal import Protobuf

/// Encodes scrapes as remote-write requests. Series missing from an owner's next scrape end with stale markers.
struct RemoteWriteEncoder: RequestEncoder {
  private var request: WriteRequest
  private var histories: [String: SeriesHistory] = [:]
  /// The series of the current scrape. Kept to reuse its storage.
  private var series: EncodedSeries
  private var metadata = SentMetadata()

  init(_ settings: PushSettings) {
    request = WriteRequest(limit: settings.samplesPerRequest)
    series = EncodedSeries(extra: settings.labels)
  }

  var samples: Int { request.samples }
  var unstorable: UnstorableSamples { UnstorableSamples() }

  mutating func add(_ scrape: PushedScrape) -> [PushBlock] {
    var history = histories[scrape.owner] ?? SeriesHistory()
    let timestamp = history.timestamp(for: scrape.collectedAt)
    series.encode(scrape)
    for family in scrape.families where metadata.isDue(scrape.text, family, at: timestamp) {
      request.append(type: family.type, name: scrape.text[family.name], help: scrape.text[family.help])
    }
    request.append(series, values: scrape.samples, timestamp: timestamp)
    history.end(missingIn: series, at: timestamp, into: &request)
    history.update(series, at: timestamp)
    histories[scrape.owner] = history
    return request.takeFull()
  }

  mutating func end(_ owner: String, at unixMilliseconds: Int64) -> [PushBlock] {
    guard let history = histories.removeValue(forKey: owner) else { return [] }
    history.endAll(at: history.timestamp(for: unixMilliseconds), into: &request)
    return request.takeFull()
  }

  mutating func forgetOwners() { histories = [:] }

  mutating func takeBlock() -> PushBlock? { request.takeBlock() }
}

/// Which families have been described in the current minute. Prometheus sends metadata at the same interval, and receivers forget them.
private struct SentMetadata: Sendable {
  /// More names than an exporter has are not described.
  private static let limit = 10_000

  private var minute: Int64 = .min
  private var sent: Set<UInt64> = []

  mutating func isDue(_ text: [UInt8], _ family: PushedScrape.Family, at unixMilliseconds: Int64) -> Bool {
    let minute = unixMilliseconds / 60_000
    if minute != self.minute {
      self.minute = minute
      sent.removeAll(keepingCapacity: true)
    }
    guard sent.count < Self.limit else { return false }
    return sent.insert(EncodedSeries.hash(text, family.name)).inserted
  }
}

/// Builds remote-write requests: `WriteRequest` messages, one `TimeSeries` with one `Sample` per series.
///
/// Source: https://github.com/prometheus/prometheus/blob/main/prompb/remote.proto
struct WriteRequest: Sendable {
  private(set) var samples = 0
  private let limit: Int
  private var bytes: [UInt8] = []
  private var newest: Int64 = .min
  private var full: [PushBlock] = []

  /// The last value of a series that has ended: a NaN with special bits (`StaleNaN` in prometheus/model/value).
  static let staleMarker = Double(bitPattern: 0x7ff0_0000_0000_0002)

  /// - Parameter limit: samples per request.
  init(limit: Int) {
    self.limit = max(limit, 1)
  }

  /// Appends a scrape's samples, which are in the order of the series.
  mutating func append(_ series: EncodedSeries, values: [PushedScrape.Sample], timestamp: Int64) {
    var start = 0
    while start < values.count {
      let end = min(values.count, start + limit - samples)
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
  mutating func append(type: PushedScrape.MetricType, name: ArraySlice<UInt8>, help: ArraySlice<UInt8>) {
    let nameSize = 1 + varintSize(UInt64(name.count)) + name.count
    let helpSize = 1 + varintSize(UInt64(help.count)) + help.count
    bytes.append(field: 3, length: 2 + nameSize + helpSize)
    bytes.append(field: 1, varint: UInt64(type.rawValue))
    bytes.append(field: 2, length: name.count)
    bytes.append(contentsOf: name)
    bytes.append(field: 4, length: help.count)
    bytes.append(contentsOf: help)
  }

  /// Appends a stale marker.
  mutating func appendEnd(of source: UnsafeRawBufferPointer, name: Range<Int>, set: EncodedSeries.Part, timestamp: Int64) {
    append(source, name: name, set: set, value: Self.staleMarker, timestamp: timestamp)
    cutIfFull()
  }

  /// Removes and returns the full requests.
  mutating func takeFull() -> [PushBlock] {
    defer { full = [] }
    return full
  }

  /// Removes and returns the current request; `nil` if it is empty.
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
    // Sample: field 1 is the value as a double, field 2 the timestamp in milliseconds as a varint.
    let sampleSize = 1 + 8 + 1 + varintSize(time)
    bytes.append(field: 1, length: set.bytes.count + name.count + 2 + sampleSize)
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[set.bytes.lowerBound..<set.nameAt]))
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[name]))
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[set.nameAt..<set.bytes.upperBound]))
    bytes.append(field: 2, length: sampleSize)
    bytes.append(field: 1, fixed64: value.bitPattern)
    bytes.append(field: 2, varint: time)
    samples += 1
    newest = max(newest, timestamp)
  }
}
