internal import Glibc
internal import Primitives

/// Which addresses a request may connect to. Checked after name resolution, on the address of each connection that is opened or reused.
package enum AddressPolicy: Sendable, Hashable {
  /// All addresses, and Unix sockets.
  case any
  /// For names and addresses that others choose: refuses loopback, link-local, unspecified, multicast and broadcast addresses and the
  /// metadata services of cloud providers, in IPv4, IPv6 and IPv4 embedded in IPv6. Private addresses are allowed, since pods have them.
  case publicOnly
}

extension IPAddress {
  /// The address of a `sockaddr`; nil for other families.
  init?(socketAddress address: UnsafeRawPointer, length: Int) {
    guard length >= MemoryLayout<sa_family_t>.size else { return nil }
    switch Int32(address.loadUnaligned(as: sa_family_t.self)) {
    case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
      self.init(v4: UInt32(bigEndian: address.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr))
    case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
      let name = address.loadUnaligned(as: sockaddr_in6.self).sin6_addr
      self = withUnsafeBytes(of: name) { bytes in
        IPAddress(
          v6: (
            UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
          ))
      }
    default: return nil
    }
  }

  /// Parses text with or without a zone, such as `fe80::1%eth0`.
  init?(ignoringZone text: String) {
    self.init(String(text.prefix { $0 != "%" }))
  }
}

extension AddressPolicy {
  /// Why the policy refuses the address, or nil.
  func refusal(of address: IPAddress) -> String? {
    guard self == .publicOnly else { return nil }
    if let v4 = address.v4 { return Self.refusal(v4: v4) }
    guard let v6 = address.v6 else { return nil }
    return Self.embeddedV4(v6).map(Self.refusal(v4:)) ?? Self.refusal(v6: v6)
  }

  /// Special-purpose blocks are those of RFC 6890. Metadata services that are not link-local: Alibaba Cloud's 100.100.100.200, Azure's wire
  /// server 168.63.129.16, Oracle's 192.0.0.192.
  private static func refusal(v4: UInt32) -> String? {
    switch (v4 >> 24, v4 >> 16 & 0xff, v4 >> 8 & 0xff, v4 & 0xff) {
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
  private static func refusal(v6: (high: UInt64, low: UInt64)) -> String? {
    switch v6 {
    case (0, 0): return "it is unspecified"
    case (0, 1): return "it is loopback"
    case (0xfd00_0ec2_0000_0000, 0x254), (0xfd20_00ce_0000_0000, 0x254): return "it is a metadata service"
    default: break
    }
    if v6.high >> 54 == 0xfe80 >> 6 { return "it is link-local" }
    return v6.high >> 56 == 0xff ? "it is multicast" : nil
  }

  /// The IPv4 address that an IPv6 address may be routed to: v4-mapped ::ffff:0:0/96, v4-compatible ::/96 (except :: and ::1), NAT64
  /// 64:ff9b::/96 (RFC 6052) and 6to4 2002::/16 (RFC 3056).
  private static func embeddedV4(_ v6: (high: UInt64, low: UInt64)) -> UInt32? {
    switch (v6.high, v6.low >> 32) {
    case (0, 0xffff), (0x0064_ff9b_0000_0000, 0): return UInt32(truncatingIfNeeded: v6.low)
    case (0, 0) where v6.low & 0xffff_ff00 != 0: return UInt32(truncatingIfNeeded: v6.low)
    default: return v6.high >> 48 == 0x2002 ? UInt32(truncatingIfNeeded: v6.high >> 16) : nil
    }
  }
}
