/// A URL cut at its delimiters (RFC 3986), with nothing checked.
package struct URLParts: Hashable, Sendable {
  /// In lower case.
  package let scheme: String
  /// User and password before the `@`.
  package let userInformation: Substring?
  /// Host and port, as in the URL.
  package let address: Substring
  /// Path, query and fragment.
  package let rest: Substring

  /// - Returns: `nil` unless the text contains `://`.
  package init?(_ text: String) {
    guard let separator = text.firstRange(of: "://") else { return nil }
    scheme = text[..<separator.lowerBound].lowercased()
    let authority = text[separator.upperBound...].prefix { !"/?#".contains($0) }
    let at = authority.lastIndex(of: "@")
    userInformation = at.map { authority[..<$0] }
    address = at.map { authority[authority.index(after: $0)...] } ?? authority
    rest = text[authority.endIndex...]
  }
}

/// The parts of an `http` or `https` URL on which requests, checks and messages must agree.
package struct HTTPURL: Hashable, Sendable {
  package let isEncrypted: Bool
  /// User and password before the `@`.
  package let userInformation: String?
  /// A name, or an IP address without brackets.
  package let host: String
  /// The port in the URL, or else 80 or 443.
  package let port: Int
  /// Path, query and fragment.
  package let rest: String

  /// - Returns: `nil` unless the text is a URL of these schemes with a valid host, without white space.
  package init?(_ text: String) {
    guard let parts = URLParts(text), ["http", "https"].contains(parts.scheme), !text.contains(where: \.isWhitespace),
      let (host, port) = Self.split(parts.address)
    else { return nil }
    isEncrypted = parts.scheme == "https"
    userInformation = parts.userInformation.map(String.init)
    self.host = host
    self.port = port ?? (isEncrypted ? 443 : 80)
    rest = String(parts.rest)
  }

  /// Whether the host is a name, which may lead to several addresses.
  package var hasName: Bool { !host.contains(":") && IPAddress(host) == nil }

  /// Whether requests cross a network unencrypted.
  package var isPlain: Bool { !isEncrypted && host.lowercased() != "localhost" && IPAddress(host)?.special != .loopback }

  private static func split(_ text: Substring) -> (host: String, port: Int?)? {
    let isBracketed = text.first == "["
    guard let end = isBracketed ? text.firstIndex(of: "]").map(text.index(after:)) : text.firstIndex(of: ":") ?? text.endIndex else {
      return nil
    }
    let host = String(isBracketed ? text[..<end].dropFirst().dropLast() : text[..<end])
    guard isHost(host), isBracketed == host.contains(":") else { return nil }
    let rest = text[end...]
    if rest.isEmpty { return (host, nil) }
    guard rest.first == ":", let port = Int(rest.dropFirst()), (1...65535).contains(port) else { return nil }
    return (host, port)
  }
}

/// A URL without user and password. The URL may be malformed, so everything up to the last `@` before the path goes: rather too much than
/// too little.
package func withoutUserInformation(_ text: String) -> String {
  let start = text.firstRange(of: "://")?.upperBound ?? text.startIndex
  let authority = text[start...].prefix { $0 != "/" }
  guard let at = authority.lastIndex(of: "@") else { return text }
  return String(text[..<start] + text[text.index(after: at)...])
}

/// Percent-encodes all but the unreserved characters of RFC 3986, for a path segment or a part of a query.
package func escapedForURL(_ text: String) -> String {
  var result = ""
  result.reserveCapacity(text.utf8.count)
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      result.unicodeScalars.append(Unicode.Scalar(byte))
    default:
      let digits = Array("0123456789ABCDEF".unicodeScalars)
      result.unicodeScalars.append("%")
      result.unicodeScalars.append(digits[Int(byte >> 4)])
      result.unicodeScalars.append(digits[Int(byte & 15)])
    }
  }
  return result
}
