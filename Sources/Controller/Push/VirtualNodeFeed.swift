internal import Collector
internal import Push
import Roll
internal import Synchronization

/// Hands the pages of virtual nodes to the pushers, and ends the series of pods that are gone or have not answered for long.
final class VirtualNodeFeed: PageSink {
  private let receivers: [PushReceiver]
  private let stalenessLimit: Duration
  private let time: any TimeSource
  /// By node, when each page came last.
  private let arrivals = Mutex<[String: [VirtualPages.Key: Moment]]>([:])

  /// - Parameter stalenessLimit: for how long a page may fail to come before its series are ended.
  init(_ receivers: [PushReceiver], stalenessLimit: Duration, time: any TimeSource) {
    self.receivers = receivers
    self.stalenessLimit = stalenessLimit
    self.time = time
  }

  func take(_ page: CollectedPage, _ key: VirtualPages.Key, of node: String) {
    let now = time.reading()
    arrivals.withLock { $0[node, default: [:]][key] = now.moment }
    for receiver in receivers {
      receiver.pusher.push(
        PushedScrape(page, owner: owner(key, node), collectedAt: now.unixMilliseconds, endpoint: node, families: receiver.families))
    }
  }

  func retain(_ keys: Set<VirtualPages.Key>, of node: String) {
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
  private func end(on node: String? = nil, where isOver: (_ key: VirtualPages.Key, _ came: Moment) -> Bool) {
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

  private func owner(_ key: VirtualPages.Key, _ node: String) -> String {
    "\(node)/\(key.namespace)/\(key.pod)"
  }
}
