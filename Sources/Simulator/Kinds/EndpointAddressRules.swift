import Primitives

// The rules are written again here, and not taken from `IPAddress.special`: the simulator refuses what the API server refuses, not what the controller
// leaves out.

extension IPAddress {
  /// Why an endpoint may not have this address; `nil` if it may. The texts are those of ValidateNonSpecialIP in k8s.io/kubernetes.
  func specialRange(acceptsLoopback: Bool) -> String? {
    if isUnspecified { return "may not be unspecified (0.0.0.0 or ::)" }
    if isLoopback { return acceptsLoopback ? nil : "may not be in the loopback range (127.0.0.0/8, ::1/128)" }
    if isLinkLocal { return "may not be in the link-local range (169.254.0.0/16, fe80::/10)" }
    if isLinkLocalMulticast { return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)" }
    return nil
  }

  private var isUnspecified: Bool { v4.map { $0 == 0 } ?? (v6 ?? (0, 0) == (0, 0)) }

  private var isLoopback: Bool { v4.map { $0 >> 24 == 127 } ?? (v6 ?? (0, 0) == (0, 1)) }

  private var isLinkLocal: Bool { v4.map { $0 >> 16 == 0xa9fe } ?? (firstSixteenBits & 0xffc0 == 0xfe80) }

  private var isLinkLocalMulticast: Bool { v4.map { $0 >> 8 == 0xe0_0000 } ?? (firstSixteenBits & 0xff0f == 0xff02) }

  private var firstSixteenBits: UInt64 { (v6?.high ?? 0) >> 48 }
}
