/// Encodes scrapes as remote-write requests of one version. Series missing from an owner's next scrape end with stale markers.
struct RemoteWriteEncoder<Request: RemoteWriteRequest>: RequestEncoder {
  private var request: Request
  private var histories: [String: SeriesHistory] = [:]
  /// The series of the current scrape. Kept to reuse its storage.
  private var series: EncodedSeries
  private var metadata = SentMetadata()

  init(_ settings: PushSettings) {
    request = Request(limit: settings.samplesPerRequest)
    series = EncodedSeries(extra: settings.labels)
  }

  var samples: Int { request.samples }
  var unstorable: UnstorableSamples { UnstorableSamples() }

  mutating func add(_ scrape: PushedScrape) -> [PushBlock] {
    var history = histories[scrape.owner] ?? SeriesHistory()
    let timestamp = history.timestamp(for: scrape.collectedAt)
    series.encode(scrape)
    let families = scrape.families.filter { metadata.isDue(scrape.text, $0, at: timestamp) }
    request.append(scrape, series, describing: families, timestamp: timestamp)
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

/// Builds the requests of one version of remote write.
protocol RemoteWriteRequest: Sendable {
  /// - Parameter limit: samples per request.
  init(limit: Int)

  /// Samples in the current request.
  var samples: Int { get }

  /// Appends a scrape's samples, which are in the order of the series.
  /// - Parameter families: those whose type and help are sent as well.
  mutating func append(_ scrape: PushedScrape, _ series: EncodedSeries, describing families: [PushedScrape.Family], timestamp: Int64)

  /// Appends a stale marker. `name` and `set` are ranges of `source`, encoded as in `EncodedSeries`.
  mutating func appendEnd(of source: UnsafeRawBufferPointer, name: Range<Int>, set: EncodedSeries.Part, timestamp: Int64)

  /// Removes and returns the full requests.
  mutating func takeFull() -> [PushBlock]

  /// Removes and returns the current request; `nil` if it is empty.
  mutating func takeBlock() -> PushBlock?
}

/// The last value of a series that has ended: a NaN with special bits (`StaleNaN` in prometheus/model/value).
let staleMarker = Double(bitPattern: 0x7ff0_0000_0000_0002)
