internal import Collector
internal import Exposition
internal import Push
import Roll
internal import Synchronization

/// Pushes the scrapes of virtual nodes, and ends the series of pods that were deleted or have not been scraped for `stalenessLimit`.
final class VirtualNodeFeed: ScrapeSink {
  private let receivers: [PushReceiver]
  private let stalenessLimit: Duration
  private let time: any TimeSource
  /// The time of the last scrape, by node and key.
  private let arrivals = Mutex<[String: [VirtualScrapeCache.Key: Moment]]>([:])

  /// - Parameter stalenessLimit: the time without a scrape after which its series end.
  init(_ receivers: [PushReceiver], stalenessLimit: Duration, time: any TimeSource) {
    self.receivers = receivers
    self.stalenessLimit = stalenessLimit
    self.time = time
  }

  func receive(_ scrape: CollectedScrape, _ key: VirtualScrapeCache.Key, of node: String) {
    let now = time.reading()
    arrivals.withLock { $0[node, default: [:]][key] = now.moment }
    for receiver in receivers {
      receiver.pusher.push(
        PushedScrape(
          scrape, owner: owner(key, node), collectedAt: now.unixMilliseconds, endpoint: node, families: receiver.families,
          hasMetadata: receiver.pusher.takesFamilies))
    }
  }

  func retain(_ keys: Set<VirtualScrapeCache.Key>, of node: String) {
    end(on: node) { key, _ in !keys.contains(key) }
  }

  func forget(_ node: String) {
    end(on: node) { _, _ in true }
  }

  /// Ends the series of overdue scrapes, as Prometheus does for a target that disappears. Call this periodically.
  func endStale() {
    let oldest = time.now - stalenessLimit
    end { _, arrival in arrival < oldest }
  }

  /// Forgets everything without ending any series: another replica continues them.
  func forgetAll() {
    arrivals.withLock { $0 = [:] }
    for receiver in receivers { receiver.pusher.forgetOwners() }
  }

  /// - Parameter node: `nil` for all nodes.
  private func end(on node: String? = nil, where isOver: (_ key: VirtualScrapeCache.Key, _ arrival: Moment) -> Bool) {
    let ended = arrivals.withLock { arrivals in
      var ended: [String] = []
      for name in node.map({ [$0] }) ?? Array(arrivals.keys) {
        for (key, arrival) in arrivals[name] ?? [:] where isOver(key, arrival) {
          arrivals[name]?[key] = nil
          ended.append(owner(key, name))
        }
        if arrivals[name]?.isEmpty == true { arrivals[name] = nil }
      }
      return ended
    }
    let now = time.reading().unixMilliseconds
    for owner in ended {
      for receiver in receivers { receiver.pusher.end(owner, at: now) }
    }
  }

  private func owner(_ key: VirtualScrapeCache.Key, _ node: String) -> String {
    "\(node)/\(key.namespace)/\(key.pod)"
  }
}

extension PushedScrape {
  /// - Parameter hasMetadata: whether types and help texts go along.
  init(_ scrape: CollectedScrape, owner: String, collectedAt: Int64, endpoint: String, families: FamilyFilter, hasMetadata: Bool) {
    self.init(owner: owner, collectedAt: collectedAt, endpoint: endpoint)
    var pushed = self
    for set in 0..<scrape.labelSetCount {
      pushed.beginLabelSet()
      scrape.labels(ofSet: set) { name, value in pushed.addLabel(name, escapedValue: value) }
    }
    if hasMetadata { pushed.addFamilies(of: scrape, families) }
    pushed.reserve(samples: scrape.sampleCount)
    /// Maps name numbers of the collected scrape to numbers of the pushed one; -1 if the filter drops the family.
    var names: [Int: Int] = [:]
    var current: (number: Int, name: Int) = (-1, -1)
    scrape.samples { sample in
      if sample.nameNumber != current.number {
        if names[sample.nameNumber] == nil {
          names[sample.nameNumber] = families.keeps(sample.family) ? pushed.addName(sample.family, sample.suffix) : -1
        }
        current = (sample.nameNumber, names[sample.nameNumber] ?? -1)
      }
      // The exposition was parsed before, so the number is valid.
      guard current.name >= 0, let value = parseNumber(sample.number.bindMemory(to: UInt8.self).span) else { return }
      pushed.addSample(name: current.name, labelSet: sample.labelSet, value: value)
    }
    self = pushed
  }
}

extension PushedScrape {
  fileprivate mutating func addFamilies(of scrape: CollectedScrape, _ filter: FamilyFilter) {
    scrape.families { name, type, help in
      if filter.keeps(name) { addFamily(name, type: MetricType(type), escapedHelp: help) }
    }
  }
}

extension PushedScrape.MetricType {
  fileprivate init(_ type: Exposition.MetricType?) {
    self =
      switch type {
      case .counter: .counter
      case .gauge: .gauge
      case .histogram: .histogram
      case .summary: .summary
      case .untyped, nil: .untyped
      }
  }
}
