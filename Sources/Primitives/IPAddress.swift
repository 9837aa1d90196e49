#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// An address as a Pod's status has it: four or sixteen bytes where it is written in the one canonical way.
package enum IPAddress: Hashable, Sendable {
  case v4(UInt32)
  /// Most significant half first.
  case v6(UInt64, UInt64)
  /// Any other text, exactly as it came: an address written otherwise, one with a zone, or none at all.
  case text(String)

  package init(_ text: String) {
    self = Self.canonical(text) ?? .text(text)
  }

  private static func canonical(_ text: String) -> IPAddress? {
    if let v4 = IPAddress(v4: text) { return v4 }
    // The longest text of an IPv6 address has 45 characters; zones and names are left to the comparison below.
    guard (2...45).contains(text.utf8.count), text.utf8.contains(UInt8(ascii: ":")) else { return nil }
    var bytes = in6_addr()
    guard inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
    let address = withUnsafeBytes(of: bytes) { bytes in
      IPAddress.v6(
        UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
    return address.description == text ? address : nil
  }

  /// Four numbers from 0 to 255 without leading zeros.
  private init?(v4 text: String) {
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
    guard parts == 3, digits > 0 else { return nil }
    self = .v4(address << 8 | number)
  }
}

extension IPAddress: CustomStringConvertible {
  package var description: String {
    switch self {
    case .text(let text): return text
    case .v4(let address): return "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    case .v6(let high, let low):
      var bytes = (high.bigEndian, low.bigEndian)
      return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
        guard let start = inet_ntop(AF_INET6, &bytes, text.baseAddress, socklen_t(text.count)) else { return "" }
        return String(cString: start)
      }
    }
  }
}
