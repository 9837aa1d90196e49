#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An IPv4 or IPv6 address as text names it, without zone.
struct IPAddress: Hashable, Sendable {
  /// 4 or 16 bytes in network order.
  let bytes: [UInt8]

  var isIPv4: Bool { bytes.count == 4 }

  init?(_ text: String) {
    var v4 = in_addr()
    var v6 = in6_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      bytes = withUnsafeBytes(of: &v4) { Array($0) }
    } else if inet_pton(AF_INET6, text, &v6) == 1 {
      bytes = withUnsafeBytes(of: &v6) { Array($0) }
    } else {
      return nil
    }
  }

  /// The reason why an endpoint may not have this address. The texts are those of ValidateNonSpecialIP in k8s.io/kubernetes.
  func specialRange(acceptsLoopback: Bool) -> String? {
    if bytes.allSatisfy({ $0 == 0 }) { return "may not be unspecified (0.0.0.0 or ::)" }
    if isLoopback { return acceptsLoopback ? nil : "may not be in the loopback range (127.0.0.0/8, ::1/128)" }
    if isLinkLocal { return "may not be in the link-local range (169.254.0.0/16, fe80::/10)" }
    if isLinkLocalMulticast { return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)" }
    return nil
  }

  private var isLoopback: Bool {
    isIPv4 ? bytes[0] == 127 : bytes.last == 1 && bytes.dropLast().allSatisfy { $0 == 0 }
  }

  private var isLinkLocal: Bool {
    isIPv4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
  }

  private var isLinkLocalMulticast: Bool {
    isIPv4 ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0 : bytes[0] == 0xFF && bytes[1] & 0x0F == 0x02
  }
}
