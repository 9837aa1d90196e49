/// Pages as remote-write requests. Series that an owner's page no longer has are ended by stale markers.
struct RemoteWriteEncoder: RequestEncoder {
  private var request: WriteRequest
  private var histories: [String: SeriesHistory] = [:]
  /// Of the page that is being added; its storage is used again for the next.
  private var series: EncodedSeries

  init(_ settings: PushSettings) {
    request = WriteRequest(limit: settings.samplesPerRequest)
    series = EncodedSeries(extra: settings.labels)
  }

  var samples: Int { request.samples }

  mutating func add(_ page: PushedPage) -> [PushBlock] {
    var history = histories[page.owner] ?? SeriesHistory()
    let timestamp = history.timestamp(for: page.collectedAt)
    series.encode(page)
    request.append(series, values: page.samples, timestamp: timestamp)
    history.end(missingIn: series, at: timestamp, into: &request)
    history.follow(series, at: timestamp)
    histories[page.owner] = history
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
