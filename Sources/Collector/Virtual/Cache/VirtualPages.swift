internal import Roll
internal import Synchronization

/// The newest page of every pod on virtual nodes, compact, and who has read them. One writer a pod, many readers.
package final class VirtualPages: Sendable {
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
    var page: CompactPage
    /// When it arrived.
    var at: ContinuousClock.Instant
  }

  private struct Node: Sendable {
    var pages: [Key: Stored] = [:]
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

  func store(_ page: CompactPage, _ key: Key, of node: String) {
    nodes.withLock { $0[node, default: Node()].pages[key] = Stored(page: page, at: .now) }
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
          .map { VirtualSnapshot.Entry(node: name, page: $0.value.page) }
      }
      return VirtualSnapshot(nodes: names, entries: pages)
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

  /// For our own metrics: pages, and the bytes that they take beside their shapes.
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
    var page: CompactPage
  }

  package let nodes: [String]
  let entries: [Entry]

  package var pageCount: Int { entries.count }
}
