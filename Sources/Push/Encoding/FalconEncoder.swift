internal import JSON

/// Encodes scrapes as arrays of Open-Falcon items.
///
/// Open-Falcon stores one value for each endpoint, metric, tags and step. Samples that it would drop or that would replace others are not
/// sent, and counted in `unstorable`; of each owner one scrape for each step is sent.
struct FalconEncoder: RequestEncoder {
  /// `transfer` raises smaller steps to this, and stores one value for each.
  ///
  /// Source: `MinStep` of open-falcon/falcon-plus, modules/transfer.
  static let shortestStep: Int64 = 30

  private let labels: [String: String]
  /// The names of labels that become tags.
  private let tags: Set<String>
  private let step: Int64
  private var items: FalconItems
  private(set) var unstorable = UnstorableSamples()
  /// The owners whose samples of the current step have been sent. `transfer` rounds times down to a multiple of the step.
  private var sent: (step: Int64, owners: Set<String>) = (0, [])

  init(_ settings: PushSettings, step: Duration, tags: Set<String>) {
    labels = settings.labels
    self.tags = tags
    self.step = max(step.components.seconds, Self.shortestStep)
    items = FalconItems(limit: settings.samplesPerRequest)
  }

  var samples: Int { items.samples }

  mutating func add(_ scrape: PushedScrape) -> [PushBlock] {
    guard isFirstOfStep(scrape) else { return [] }
    let metrics = scrape.names.map { name in
      let name = scrape.string(name)
      return FalconItems.Metric(name, isCounter: Self.isCounter(name))
    }
    let origins = scrape.setStarts.indices.map { origin(ofSet: $0, of: scrape) }
    // Sets that differ only in labels that are not tags have the same number.
    var numbers: [FalconItems.Origin: Int32] = [:]
    let originNumbers = origins.map { origin in
      let next = Int32(numbers.count)
      return numbers[origin]
        ?? {
          numbers[origin] = next
          return next
        }()
    }
    var stored = Set<Int64>(minimumCapacity: scrape.samples.count)
    for sample in scrape.samples where sample.value.isFinite {
      let (metric, origin) = (metrics[Int(sample.name)], origins[Int(sample.labelSet)])
      guard FalconItems.fits(metric, origin) else {
        unstorable.add(.tooLong, metric: scrape.string(scrape.names[Int(sample.name)]))
        continue
      }
      guard stored.insert(Int64(sample.name) << 32 | Int64(originNumbers[Int(sample.labelSet)])).inserted else {
        unstorable.add(.sameTags, metric: scrape.string(scrape.names[Int(sample.name)]))
        continue
      }
      items.append(metric, of: origin, value: sample.value, unixMilliseconds: scrape.collectedAt, step: step)
    }
    return items.takeFull()
  }

  /// Open-Falcon has no stale markers: a series ends when its samples stop.
  mutating func end(_ owner: String, at unixMilliseconds: Int64) -> [PushBlock] { [] }

  mutating func forgetOwners() {}

  mutating func takeBlock() -> PushBlock? { items.takeBlock() }

  private func origin(ofSet set: Int, of scrape: PushedScrape) -> FalconItems.Origin {
    var tags = labels
    var endpoint = scrape.endpoint
    for label in scrape.labels(ofSet: set) {
      let name = scrape.string(label.name)
      if name == "node" {
        endpoint = scrape.string(label.value)
      } else if self.tags.contains(name) {
        tags[name] = scrape.string(label.value)
      }
    }
    return FalconItems.Origin(endpoint: endpoint, tags: tags.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  private mutating func isFirstOfStep(_ scrape: PushedScrape) -> Bool {
    let current = scrape.collectedAt / 1000 / step
    // One that was collected before the step ended and arrives after others of the next.
    if current == sent.step - 1 { return true }
    if current != sent.step {
      sent.step = current
      sent.owners.removeAll(keepingCapacity: true)
    }
    return sent.owners.insert(scrape.owner).inserted
  }

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
    fileprivate let length: Int
    fileprivate let counterType: StaticString

    init(_ name: String, isCounter: Bool) {
      self.name = JSONValue.string(name).bytes
      length = name.utf8.count
      counterType = isCounter ? "COUNTER" : "GAUGE"
    }
  }

  /// The part that all items of a label set share.
  struct Origin: Hashable, Sendable {
    fileprivate let endpoint: [UInt8]
    fileprivate let tags: [UInt8]
    fileprivate let tagsLength: Int

    /// - Parameters:
    ///   - endpoint: Open-Falcon's first key, the host or object that the values describe.
    ///   - tags: sorted by name. Commas, equals signs and whitespace in values, which tags cannot contain, become underscores.
    init(endpoint: String, tags: [(name: String, value: String)]) {
      self.endpoint = JSONValue.string(endpoint).bytes
      let text = tags.map { "\($0.name)=\(Self.tagValue($0.value))" }.joined(separator: ",")
      self.tags = JSONValue.string(text).bytes
      tagsLength = text.utf8.count
    }

    private static func tagValue(_ value: String) -> String {
      String(value.map { $0 == "," || $0 == "=" || $0.isWhitespace ? "_" : $0 })
    }
  }

  /// Bytes of `metric/tags` that the index of `graph` can hold, a column of type VARCHAR(255). `transfer` drops an item only if metric and
  /// tags have more than 510 bytes together, and its agent reports success in both cases.
  private static let longestCounter = 255

  /// Whether Open-Falcon can store the items, and find them again.
  static func fits(_ metric: Metric, _ origin: Origin) -> Bool {
    metric.length + (origin.tagsLength > 0 ? 1 + origin.tagsLength : 0) <= longestCounter
  }

  private var tally: RequestTally
  private var bytes: [UInt8] = []

  /// - Parameter limit: items per request.
  init(limit: Int) { tally = RequestTally(limit: limit) }

  var samples: Int { tally.samples }

  /// Appends a sample, whose value is finite: neither JSON nor Open-Falcon supports NaN and infinities.
  mutating func append(_ metric: Metric, of origin: Origin, value: Double, unixMilliseconds: Int64, step: Int64) {
    bytes.append(bytes.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
    append("{\"endpoint\":")
    bytes.append(contentsOf: origin.endpoint)
    append(",\"metric\":")
    bytes.append(contentsOf: metric.name)
    append(
      ",\"timestamp\":\(unixMilliseconds / 1000),\"step\":\(step),\"value\":\(value),\"counterType\":\"\(metric.counterType)\",\"tags\":")
    bytes.append(contentsOf: origin.tags)
    bytes.append(UInt8(ascii: "}"))
    tally.add(timestamp: unixMilliseconds)
    if tally.isFull, let block = takeBlock() { tally.keep(block) }
  }

  /// Removes and returns the full requests.
  mutating func takeFull() -> [PushBlock] { tally.takeFull() }

  /// Removes and returns the current request; `nil` if it is empty.
  mutating func takeBlock() -> PushBlock? {
    guard samples > 0 else { return nil }
    defer { bytes.removeAll(keepingCapacity: true) }
    return tally.end(bytes + [UInt8(ascii: "]")])
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }
}

/// Samples that Open-Falcon cannot store, and why.
struct UnstorableSamples: Equatable, Sendable {
  enum Reason: String, Sendable {
    case tooLong = "metric and tags have more than 255 bytes"
    case sameTags = "another series has the same metric and tags"
  }

  private(set) var count: UInt64 = 0
  /// The first sample for each reason.
  private(set) var examples: [Reason: String] = [:]

  mutating func add(_ reason: Reason, metric: String) {
    count += 1
    if examples[reason] == nil { examples[reason] = metric }
  }
}
