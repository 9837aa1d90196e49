package import Primitives
package import Roll

/// Derives targets from rolls. Pure.
package struct TargetBuilder: Hashable, Sendable {
  /// Port, path and scheme by source. A source without an entry has no targets.
  package var endpoints: [Source: ScrapeEndpoint]
  /// For each shard, the address of the replica that serves the metrics of its virtual nodes.
  package var virtualAddresses: [String?]
  /// The shard whose rolls have entries.
  package var shard: NodeShard

  package init(endpoints: [Source: ScrapeEndpoint], virtualAddresses: [String?] = [nil], shard: NodeShard = .all) {
    self.endpoints = endpoints
    self.virtualAddresses = virtualAddresses
    self.shard = shard
  }

  /// One target per node that is not exempt, sorted by node name. Virtual nodes have the address of their shard. A target without a known
  /// address has an empty one, and is refused on publication.
  package func targets(of rolls: some Sequence<NodeRoll>) -> [Target] {
    targets(of: Array(rolls))
  }

  private func targets(of rolls: [NodeRoll]) -> [Target] {
    // Sort indices, since rolls are large and full of references. Rolls that are already sorted take one comparison each.
    rolls.indices.sorted { rolls[$0].node < rolls[$1].node }.compactMap { index -> Target? in
      let roll = rolls[index]
      guard let endpoint = endpoints[roll.source], roll.exemption == nil else { return nil }
      // A virtual node without pods has no metrics. Those of another shard are not known here.
      if roll.source == .virtual, roll.entries.isEmpty, roll.exempt.isEmpty, shard.contains(roll.node) { return nil }
      let address = roll.source == .virtual ? virtualAddress(ofNode: roll.node) : roll.address
      return Target(
        node: roll.node, source: roll.source, address: address ?? "", port: endpoint.port, path: endpoint.path, scheme: endpoint.scheme,
        ready: roll.nodeReady)
    }
  }
}

extension TargetBuilder {
  private func virtualAddress(ofNode node: String) -> String? {
    virtualAddresses[NodeShard.index(of: node.utf8, among: virtualAddresses.count)]
  }
}

/// The targets of HTTP service discovery, and those that it omits.
package struct DiscoverableTargets: Hashable, Sendable {
  package var targets: [Target]
  package var refused: [RefusedTarget]

  /// Applies the rules of EndpointSlices, but accepts host names, which Prometheus resolves.
  package init(_ all: [Target], allowsLoopback: Bool) {
    var refused: [RefusedTarget] = []
    for source in Source.allCases {
      refused += admit(all.filter { $0.source == source }, allowsLoopback: allowsLoopback).refused
    }
    refused.removeAll { candidate in
      if case .notAnIPAddress = candidate.refusal { isHost(candidate.target.address) } else { false }
    }
    let omitted = Set(refused.map(\.target))
    targets = all.filter { !omitted.contains($0) }
    self.refused = refused
  }
}

/// A scrape target.
package struct Target: Hashable, Sendable {
  package var node: String
  package var source: Source
  /// An IP address without brackets, or a DNS name.
  package var address: String
  package var port: Int
  /// Begins with a slash.
  package var path: String
  /// `http` or `https`.
  package var scheme: String
  /// The node's `Ready` condition. A target that is not ready is scraped nevertheless.
  package var ready: Bool

  package init(
    node: String, source: Source, address: String, port: Int, path: String = "/metrics", scheme: String = "http", ready: Bool = true
  ) {
    self.node = node
    self.source = source
    self.address = address
    self.port = port
    self.path = path
    self.scheme = scheme
    self.ready = ready
  }
}
