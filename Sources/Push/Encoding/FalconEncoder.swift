/// Pages as arrays of Open-Falcon items.
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

  mutating func add(_ page: PushedPage) -> [PushBlock] {
    let metrics = page.names.map { name in
      let name = page.string(name)
      return FalconItems.Metric(name, isCounter: Self.isCounter(name))
    }
    let sets = page.setStarts.indices.map { set in
      var tags = labels
      for label in page.labels(ofSet: set) { tags[page.string(label.name)] = page.string(label.value) }
      let endpoint = tags.removeValue(forKey: "node") ?? page.endpoint
      return FalconItems.Origin(endpoint: endpoint, tags: tags.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
    for sample in page.samples {
      items.append(
        metrics[Int(sample.name)], of: sets[Int(sample.labelSet)], value: sample.value, unixMilliseconds: page.collectedAt, step: step)
    }
    return items.takeFull()
  }

  /// Open-Falcon has no way to end a series: it notices by itself that nothing comes.
  mutating func end(_ owner: String, at unixMilliseconds: Int64) -> [PushBlock] { [] }

  mutating func forgetOwners() {}

  mutating func takeBlock() -> PushBlock? { items.takeBlock() }

  /// By the name. cAdvisor's socket series end in `_total` and go up and down all the same (google/cadvisor, metrics/prometheus.go).
  private static func isCounter(_ metric: String) -> Bool {
    guard metric.hasSuffix("_total") || metric.hasSuffix("_bucket") || metric.hasSuffix("_count") || metric.hasSuffix("_sum") else {
      return false
    }
    return !(metric.hasPrefix("container_network_tcp") || metric.hasPrefix("container_network_udp"))
  }
}
