internal import Collector
package import KubeClient
package import Primitives
package import Roll

/// What a Node says about how its containers are collected.
package struct NodeFacts: Hashable, Sendable {
  package var source: Source
  package var address: String?
  package var ready: Bool
  /// Problems with the node, for people. A note alone does not change how the node is collected.
  package var notes: [String]

  package init(_ node: NodeRecord, virtualNodes: [LabelSelector]) {
    notes = []
    ready = node.ready ?? true

    let reported = node.operatingSystem.isEmpty ? node.labels["kubernetes.io/os"] ?? "" : node.operatingSystem
    if virtualNodes.contains(where: { $0.matches(node.labels) }) {
      source = .virtual
    } else if reported == "windows" {
      source = .windows
    } else {
      source = .linux
      if reported != "linux" {
        notes.append(
          reported.isEmpty
            ? "the node reports no operating system; taken for linux" : "unknown operating system \"\(reported)\"; taken for linux")
      }
    }

    switch source {
    case .linux: break
    case .windows: notes += WindowsNode(node.annotations).notes
    case .virtual: notes += VirtualNode(node, configured: VirtualEndpoint()).notes
    }

    if let override = node.annotations[Annotations.address], !override.isEmpty {
      address = isHost(override) ? override : nil
      if address == nil {
        notes.append("annotation \(Annotations.address): \"\(override)\" is neither an IP address nor a DNS name")
      }
    } else {
      address = Self.bestAddress(of: node.addresses)
      // A virtual node is collected at its pods' addresses.
      if address == nil, source != .virtual {
        notes.append("the node has no address; annotation \(Annotations.address) can give it one")
      }
    }
  }

  /// The first of the best kind: an internal IPv4 address, then an internal IPv6 address, then what else there is.
  private static func bestAddress(of addresses: [NodeAddress]) -> String? {
    let kinds = ["InternalIP", "ExternalIP", "InternalDNS", "Hostname", "ExternalDNS"]
    func rank(_ address: NodeAddress) -> Int? {
      guard let kind = kinds.firstIndex(of: address.type), isHost(address.address) else { return nil }
      return kind * 2 + (address.address.contains(":") ? 1 : 0)
    }
    return addresses.compactMap { address in rank(address).map { (rank: $0, address: address.address) } }
      .min { $0.rank < $1.rank }?.address
  }
}
