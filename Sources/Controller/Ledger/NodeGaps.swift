package import Roll

/// Whether anything on a node is collected.
package enum NodeCollection: Hashable, Sendable {
  /// The node has not been called yet.
  case unknown
  /// No container on the node was collected lately.
  case nothing
  case some
}

/// The open gaps of one node.
package struct NodeGaps: Hashable, Sendable {
  package var node: String
  package var collection: NodeCollection
  /// Containers from which a collection is due.
  package var expected: Int
  package var gaps: [Gap]

  package init(node: String, collection: NodeCollection, expected: Int, gaps: [Gap]) {
    self.node = node
    self.collection = collection
    self.expected = expected
    self.gaps = gaps
  }

  /// Whether the gaps of this kind have one cause on the node: nothing on it is collected, or Prometheus does not scrape its data, which it
  /// scrapes as a whole. What a container itself asks for does not count. For a node with a single container this says no more than for the
  /// container.
  package func areOfNode(_ kind: GapKind) -> Bool {
    switch kind {
    case .uncollected: collection == .nothing && expected > 1
    case .unscraped: gaps.count { $0.kind == .unscraped && !$0.reason.isOfScrapes } > 1
    }
  }
}

extension Ledger {
  /// The gaps of each node that has any, in order of name. Restored gaps that no node has claimed yet come first. Lazy, like `gapsByNode`.
  package func gapsOfNodes(at now: Moment) -> some Sequence<NodeGaps> {
    zip(0..., gapsByNode()).lazy.compactMap { index, gaps in
      guard let node = gaps.first?.node else { return nil }
      guard index > 0, let ledger = nodes[node] else { return NodeGaps(node: node, collection: .unknown, expected: 0, gaps: gaps) }
      return NodeGaps(
        node: node, collection: ledger.collection(at: now, threshold: threshold), expected: ledger.expectedCount, gaps: gaps)
    }
  }
}

extension NodeLedger {
  /// When the first gap of a node that is down opens, every container was last collected about a threshold ago, and after a single missed
  /// call about an interval ago. Half the threshold tells the two apart, since the threshold is at least two intervals.
  func collection(at now: Moment, threshold: Duration) -> NodeCollection {
    guard wasCalled else { return .unknown }
    return rows.contains { row in row.lastCollected.map { now - $0 <= threshold / 2 } ?? false } ? .some : .nothing
  }
}
