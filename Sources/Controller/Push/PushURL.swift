internal import Primitives

/// The URL of a push receiver, as configured. Only the user sets it, so any address is allowed.
package struct PushURL: Hashable, Sendable {
  package let text: String
  /// Whether requests cross a network unencrypted.
  let isPlain: Bool

  static let accepted =
    "an http or https URL such as https://prometheus.example/api/v1/write; credentials go into the headers file, not into the URL"

  /// `nil` unless the text matches `accepted`.
  package init?(_ text: String) {
    guard let separator = text.firstRange(of: "://"), !text.contains(where: { $0 == "#" || $0.isWhitespace || !$0.isASCII }) else {
      return nil
    }
    let scheme = text[..<separator.lowerBound].lowercased()
    guard ["http", "https"].contains(scheme) else { return nil }
    let authority = text[separator.upperBound...].prefix { $0 != "/" && $0 != "?" }
    guard !authority.contains("@"), let host = Self.host(of: String(authority)) else { return nil }
    self.text = text
    isPlain = scheme == "http" && host.lowercased() != "localhost" && IPAddress(host)?.special != .loopback
  }

  private static func host(of authority: String) -> String? {
    if let address = ListenAddress(authority), !authority.hasPrefix(":"), address.port != 0 { return address.host }
    return ListenAddress(authority + ":1").flatMap { authority.isEmpty ? nil : $0.host }
  }
}
