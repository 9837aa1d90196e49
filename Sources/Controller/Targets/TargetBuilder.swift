internal import Primitives
package import Roll

/// Makes targets out of rolls. Pure.
package struct TargetBuilder: Hashable, Sendable {
  /// Port, path and scheme by source; a source that is not here has no targets.
  package var endpoints: [Source: ScrapeEndpoint]
  /// The replica of ours that has the pages of virtual nodes.
  package var virtualAddress: String?

  package init(endpoints: [Source: ScrapeEndpoint], virtualAddress: String? = nil) {
    self.endpoints = endpoints
    self.virtualAddress = virtualAddress
  }

  /// One target a node, by node name; those of virtual nodes are all at our own address. A target whose address is not known has an empty
  /// one: whoever publishes targets refuses it, and says so.
  package func targets(of rolls: some Sequence<NodeRoll>) -> [Target] {
    targets(of: Array(rolls))
  }

  private func targets(of rolls: [NodeRoll]) -> [Target] {
    // Indices are sorted, not the rolls, which are larger and full of references. Sorted rolls cost one comparison each.
    rolls.indices.sorted { rolls[$0].node < rolls[$1].node }.compactMap { index -> Target? in
      let roll = rolls[index]
      guard let endpoint = endpoints[roll.source] else { return nil }
      // A virtual node without pods has no page.
      if roll.source == .virtual, roll.entries.isEmpty, roll.exempt.isEmpty { return nil }
      let address = roll.source == .virtual ? virtualAddress : roll.address
      return Target(
        node: roll.node, source: roll.source, address: address ?? "", port: endpoint.port, path: endpoint.path, scheme: endpoint.scheme,
        ready: roll.nodeReady)
    }
  }
}

/// The targets that HTTP service discovery gives, and those that it leaves out.
package struct DiscoverableTargets: Hashable, Sendable {
  package var targets: [Target]
  package var refused: [RefusedTarget]

  /// As strict as EndpointSlices are, except that a host name is welcome: Prometheus resolves it.
  package init(_ all: [Target], allowsLoopback: Bool) {
    var refused: [RefusedTarget] = []
    for source in Source.allCases {
      refused += admit(all.filter { $0.source == source }, allowsLoopback: allowsLoopback).refused
    }
    refused.removeAll { candidate in
      if case .notAnIPAddress = candidate.refusal { isHost(candidate.target.address) } else { false }
    }
    let left = Set(refused.map(\.target))
    targets = all.filter { !left.contains($0) }
    self.refused = refused
  }
}

/// One address that Prometheus is to scrape.
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
  /// What the node's `Ready` condition says. A target that is not ready is still to be scraped.
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
