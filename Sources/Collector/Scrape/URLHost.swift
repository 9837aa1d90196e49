/// Formats an address as a URL host, with brackets around an IPv6 address. `nil` if it is neither an IP address nor a DNS name. Addresses
/// come from node and pod status and must not be able to change any other part of the URL.
func urlHost(of address: String) -> String? {
  guard !address.isEmpty, address.utf8.count <= 253 else { return nil }
  if address.contains(":") {
    let isIPv6 = address.utf8.allSatisfy { byte in
      byte.isHexDigit || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }
    return isIPv6 ? "[\(address)]" : nil
  }
  let isNameOrIPv4 = address.utf8.allSatisfy { byte in
    byte.isHexDigit || (UInt8(ascii: "g")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }
  return isNameOrIPv4 ? address : nil
}

extension UInt8 {
  fileprivate var isHexDigit: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
    default: false
    }
  }
}

/// The start of an unexpected response body, for a detail. Control characters and line breaks are replaced by spaces.
func excerpt(of body: [UInt8], limit: Int = 160) -> String {
  let text = String(decoding: body.prefix(limit), as: UTF8.self)
  let printable = text.map { $0.isNewline || $0.isWhitespace || ($0.asciiValue ?? 0x20) < 0x20 ? " " : $0 }
  return String(printable) + (body.count > limit ? "…" : "")
}
