package import Roll

/// Makes targets out of rolls. Pure.
package struct TargetBuilder: Hashable, Sendable {
  /// Port, path and scheme by source; a source that is not here has no targets.
  package var endpoints: [Source: ScrapeEndpoint]

  package init(endpoints: [Source: ScrapeEndpoint]) {
    self.endpoints = endpoints
  }

  /// One target a node, and on virtual nodes one a pod, by node name and pod. A node or pod without an address has a target with an empty
  /// one: whoever publishes targets refuses it, and says so.
  package func targets(of rolls: some Sequence<NodeRoll>) -> [Target] {
    targets(of: Array(rolls))
  }

  private func targets(of rolls: [NodeRoll]) -> [Target] {
    // Places are sorted instead of rolls, which are larger and full of references.
    rolls.indices.sorted { rolls[$0].node < rolls[$1].node }.flatMap { index -> [Target] in
      let roll = rolls[index]
      guard let endpoint = endpoints[roll.source] else { return [] }
      func target(_ address: String?, pod: Target.Pod?) -> Target {
        Target(
          node: roll.node, source: roll.source, address: address ?? "", port: endpoint.port, path: endpoint.path, scheme: endpoint.scheme,
          pod: pod, ready: roll.nodeReady)
      }
      guard roll.source == .virtual else { return [target(roll.address, pod: nil)] }
      var targets: [Target] = []
      for entry in roll.entries {
        let pod = Target.Pod(namespace: entry.reference.namespace, name: entry.reference.pod)
        // The containers of a pod stand next to each other.
        if targets.last?.pod != pod { targets.append(target(entry.podIP, pod: pod)) }
      }
      return targets
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
