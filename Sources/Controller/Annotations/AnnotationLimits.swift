internal import KubeClient
internal import Primitives

/// What the labels and annotations of Nodes may choose. A kubelet can write those of its own Node, and must not lead the controller to
/// other hosts, or to other services of its own.
package struct AnnotationLimits: Hashable, Sendable {
  /// Addresses, blocks of addresses and names besides a Node's own addresses.
  package var addresses: [String]
  package var ports: Set<Int>

  package init(addresses: [String] = [], ports: Set<Int> = []) {
    self.addresses = addresses
    self.ports = ports
  }

  /// Whether a Node with these addresses in its status may have this one.
  func allow(_ address: String, ofNode own: [NodeAddress]) -> Bool {
    if own.contains(where: { Self.isSame($0.address, address) }) { return true }
    let prefix = AddressPrefix(address)
    return addresses.contains { allowed in
      if let prefix, let block = AddressPrefix(allowed) { return block.covers(prefix) }
      return Self.isSame(allowed, address)
    }
  }

  private static func isSame(_ one: String, _ other: String) -> Bool {
    if let one = IPAddress(one), let other = IPAddress(other) { return one == other }
    return one.lowercased() == other.lowercased()
  }

  static func isAddress(_ text: String) -> Bool { AddressPrefix(text) != nil || isHost(text) }
}
