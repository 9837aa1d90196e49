internal import Exposition

/// Pages as arrays of Open-Falcon items.
struct FalconEncoder: PageEncoder {
  private let isWanted: FamilyFilter
  private let labels: [String: String]
  private let step: Int64
  private var items = FalconItems()

  init(_ settings: PushSettings, step: Duration) {
    isWanted = FamilyFilter(settings.families)
    labels = settings.labels
    self.step = max(step.components.seconds, 1)
  }

  var samples: Int { items.samples }

  mutating func add(_ page: PushedPage, limits: ExpositionLimits) throws(ExpositionError) {
    // Whether the page can be read at all is known at its end only: what was added by then is taken back.
    var added = items
    try scanExposition(page.text, limits: limits) { sample, text in
      guard isWanted.accepts(sample.name, on: text) else { return }
      let metric = sample.nameText(in: text)
      var tags = labels
      for label in sample.labels where !label.isEmpty { tags[label.nameText(in: text)] = label.text(in: text) }
      let node = tags.removeValue(forKey: "node")
      added.append(
        endpoint: node ?? page.endpoint, metric: metric, tags: tags.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
        value: sample.value, isCounter: Self.isCounter(metric), unixSeconds: page.collectedAt / 1000, step: step)
    }
    items = added
  }

  /// Open-Falcon has no way to end a series: it notices by itself that nothing comes.
  mutating func end(_ owner: String, at unixMilliseconds: Int64) {}

  mutating func takeBlock() -> PushBlock { items.takeBlock() }

  /// By the name. cAdvisor's socket series end in `_total` and go up and down all the same (google/cadvisor, metrics/prometheus.go).
  private static func isCounter(_ metric: String) -> Bool {
    guard metric.hasSuffix("_total") || metric.hasSuffix("_bucket") || metric.hasSuffix("_count") || metric.hasSuffix("_sum") else {
      return false
    }
    return !(metric.hasPrefix("container_network_tcp") || metric.hasPrefix("container_network_udp"))
  }
}
