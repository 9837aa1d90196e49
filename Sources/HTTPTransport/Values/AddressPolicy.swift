internal import Glibc

/// Which addresses a request may connect to. Checked after name resolution, on the address of each connection that is opened or reused.
package enum AddressPolicy: Sendable, Hashable {
  /// All addresses, and Unix sockets.
  case any
  /// For names and addresses that others choose: refuses loopback, link-local, unspecified, multicast and broadcast addresses and the metadata
  /// services of cloud providers, in IPv4, IPv6 and IPv4 embedded in IPv6. Private addresses are allowed, since pods have them.
  case publicOnly
}

/// An IP address in network byte order: 4 bytes or 16.
struct IPAddress: Equatable {
  let bytes: [UInt8]

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The address of a `sockaddr`; nil for other families.
  init?(_ address: UnsafeRawPointer, length: Int) {
    guard length >= MemoryLayout<sa_family_t>.size else { return nil }
    switch Int32(address.loadUnaligned(as: sa_family_t.self)) {
    case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
      var name = address.loadUnaligned(as: sockaddr_in.self).sin_addr
      bytes = withUnsafeBytes(of: &name) { Array($0) }
    case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
      var name = address.loadUnaligned(as: sockaddr_in6.self).sin6_addr
      bytes = withUnsafeBytes(of: &name) { Array($0) }
    default: return nil
    }
  }

  /// Parses text such as `10.0.0.1` or `fe80::1%eth0`.
  init?(_ text: String) {
    let text = String(text.prefix { $0 != "%" })
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = withUnsafeBytes(of: &four) { Array($0) }
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      bytes = withUnsafeBytes(of: &six) { Array($0) }
    } else {
      return nil
    }
  }

  var text: String {
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

extension AddressPolicy {
  /// Why the policy refuses the address, or nil.
  func refusal(of address: IPAddress) -> String? {
    guard self == .publicOnly else { return nil }
    if address.bytes.count == 4 { return Self.refusal(v4: address.bytes) }
    if let embedded = Self.embeddedV4(address.bytes) { return Self.refusal(v4: embedded) }
    return Self.refusal(v6: address.bytes)
  }

  /// Special-purpose blocks are those of RFC 6890. Metadata services that are not link-local: Alibaba Cloud's 100.100.100.200, Azure's wire server
  /// 168.63.129.16, Oracle's 192.0.0.192.
  private static func refusal(v4: [UInt8]) -> String? {
    switch (v4[0], v4[1], v4[2], v4[3]) {
    case (0, _, _, _): "it is unspecified"
    case (127, _, _, _): "it is loopback"
    case (169, 254, _, _): "it is link-local"
    case (224...239, _, _, _): "it is multicast"
    case (255, 255, 255, 255): "it is broadcast"
    case (100, 100, 100, 200), (168, 63, 129, 16), (192, 0, 0, 192): "it is a metadata service"
    default: nil
    }
  }

  /// Blocks of RFC 4291. fd00:ec2::254 is Amazon's metadata service, fd20:ce::254 Google's.
  private static func refusal(v6: [UInt8]) -> String? {
    if v6.dropLast().allSatisfy({ $0 == 0 }), v6[15] <= 1 { return v6[15] == 0 ? "it is unspecified" : "it is loopback" }
    if v6[0] == 0xfe, v6[1] & 0xc0 == 0x80 { return "it is link-local" }
    if v6[0] == 0xff { return "it is multicast" }
    if metadataV6.contains(v6) { return "it is a metadata service" }
    return nil
  }

  private static let metadataV6: [[UInt8]] = [
    [0xfd, 0x00, 0x0e, 0xc2] + Array(repeating: 0, count: 10) + [0x02, 0x54],
    [0xfd, 0x20, 0x00, 0xce] + Array(repeating: 0, count: 10) + [0x02, 0x54],
  ]

  /// The IPv4 address that an IPv6 address may be routed to: v4-mapped ::ffff:0:0/96, v4-compatible ::/96 (except :: and ::1), NAT64 64:ff9b::/96
  /// (RFC 6052) and 6to4 2002::/16 (RFC 3056).
  private static func embeddedV4(_ v6: [UInt8]) -> [UInt8]? {
    let prefix = Array(v6[..<12])
    let zeros = [UInt8](repeating: 0, count: 12)
    if prefix == zeros[..<10] + [0xff, 0xff] { return Array(v6[12...]) }
    if prefix == zeros, v6[12...14].contains(where: { $0 != 0 }) { return Array(v6[12...]) }
    if prefix == [0x00, 0x64, 0xff, 0x9b] + zeros[..<8] { return Array(v6[12...]) }
    if v6[0] == 0x20, v6[1] == 0x02 { return Array(v6[2..<6]) }
    return nil
  }
}
