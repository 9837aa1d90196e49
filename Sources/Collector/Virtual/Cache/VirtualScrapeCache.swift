internal import Roll
internal import Synchronization

/// The last scrape of every pod on virtual nodes in compact form, and when Prometheus last read them. One writer per pod, many readers.
package final class VirtualScrapeCache: Sendable {
  /// Identifies a scrape of a node: of one of its pods, or of the node itself.
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
    var scrape: CachedScrape
    var arrival: ContinuousClock.Instant
    var cpu: [CPUUsage]
  }

  private struct Node: Sendable {
    var page = NodePage()
    /// CPU time that the pods have used since their first scrapes here. Unlike the sum of their counters it does not fall when pods go.
    var cpuSeconds = 0.0
    var lastScrape: ContinuousClock.Instant?
  }

  let shapes = ShapeRegistry()
  private let stalenessLimit: Duration
  private let budget: PageBudget?
  private let clock: CollectorClock
  private let nodes = Mutex<[String: Node]>([:])

  /// - Parameters:
  ///   - stalenessLimit: older scrapes are not served.
  ///   - budget: for each node. `nil` if the response for a node may have any size.
  package init(stalenessLimit: Duration, budget: PageBudget? = nil, clock: CollectorClock = .continuous) {
    self.stalenessLimit = stalenessLimit
    self.budget = budget
    self.clock = clock
  }

  // MARK: Writing

  func store(_ scrape: CachedScrape, _ key: Key, of node: String) {
    var usages = scrape.cpuUsages()
    let now = clock.now()
    nodes.withLock { nodes in
      var used = 0.0
      if let before = nodes[node]?.page.scrapes[key] {
        for index in usages.indices {
          guard let last = before.cpu.first(where: { $0.container == usages[index].container }), usages[index].isInstance(of: last) else {
            continue
          }
          used += max(0, usages[index].seconds - last.seconds)
          usages[index].computeRate(since: last, after: now - before.arrival)
        }
      }
      nodes[node, default: Node()].page.store(
        Stored(scrape: scrape, arrival: now, cpu: usages), key, within: budget, servedSince: now - stalenessLimit)
      nodes[node]?.cpuSeconds += used
    }
  }

  /// Why scrapes of a node are not served although they arrived.
  func leftOut(of node: String) -> [Key: String] {
    nodes.withLock { $0[node]?.page.leftOut ?? [:] }
  }

  /// Removes the scrapes of pods that are no longer on the node.
  func retain(_ keys: Set<Key>, of node: String) {
    nodes.withLock { nodes in
      nodes[node, default: Node()].page.retain(keys)
    }
  }

  func forget(_ node: String) {
    nodes.withLock { _ = $0.removeValue(forKey: node) }
  }

  // MARK: Reading

  /// The fresh scrapes of one node, or of all nodes, sorted by node and pod. `nil` for a node without any scrape yet.
  package func snapshot(of node: String? = nil) -> VirtualSnapshot? {
    let now = clock.now()
    let oldest = now - stalenessLimit
    return nodes.withLock { nodes in
      if let node, nodes[node] == nil { return nil }
      let names = node.map { [$0] } ?? nodes.keys.sorted()
      let entries = names.flatMap { name in
        let fresh = (nodes[name]?.page.scrapes ?? [:]).filter { $0.value.arrival >= oldest }
        return fresh.sorted { ($0.key.namespace, $0.key.pod) < ($1.key.namespace, $1.key.pod) }
          .map { VirtualSnapshot.Entry(scrape: $0.value.scrape, age: now - $0.value.arrival, cpu: $0.value.cpu) }
      }
      return VirtualSnapshot(nodes: names, entries: entries, cpuSeconds: names.reduce(0) { $0 + (nodes[$1]?.cpuSeconds ?? 0) })
    }
  }

  /// Records that Prometheus has read the scrapes of these nodes to the end.
  package func recordScrape(of names: [String]) {
    let now = clock.now()
    nodes.withLock { nodes in
      for name in names { nodes[name]?.lastScrape = now }
    }
  }

  func lastScrape(of node: String) -> LastScrape {
    nodes.withLock { $0[node]?.lastScrape }.map { .ago(clock.now() - $0) } ?? .never
  }

  /// Scrapes of all nodes.
  var count: Int { nodes.withLock { $0.values.reduce(0) { $0 + $1.page.scrapes.count } } }

  /// The number of scrapes, their bytes without the shared shapes, and the number of shapes.
  package var size: (scrapes: Int, bytes: Int, shapes: Int) {
    let (scrapes, bytes) = nodes.withLock { nodes in
      nodes.values.reduce(into: (0, 0)) { sum, node in
        sum.0 += node.page.scrapes.count
        sum.1 += node.page.scrapes.values.reduce(0) { $0 + $1.scrape.byteCount }
      }
    }
    return (scrapes, bytes, shapes.count)
  }
}

/// The scrapes at one moment.
package struct VirtualSnapshot: Sendable {
  struct Entry: Sendable {
    var scrape: CachedScrape
    /// Time since its arrival.
    var age: Duration
    var cpu: [CPUUsage]
  }

  package let nodes: [String]
  let entries: [Entry]
  /// CPU time that the pods of the nodes have used since their first scrapes.
  let cpuSeconds: Double

  package var scrapeCount: Int { entries.count }
}
