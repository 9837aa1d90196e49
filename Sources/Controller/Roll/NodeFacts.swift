internal import Collector
package import KubeClient
package import Primitives
package import Roll

/// How a Node's containers are collected, from its spec, status, labels and annotations.
package struct NodeFacts: Hashable, Sendable {
  package var source: Source
  package var address: String?
  package var ready: Bool
  /// Problems with the node, for display. A note alone does not change how the node is collected.
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
            ? "the node reports no operating system; assuming linux" : "unknown operating system \"\(reported)\"; assuming linux")
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
      // The pods of a virtual node are collected at their own addresses.
      if address == nil, source != .virtual {
        notes.append("the node has no address; set annotation \(Annotations.address)")
      }
    }
  }

  /// The first address of the preferred type: internal before external before host names, IPv4 before IPv6.
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
