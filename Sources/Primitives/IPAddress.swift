internal import Glibc

/// An IPv4 or IPv6 address. Equality ignores the notation.
package struct IPAddress: Hashable, Sendable {
  package enum Family: String, CaseIterable, Sendable {
    case ipv4
    case ipv6
  }

  /// The address as a number. An IPv4 address is in `low`.
  private let high: UInt64
  private let low: UInt64
  package let family: Family

  package init(v4 number: UInt32) {
    (high, low, family) = (0, UInt64(number), .ipv4)
  }

  package init(v6 number: (high: UInt64, low: UInt64)) {
    (high, low, family) = (number.high, number.low, .ipv6)
  }

  /// `nil` if the text is not an address. Names, prefixes, zones and IPv4 with leading zeros are not.
  package init?(_ text: String) {
    if let number = Self.v4(text) {
      self.init(v4: number)
    } else if let number = Self.v6(text) {
      self.init(v6: number)
    } else {
      return nil
    }
  }

  /// The number, if this is an IPv4 address.
  package var v4: UInt32? { family == .ipv4 ? UInt32(low) : nil }

  /// The number, if this is an IPv6 address.
  package var v6: (high: UInt64, low: UInt64)? { family == .ipv6 ? (high, low) : nil }

  /// Parses four numbers from 0 to 255 without leading zeros, like `inet_pton` but without making a C string first.
  private static func v4(_ text: String) -> UInt32? {
    var address: UInt32 = 0
    var parts = 0
    var number: UInt32 = 0
    var digits = 0
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "."):
        guard digits > 0, parts < 3 else { return nil }
        address = address << 8 | number
        (parts, number, digits) = (parts + 1, 0, 0)
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        guard digits == 0 || number > 0 else { return nil }
        number = number * 10 + UInt32(byte - UInt8(ascii: "0"))
        digits += 1
        guard number <= 255 else { return nil }
      default: return nil
      }
    }
    return parts == 3 && digits > 0 ? address << 8 | number : nil
  }

  private static func v6(_ text: String) -> (high: UInt64, low: UInt64)? {
    // 45 characters is the longest form, with an IPv4 address at the end. `inet_pton` would stop at a zero byte.
    guard (2..<Int(INET6_ADDRSTRLEN)).contains(text.utf8.count), text.utf8.contains(UInt8(ascii: ":")), !text.utf8.contains(0) else {
      return nil
    }
    var words: (high: UInt64, low: UInt64) = (0, 0)
    guard inet_pton(AF_INET6, text, &words) == 1 else { return nil }
    return (UInt64(bigEndian: words.high), UInt64(bigEndian: words.low))
  }
}

extension IPAddress: CustomStringConvertible {
  /// The canonical text, for IPv6 by RFC 5952.
  package var description: String {
    if let v4 { return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)" }
    var words = (high.bigEndian, low.bigEndian)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
      guard let start = inet_ntop(AF_INET6, &words, text.baseAddress, socklen_t(text.count)) else { return "" }
      return String(cString: start)
    }
  }
}

extension IPAddress {
  /// The ranges that an endpoint's address must not be in.
  ///
  /// Source: `ValidateEndpointIP` in k8s.io/kubernetes/pkg/apis/core/validation. The API server rejects an EndpointSlice with one such
  /// address. Of multicast it rejects only link-local addresses; this rejects all, since none belongs to a single host.
  package enum Special: String, Sendable {
    case unspecified
    case loopback
    case linkLocal = "link-local"
    case multicast
    case mapped = "IPv4-mapped"
  }

  package var special: Special? {
    if let v4 {
      switch v4 >> 24 {
      case 0 where v4 == 0: return .unspecified
      case 127: return .loopback
      case 169 where v4 >> 16 & 0xff == 254: return .linkLocal
      case 224...239: return .multicast
      default: return nil
      }
    }
    switch (high, low) {
    case (0, 0): return .unspecified
    case (0, 1): return .loopback
    case (0, _) where low >> 32 == 0xffff: return .mapped
    default: break
    }
    if high >> 54 == 0xfe80 >> 6 { return .linkLocal }
    return high >> 56 == 0xff ? .multicast : nil
  }
}

/// An IP address in a Pod's status, as the API server has it.
package enum PodIP: Hashable, Sendable {
  /// An address whose text is canonical.
  case address(IPAddress)
  /// Any other text, unchanged, such as an address in another notation or with a zone.
  case text(String)

  package init(_ text: String) {
    if let address = IPAddress(text), address.v4 != nil || address.description == text {
      self = .address(address)
    } else {
      self = .text(text)
    }
  }
}

extension PodIP: CustomStringConvertible {
  package var description: String {
    switch self {
    case .address(let address): address.description
    case .text(let text): text
    }
  }
}
