internal import JSON

/// Encodes scrapes as arrays of Open-Falcon items.
struct FalconEncoder: RequestEncoder {
  private let labels: [String: String]
  private let step: Int64
  private var items: FalconItems

  init(_ settings: PushSettings, step: Duration) {
    labels = settings.labels
    self.step = max(step.components.seconds, 1)
    items = FalconItems(limit: settings.samplesPerRequest)
  }

  var samples: Int { items.samples }

  mutating func add(_ scrape: PushedScrape) -> [PushBlock] {
    let metrics = scrape.names.map { name in
      let name = scrape.string(name)
      return FalconItems.Metric(name, isCounter: Self.isCounter(name))
    }
    let sets = scrape.setStarts.indices.map { set in
      var tags = labels
      for label in scrape.labels(ofSet: set) { tags[scrape.string(label.name)] = scrape.string(label.value) }
      let endpoint = tags.removeValue(forKey: "node") ?? scrape.endpoint
      return FalconItems.Origin(endpoint: endpoint, tags: tags.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
    for sample in scrape.samples {
      items.append(
        metrics[Int(sample.name)], of: sets[Int(sample.labelSet)], value: sample.value, unixMilliseconds: scrape.collectedAt, step: step)
    }
    return items.takeFull()
  }

  /// Open-Falcon has no stale markers: a series ends when its samples stop.
  mutating func end(_ owner: String, at unixMilliseconds: Int64) -> [PushBlock] { [] }

  mutating func forgetOwners() {}

  mutating func takeBlock() -> PushBlock? { items.takeBlock() }

  /// Guesses from the name. cAdvisor's socket series end in `_total` although they are gauges (google/cadvisor, metrics/prometheus.go).
  private static func isCounter(_ metric: String) -> Bool {
    guard metric.hasSuffix("_total") || metric.hasSuffix("_bucket") || metric.hasSuffix("_count") || metric.hasSuffix("_sum") else {
      return false
    }
    return !(metric.hasPrefix("container_network_tcp") || metric.hasPrefix("container_network_udp"))
  }
}

/// Builds Open-Falcon requests: JSON arrays with one item per sample.
///
/// Source: the data model of open-falcon/book, `{endpoint, metric, timestamp, step, value, counterType, tags}`, POST /v1/push.
struct FalconItems: Sendable {
  /// The part that all items of a metric share.
  struct Metric: Sendable {
    fileprivate let name: [UInt8]
    fileprivate let counterType: StaticString

    init(_ name: String, isCounter: Bool) {
      self.name = JSONValue.string(name).bytes
      counterType = isCounter ? "COUNTER" : "GAUGE"
    }
  }

  /// The part that all items of a label set share.
  struct Origin: Sendable {
    fileprivate let endpoint: [UInt8]
    fileprivate let tags: [UInt8]

    /// - Parameters:
    ///   - endpoint: Open-Falcon's first key, the host or object that the values describe.
    ///   - tags: sorted by name. Commas, equals signs and whitespace in values, which tags cannot contain, become underscores.
    init(endpoint: String, tags: [(name: String, value: String)]) {
      self.endpoint = JSONValue.string(endpoint).bytes
      self.tags = JSONValue.string(tags.map { "\($0.name)=\(Self.tagValue($0.value))" }.joined(separator: ",")).bytes
    }

    private static func tagValue(_ value: String) -> String {
      String(value.map { $0 == "," || $0 == "=" || $0.isWhitespace ? "_" : $0 })
    }
  }

  private(set) var samples = 0
  private let limit: Int
  private var bytes: [UInt8] = []
  private var newest: Int64 = .min
  private var full: [PushBlock] = []

  /// - Parameter limit: items per request.
  init(limit: Int) {
    self.limit = max(limit, 1)
  }

  /// Appends a sample. Skips NaN and infinities, which neither JSON nor Open-Falcon supports.
  mutating func append(_ metric: Metric, of origin: Origin, value: Double, unixMilliseconds: Int64, step: Int64) {
    guard value.isFinite else { return }
    bytes.append(bytes.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
    append("{\"endpoint\":")
    bytes.append(contentsOf: origin.endpoint)
    append(",\"metric\":")
    bytes.append(contentsOf: metric.name)
    append(
      ",\"timestamp\":\(unixMilliseconds / 1000),\"step\":\(step),\"value\":\(value),\"counterType\":\"\(metric.counterType)\",\"tags\":")
    bytes.append(contentsOf: origin.tags)
    bytes.append(UInt8(ascii: "}"))
    samples += 1
    newest = max(newest, unixMilliseconds)
    if samples >= limit, let block = takeBlock() { full.append(block) }
  }

  /// Removes and returns the full requests.
  mutating func takeFull() -> [PushBlock] {
    defer { full = [] }
    return full
  }

  /// Removes and returns the current request; `nil` if it is empty.
  mutating func takeBlock() -> PushBlock? {
    guard samples > 0 else { return nil }
    let block = PushBlock(bytes: bytes + [UInt8(ascii: "]")], samples: samples, newest: newest)
    bytes.removeAll(keepingCapacity: true)
    samples = 0
    newest = .min
    return block
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }
}
