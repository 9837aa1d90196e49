internal import Primitives

/// The URL of an Alertmanager as configured: with its path prefix, and with user and password if a proxy requires them.
package struct AlertmanagerURL: Hashable, Sendable, CustomStringConvertible {
  /// The endpoint for posting alerts.
  let alerts: String
  /// A name, or an IP address without brackets.
  let host: String
  let port: Int
  /// Whether the host is a name, which may lead to several addresses.
  var hasName: Bool { IPAddress(host) == nil && !host.contains(":") }
  /// Whether requests cross a network unencrypted.
  let isPlain: Bool
  /// Without user and password, for logs, the status page and labels.
  package let description: String

  package init(_ text: String) throws(AlertingError) {
    guard let separator = text.firstRange(of: "://"), !text.contains(where: { $0 == "?" || $0 == "#" || $0.isWhitespace }) else {
      throw .url(withoutCredentials(text))
    }
    let scheme = text[..<separator.lowerBound].lowercased()
    var base = text[...]
    while base.last == "/" { base.removeLast() }
    let authority = text[separator.upperBound...].prefix { $0 != "/" }
    let hostAndPort = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    guard ["http", "https"].contains(scheme), let (host, port) = Self.split(hostAndPort) else { throw .url(withoutCredentials(text)) }
    self.host = host
    self.port = port ?? (scheme == "https" ? 443 : 80)
    isPlain = scheme == "http" && host.lowercased() != "localhost" && IPAddress(host)?.special != .loopback
    alerts = base + "/api/v2/alerts"
    description = withoutCredentials(String(base))
  }

  private static func split(_ text: Substring) -> (host: String, port: Int?)? {
    let end = text.first == "[" ? text.firstIndex(of: "]").map(text.index(after:)) : text.firstIndex(of: ":") ?? text.endIndex
    guard let end else { return nil }
    let host = text.first == "[" ? text[..<end].dropFirst().dropLast() : text[..<end]
    guard !host.isEmpty else { return nil }
    let rest = text[end...]
    if rest.isEmpty { return (String(host), nil) }
    guard rest.first == ":", let port = Int(rest.dropFirst()), (1...65535).contains(port) else { return nil }
    return (String(host), port)
  }
}

/// Removes user and password from a URL, which may be malformed.
private func withoutCredentials(_ text: String) -> String {
  let start = text.firstRange(of: "://")?.upperBound ?? text.startIndex
  let authority = text[start...].prefix { $0 != "/" }
  guard let at = authority.lastIndex(of: "@") else { return text }
  return String(text[..<start] + text[text.index(after: at)...])
}

/// Alerts cannot be sent to an Alertmanager.
package enum AlertingError: Error, Hashable, CustomStringConvertible {
  /// The configured URL is invalid.
  case url(String)
  /// The headers file has never been readable.
  case headers(String)
  /// Alertmanager responded and did not accept the alerts.
  case refused(status: Int, body: String)

  package var description: String {
    switch self {
    case .url(let text): "\"\(text)\" is not an Alertmanager URL: it needs http or https and a host, and may have no query"
    case .headers(let detail): detail
    case .refused(let status, let body): "status \(status)\(body.isEmpty ? "" : ": \(body)")"
    }
  }
}
