#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// An IPv4 or IPv6 address, equal to another however the two were written.
struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  enum Family: String, CaseIterable, Sendable {
    case ipv4
    case ipv6
  }

  let family: Family
  /// In the order of the wire: 4 or 16.
  let bytes: [UInt8]

  /// `nil` for anything but an address: names, prefixes, zones, leading zeros.
  init?(_ text: String) {
    if let bytes = parsed(text, AF_INET, count: 4) {
      self.init(family: .ipv4, bytes: bytes)
    } else if let bytes = parsed(text, AF_INET6, count: 16) {
      self.init(family: .ipv6, bytes: bytes)
    } else {
      return nil
    }
  }

  private init(family: Family, bytes: [UInt8]) {
    self.family = family
    self.bytes = bytes
  }

  /// The canonical text; for IPv6 that of RFC 5952, which the API server asks for.
  var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let length = socklen_t(text.count)
    guard inet_ntop(family == .ipv4 ? AF_INET : AF_INET6, bytes, &text, length) != nil else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// The bytes of an address, if it is one of `family`.
private func parsed(_ text: String, _ family: Int32, count: Int) -> [UInt8]? {
  var bytes = [UInt8](repeating: 0, count: count)
  return inet_pton(family, text, &bytes) == 1 ? bytes : nil
}

extension IPAddress {
  /// The kinds of addresses that no endpoint may have.
  ///
  /// Source: `ValidateEndpointIP` in k8s.io/kubernetes/pkg/apis/core/validation, which refuses an EndpointSlice as a whole for one of
  /// them. It refuses only link-local multicast; no multicast address is a host that answers, so all of them are refused here.
  enum Special: String, Sendable {
    case unspecified
    case loopback
    case linkLocal = "link-local"
    case multicast
    case mapped = "IPv4-mapped"
  }

  var special: Special? {
    switch family {
    case .ipv4:
      if bytes.allSatisfy({ $0 == 0 }) { return .unspecified }
      if bytes[0] == 127 { return .loopback }
      if bytes[0] == 169, bytes[1] == 254 { return .linkLocal }
      return bytes[0] >> 4 == 0xe ? .multicast : nil
    case .ipv6:
      if bytes.allSatisfy({ $0 == 0 }) { return .unspecified }
      if bytes.dropLast().allSatisfy({ $0 == 0 }), bytes[15] == 1 { return .loopback }
      if bytes[0] == 0xfe, bytes[1] & 0xc0 == 0x80 { return .linkLocal }
      if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff { return .mapped }
      return bytes[0] == 0xff ? .multicast : nil
    }
  }
}
