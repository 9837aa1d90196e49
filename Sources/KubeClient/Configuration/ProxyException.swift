internal import Primitives

/// An entry of `NO_PROXY`: `*`, a name, an IP address, or a block such as `10.96.0.0/12`. Names and addresses may have a port.
struct ProxyException {
  private enum Hosts {
    case all
    case addresses(AddressPrefix)
    /// This name and its subdomains.
    case domain(String)
    /// All names with this suffix, which starts with a dot.
    case subdomains(String)
  }

  private let hosts: Hosts
  /// `nil` for all ports.
  private let port: String?
  /// `nil` for all zones.
  private let zone: String?

  /// - Returns: `nil` for an empty entry.
  init?(_ text: Substring) {
    if text == "*" {
      (hosts, port, zone) = (.all, nil, nil)
    } else if let prefix = AddressPrefix(String(text)) {
      (hosts, port, zone) = (.addresses(prefix), nil, nil)
    } else {
      let (host, zone, port) = ServerAddress.split(text)
      let name = host.hasPrefix("*.") ? String(host.dropFirst()) : host
      guard !name.isEmpty else { return nil }
      self.port = port
      self.zone = zone
      hosts = AddressPrefix(name).map { .addresses($0) } ?? (name.hasPrefix(".") ? .subdomains(name) : .domain(name))
    }
  }

  func covers(_ server: ServerAddress) -> Bool {
    if let port, port != server.port { return false }
    if let zone, zone != server.zone { return false }
    let address = AddressPrefix(server.host)
    return switch hosts {
    case .all: true
    case .addresses(let prefix): address.map(prefix.covers) ?? false
    // The zone of an address is not part of a domain either.
    case .domain(let name): address == nil && (server.host == name || server.host.hasSuffix(".\(name)"))
    case .subdomains(let suffix): address == nil && server.host.hasSuffix(suffix)
    }
  }
}

/// An IP address or a CIDR block.
package struct AddressPrefix {
  private let address: IPAddress
  /// The length of the prefix; all bits for an address.
  private let bits: Int

  /// Parses e.g. `10.0.0.1`, `fd00::1` or `10.0.0.0/8`.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(String(parts[0])) else { return nil }
    self.address = address
    let allBits = address.family == .ipv4 ? 32 : 128
    guard parts.count == 2 else {
      bits = allBits
      return
    }
    guard let length = Int(parts[1]), (0...allBits).contains(length) else { return nil }
    bits = length
  }

  package func covers(_ other: AddressPrefix) -> Bool {
    guard other.bits >= bits else { return false }
    if let left = address.v4, let right = other.address.v4 { return (left ^ right) >> (32 - bits) == 0 }
    guard let left = address.v6, let right = other.address.v6 else { return false }
    if bits <= 64 { return (left.high ^ right.high) >> (64 - bits) == 0 }
    return left.high == right.high && (left.low ^ right.low) >> (128 - bits) == 0
  }
}
