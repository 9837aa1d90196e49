internal import Glibc

/// What kind of place an address is, as far as that forbids to scrape it. EndpointSlices refuse the same kinds
/// (`ValidateEndpointIP` in Kubernetes' validation).
enum AddressKind: Hashable {
  case loopback, linkLocal, unspecified, multicast
  /// A host's address, or a DNS name.
  case other

  init(_ text: String) {
    var v4 = in_addr()
    var v6 = in6_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      self.init(v4: withUnsafeBytes(of: v4) { Array($0) })
    } else if inet_pton(AF_INET6, text, &v6) == 1 {
      self.init(v6: withUnsafeBytes(of: v6) { Array($0) })
    } else {
      self = text == "localhost" ? .loopback : .other
    }
  }

  private init(v4 bytes: [UInt8]) {
    switch (bytes[0], bytes[1]) {
    case (0, _): self = .unspecified
    case (127, _): self = .loopback
    case (169, 254): self = .linkLocal
    case (224...239, _): self = .multicast
    default: self = .other
    }
  }

  private init(v6 bytes: [UInt8]) {
    if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff {
      self.init(v4: Array(bytes[12...]))  // ::ffff:a.b.c.d is the IPv4 address a.b.c.d
    } else if bytes[..<15].allSatisfy({ $0 == 0 }) {
      switch bytes[15] {
      case 0: self = .unspecified
      case 1: self = .loopback
      default: self = .other
      }
    } else if bytes[0] == 0xfe, bytes[1] & 0xc0 == 0x80 {
      self = .linkLocal
    } else {
      self = bytes[0] == 0xff ? .multicast : .other
    }
  }
}
