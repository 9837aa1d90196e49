internal import Primitives

/// Where samples are pushed, as the user wrote it. No pod chooses it, so it may be at any address.
package struct PushURL: Hashable, Sendable {
  package let text: String
  /// Whether what is sent can be read on the way.
  let isPlain: Bool

  static let accepted =
    "an http or https URL such as https://prometheus.example/api/v1/write, without user and password, for which there is a file of headers"

  /// `nil` for what is no such URL.
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
