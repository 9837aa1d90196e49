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
  // In the order of the wire: 16 bytes, or the first 4 of them. Words, so that 5,000 addresses are no 5,000 allocations.
  private let high: UInt64
  private let low: UInt64

  /// `nil` for anything but an address: names, prefixes, zones, leading zeros.
  init?(_ text: String) {
    if let words = parsed(text, AF_INET) {
      (family, high, low) = (.ipv4, words.high, words.low)
    } else if let words = parsed(text, AF_INET6) {
      (family, high, low) = (.ipv6, words.high, words.low)
    } else {
      return nil
    }
  }

  /// In the order of the wire: 4 or 16.
  private func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    withUnsafeBytes(of: (high, low)) { body(UnsafeRawBufferPointer(rebasing: $0.prefix(family == .ipv4 ? 4 : 16))) }
  }

  /// The canonical text; for IPv6 that of RFC 5952, which the API server asks for.
  var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let length = socklen_t(text.count)
    let isWritten = withBytes { inet_ntop(family == .ipv4 ? AF_INET : AF_INET6, $0.baseAddress, &text, length) != nil }
    guard isWritten else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// The bytes of an address, if it is one of `family`.
private func parsed(_ text: String, _ family: Int32) -> (high: UInt64, low: UInt64)? {
  var words: (high: UInt64, low: UInt64) = (0, 0)
  return inet_pton(family, text, &words) == 1 ? words : nil
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

  var special: Special? { withBytes(special) }

  private func special(_ bytes: UnsafeRawBufferPointer) -> Special? {
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
