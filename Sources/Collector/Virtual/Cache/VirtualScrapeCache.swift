internal import Roll
internal import Synchronization

/// The newest page of every pod on virtual nodes, compact, and who has read them. One writer a pod, many readers.
package final class VirtualScrapeCache: Sendable {
  /// Names one page of a node: a pod's, or the node's own.
  package struct Key: Hashable, Sendable {
    package var namespace: String
    package var pod: String

    package init(namespace: String, pod: String) {
      self.namespace = namespace
      self.pod = pod
    }

    package static let node = Key(namespace: "", pod: "")
  }

  struct Stored: Sendable {
    var page: CachedScrape
    /// When it arrived.
    var at: ContinuousClock.Instant
    var cpu: [CPUUse]
  }

  private struct Node: Sendable {
    var pages: [Key: Stored] = [:]
    /// What its pods used of CPU since their first pages here. Unlike the sum of what they say it does not fall when pods go.
    var cpuSeconds = 0.0
    var lastScrape: ContinuousClock.Instant?
  }

  let shapes = ShapeRegistry()
  private let stalenessLimit: Duration
  private let nodes = Mutex<[String: Node]>([:])

  /// - Parameter stalenessLimit: pages that are older are no longer served.
  package init(stalenessLimit: Duration) {
    self.stalenessLimit = stalenessLimit
  }

  // MARK: Writing

  func store(_ page: CachedScrape, _ key: Key, of node: String) {
    var uses = page.cpuUses()
    let now = ContinuousClock.now
    nodes.withLock { nodes in
      var used = 0.0
      if let before = nodes[node]?.pages[key] {
        for index in uses.indices {
          guard let last = before.cpu.first(where: { $0.container == uses[index].container }) else { continue }
          used += max(0, uses[index].seconds - last.seconds)
          uses[index].follow(last, after: now - before.at)
        }
      }
      nodes[node, default: Node()].pages[key] = Stored(page: page, at: now, cpu: uses)
      nodes[node]?.cpuSeconds += used
    }
  }

  /// Lets the pages of pods go that are not on the node any more.
  func retain(_ keys: Set<Key>, of node: String) {
    nodes.withLock { nodes in
      for key in nodes[node, default: Node()].pages.keys where !keys.contains(key) {
        nodes[node]?.pages[key] = nil
      }
    }
  }

  func forget(_ node: String) {
    nodes.withLock { _ = $0.removeValue(forKey: node) }
  }

  // MARK: Reading

  /// The pages that are fresh enough: of one node, or of all in the order of their names. `nil` for a node of which there is nothing yet.
  package func snapshot(of node: String? = nil) -> VirtualSnapshot? {
    let oldest = ContinuousClock.now - stalenessLimit
    return nodes.withLock { nodes in
      if let node, nodes[node] == nil { return nil }
      let names = node.map { [$0] } ?? nodes.keys.sorted()
      let pages = names.flatMap { name in
        let fresh = (nodes[name]?.pages ?? [:]).filter { $0.value.at >= oldest }
        return fresh.sorted { ($0.key.namespace, $0.key.pod) < ($1.key.namespace, $1.key.pod) }
          .map { VirtualSnapshot.Entry(node: name, page: $0.value.page, at: $0.value.at, cpu: $0.value.cpu) }
      }
      return VirtualSnapshot(nodes: names, entries: pages, cpuSeconds: names.reduce(0) { $0 + (nodes[$1]?.cpuSeconds ?? 0) })
    }
  }

  /// Prometheus has read these nodes' pages to the end.
  package func noteScrape(of names: [String]) {
    nodes.withLock { nodes in
      for name in names { nodes[name]?.lastScrape = .now }
    }
  }

  func lastScrape(of node: String) -> LastScrape {
    nodes.withLock { $0[node]?.lastScrape }.map { .ago(ContinuousClock.now - $0) } ?? .never
  }

  /// Pages of all nodes.
  var count: Int { nodes.withLock { $0.values.reduce(0) { $0 + $1.pages.count } } }

  /// What is held: pages, the bytes that they take beside their shapes, and the shapes.
  package var size: (pages: Int, bytes: Int, shapes: Int) {
    let (pages, bytes) = nodes.withLock { nodes in
      nodes.values.reduce(into: (0, 0)) { sum, node in
        sum.0 += node.pages.count
        sum.1 += node.pages.values.reduce(0) { $0 + $1.page.byteCount }
      }
    }
    return (pages, bytes, shapes.count)
  }
}

/// The pages as they were at one moment.
package struct VirtualSnapshot: Sendable {
  struct Entry: Sendable {
    var node: String
    var page: CachedScrape
    /// When it arrived.
    var at: ContinuousClock.Instant
    var cpu: [CPUUse]
  }

  package let nodes: [String]
  let entries: [Entry]
  /// What the pods of the nodes used of CPU while they were watched.
  let cpuSeconds: Double

  package var pageCount: Int { entries.count }
}
