internal import Glibc

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

  /// - Returns: `nil` for an empty entry.
  init?(_ text: Substring) {
    if text == "*" {
      (hosts, port) = (.all, nil)
    } else if let prefix = AddressPrefix(String(text)) {
      (hosts, port) = (.addresses(prefix), nil)
    } else {
      let (host, port) = ServerAddress.split(text)
      let name = host.hasPrefix("*.") ? String(host.dropFirst()) : host
      guard !name.isEmpty else { return nil }
      self.port = port
      hosts = AddressPrefix(name).map { .addresses($0) } ?? (name.hasPrefix(".") ? .subdomains(name) : .domain(name))
    }
  }

  func covers(_ server: ServerAddress) -> Bool {
    if let port, port != server.port { return false }
    return switch hosts {
    case .all: true
    case .addresses(let prefix): AddressPrefix(server.host).map(prefix.covers) ?? false
    case .domain(let name): server.host == name || server.host.hasSuffix(".\(name)")
    case .subdomains(let suffix): server.host.hasSuffix(suffix)
    }
  }
}

/// An IP address or a CIDR block.
struct AddressPrefix {
  /// 4 or 16 bytes, in network byte order.
  private let bytes: [UInt8]
  private let bits: Int

  /// Parses e.g. `10.0.0.1`, `fd00::1` or `10.0.0.0/8`.
  init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, String(parts[0]), &four) == 1 {
      bytes = withUnsafeBytes(of: &four) { Array($0) }
    } else if inet_pton(AF_INET6, String(parts[0]), &six) == 1 {
      bytes = withUnsafeBytes(of: &six) { Array($0) }
    } else {
      return nil
    }
    guard parts.count == 2 else {
      bits = bytes.count * 8
      return
    }
    guard let length = Int(parts[1]), (0...bytes.count * 8).contains(length) else { return nil }
    bits = length
  }

  func covers(_ other: AddressPrefix) -> Bool {
    guard bytes.count == other.bytes.count, other.bits >= bits else { return false }
    let (whole, rest) = bits.quotientAndRemainder(dividingBy: 8)
    guard bytes[..<whole] == other.bytes[..<whole] else { return false }
    return rest == 0 || (bytes[whole] ^ other.bytes[whole]) >> (8 - rest) == 0
  }
}
