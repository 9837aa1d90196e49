internal import Exposition

/// Pages as remote-write requests. Series that an owner's page no longer has are ended by stale markers.
struct RemoteWriteEncoder: PageEncoder {
  private let keepsTimestamps: Bool
  private let isWanted: FamilyFilter
  private var request = WriteRequest()
  private var histories: [String: SeriesHistory] = [:]
  /// Of the page that is being added; its storage is used again for the next.
  private var labels: SeriesLabels

  init(_ settings: PushSettings) {
    keepsTimestamps = settings.keepsTimestamps
    isWanted = FamilyFilter(settings.families)
    labels = SeriesLabels(extra: settings.labels)
  }

  var samples: Int { request.samples }

  mutating func add(_ page: PushedPage, limits: ExpositionLimits) throws(ExpositionError) {
    var history = histories[page.owner] ?? SeriesHistory()
    let timestamp = history.timestamp(for: page.collectedAt)
    labels.removeAll()
    // In a local, so that the scanner's closure has it to itself.
    var labels = exchange(&self.labels, with: SeriesLabels(extra: [:]))
    defer { self.labels = labels }
    try scanExposition(page.text, limits: limits) { sample, text in
      if isWanted.accepts(sample.name, on: text) { labels.add(sample, on: text, at: timestamp, keepsTimestamps: keepsTimestamps) }
    }
    for series in labels.series {
      request.append(labels: labels.bytes.span.extracting(series.labels), value: series.value, timestamp: series.timestamp)
    }
    history.end(missingIn: labels, at: timestamp, into: &request)
    history.follow(labels, at: timestamp)
    histories[page.owner] = history
  }

  mutating func end(_ owner: String, at unixMilliseconds: Int64) {
    guard let history = histories.removeValue(forKey: owner) else { return }
    history.endAll(at: history.timestamp(for: unixMilliseconds), into: &request)
  }

  mutating func takeBlock() -> PushBlock { request.takeBlock() }
}
