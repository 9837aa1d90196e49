internal import Collector
internal import Exposition
internal import Push
import Roll
internal import Synchronization

/// Hands the pages of virtual nodes to the pushers, and ends the series of pods that are gone or have not answered for long.
final class VirtualNodeFeed: ScrapeSink {
  private let receivers: [PushReceiver]
  private let stalenessLimit: Duration
  private let time: any TimeSource
  /// By node, when each page came last.
  private let arrivals = Mutex<[String: [VirtualScrapeCache.Key: Moment]]>([:])

  /// - Parameter stalenessLimit: for how long a page may fail to come before its series are ended.
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
        PushedScrape(scrape, owner: owner(key, node), collectedAt: now.unixMilliseconds, endpoint: node, families: receiver.families))
    }
  }

  func retain(_ keys: Set<VirtualScrapeCache.Key>, of node: String) {
    end(on: node) { key, _ in !keys.contains(key) }
  }

  func forget(_ node: String) {
    end(on: node) { _, _ in true }
  }

  /// Ends the series of pages that have not come for long, as those that are scraped end when they are no longer served. To be called now
  /// and then.
  func endStale() {
    let oldest = time.now - stalenessLimit
    end { _, came in came < oldest }
  }

  /// Another replica pushes from now on: nothing is ended, for it goes on there.
  func forgetAll() {
    arrivals.withLock { $0 = [:] }
    for receiver in receivers { receiver.pusher.forgetOwners() }
  }

  /// - Parameter node: `nil` for all of them.
  private func end(on node: String? = nil, where isOver: (_ key: VirtualScrapeCache.Key, _ came: Moment) -> Bool) {
    let ended = arrivals.withLock { arrivals in
      var ended: [String] = []
      for name in node.map({ [$0] }) ?? Array(arrivals.keys) {
        for (key, came) in arrivals[name] ?? [:] where isOver(key, came) {
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
  /// - Parameter families: those that the receiver is given.
  init(_ page: CollectedScrape, owner: String, collectedAt: Int64, endpoint: String, families: FamilyFilter) {
    self.init(owner: owner, collectedAt: collectedAt, endpoint: endpoint)
    var pushed = self
    for set in 0..<page.labelSetCount {
      pushed.beginLabelSet()
      page.labels(ofSet: set) { name, value in pushed.addLabel(name, escapedValue: value) }
    }
    pushed.reserve(samples: page.sampleCount)
    /// By the page's own number; -1 where the family is not for the receiver.
    var names: [Int: Int] = [:]
    var current: (number: Int, name: Int) = (-1, -1)
    page.samples { sample in
      if sample.nameNumber != current.number {
        if names[sample.nameNumber] == nil {
          names[sample.nameNumber] = families.keeps(sample.family) ? pushed.addName(sample.family, sample.suffix) : -1
        }
        current = (sample.nameNumber, names[sample.nameNumber] ?? -1)
      }
      // The page has been read once, and its numbers found to be some.
      guard current.name >= 0, let value = parseNumber(sample.number.bindMemory(to: UInt8.self).span) else { return }
      pushed.addSample(name: current.name, labelSet: sample.labelSet, value: value)
    }
    self = pushed
  }
}
