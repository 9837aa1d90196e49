package import Roll

/// What cannot be a target, and why. It costs itself only.
package struct RefusedTarget: Hashable, Sendable {
  package var node: String
  package var source: Source
  package var pod: Target.Pod?
  package var reason: String
}

/// What Prometheus is to scrape, in a stable order, and what it cannot be told to scrape.
package struct TargetList: Hashable, Sendable {
  package var targets: [Target]
  package var refused: [RefusedTarget]
}

/// Makes targets out of rolls. Pure.
package struct TargetBuilder: Hashable, Sendable {
  package var endpoints: [Source: ScrapeEndpoint]
  /// Accepts loopback addresses, as the demo's nodes have; link-local ones are refused always.
  package var allowsLoopback: Bool

  package init(endpoints: [Source: ScrapeEndpoint], allowsLoopback: Bool = false) {
    self.endpoints = endpoints
    self.allowsLoopback = allowsLoopback
  }

  /// Of nodes with one address, the first by name keeps it: one of them has to, or a single mistaken node would take another's metrics
  /// away. The order of `rolls` does not matter.
  package func targets(of rolls: some Sequence<NodeRoll>) -> TargetList {
    var list = TargetList(targets: [], refused: [])
    var owners: [Place: String] = [:]
    for roll in rolls.sorted(by: { $0.node < $1.node }) {
      guard let endpoint = endpoints[roll.source] else { continue }
      for candidate in candidates(of: roll) {
        switch check(candidate.address) {
        case .refused(let reason):
          list.refused.append(RefusedTarget(node: roll.node, source: roll.source, pod: candidate.pod, reason: reason))
        case .accepted(let address):
          let name = candidate.pod.map { "pod \($0.namespace)/\($0.name)" } ?? "node \(roll.node)"
          let place = Place(address: address, port: endpoint.port)
          if let owner = owners[place] {
            list.refused.append(
              RefusedTarget(
                node: roll.node, source: roll.source, pod: candidate.pod,
                reason: "address \(address), port \(endpoint.port) belongs to \(owner) already"))
          } else {
            owners[place] = name
            list.targets.append(
              Target(
                node: roll.node, source: roll.source, address: address, port: endpoint.port, path: endpoint.path,
                scheme: endpoint.scheme, pod: candidate.pod, ready: roll.nodeReady))
          }
        }
      }
    }
    return list
  }

  private struct Place: Hashable {
    var address: String
    var port: Int
  }

  private struct Candidate {
    var address: String?
    var pod: Target.Pod?
  }

  private func candidates(of roll: NodeRoll) -> [Candidate] {
    guard roll.source == .virtual else { return [Candidate(address: roll.address, pod: nil)] }
    var pods: [Candidate] = []
    // The containers of a pod stand next to each other.
    for entry in roll.entries {
      let pod = Target.Pod(namespace: entry.reference.namespace, name: entry.reference.pod)
      if pods.last?.pod != pod { pods.append(Candidate(address: entry.podIP, pod: pod)) }
    }
    return pods
  }

  private enum Verdict {
    case accepted(String)
    case refused(String)
  }

  private func check(_ address: String?) -> Verdict {
    guard let address, !address.isEmpty else { return .refused("no address is known") }
    switch AddressKind(address) {
    case .other: return .accepted(address)
    case .loopback where allowsLoopback: return .accepted(address)
    case .loopback: return .refused("\(address) is a loopback address")
    case .linkLocal: return .refused("\(address) is a link-local address")
    case .unspecified: return .refused("\(address) is not an address of a host")
    case .multicast: return .refused("\(address) is a multicast address")
    }
  }
}
