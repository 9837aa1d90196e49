internal import Collector
internal import Push
import Roll
internal import Synchronization

/// Hands the pages of virtual nodes to the pushers, and ends the series of pods that are gone or have not answered for long.
final class PageFeed: PageSink {
  private struct Node {
    /// When each page came last.
    var pages: [VirtualPages.Key: ContinuousClock.Instant] = [:]
  }

  private let receivers: [PushReceiver]
  private let stalenessLimit: Duration
  private let time: any TimeSource
  private let nodes = Mutex<[String: Node]>([:])

  /// - Parameter stalenessLimit: for how long a page may fail to come before its series are ended.
  init(_ receivers: [PushReceiver], stalenessLimit: Duration, time: any TimeSource) {
    self.receivers = receivers
    self.stalenessLimit = stalenessLimit
    self.time = time
  }

  func take(_ page: CollectedPage, _ key: VirtualPages.Key, of node: String) {
    nodes.withLock { $0[node, default: Node()].pages[key] = .now }
    let now = time.reading().unixMilliseconds
    for receiver in receivers {
      receiver.pusher.push(PushedPage(page, owner: owner(key, node), collectedAt: now, endpoint: node, families: receiver.families))
    }
  }

  func retain(_ keys: Set<VirtualPages.Key>, of node: String) {
    end { name, key, _ in name == node && !keys.contains(key) }
  }

  func forget(_ node: String) {
    end { name, _, _ in name == node }
  }

  /// Ends the series of pages that have not come for long, as those that are scraped end when they are no longer served. To be called now
  /// and then.
  func endStale() {
    let oldest = ContinuousClock.now - stalenessLimit
    end { _, _, came in came < oldest }
  }

  /// Another replica pushes from now on: nothing is ended, for it goes on there.
  func forgetAll() {
    nodes.withLock { $0 = [:] }
    for receiver in receivers { receiver.pusher.forgetOwners() }
  }

  private func end(where isOver: (_ node: String, _ key: VirtualPages.Key, _ came: ContinuousClock.Instant) -> Bool) {
    let ended = nodes.withLock { nodes in
      var ended: [String] = []
      for (name, node) in nodes {
        for (key, came) in node.pages where isOver(name, key, came) {
          nodes[name]?.pages[key] = nil
          ended.append(owner(key, name))
        }
        if nodes[name]?.pages.isEmpty == true { nodes[name] = nil }
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
