/// The URL of an Alertmanager as configured: with its path prefix, and with user and password if a proxy requires them.
package struct AlertmanagerURL: Hashable, Sendable, CustomStringConvertible {
  /// The endpoint for posting alerts.
  let alerts: String
  /// Without user and password, for logs, the status page and labels.
  package let description: String

  package init(_ text: String) throws(AlertingError) {
    guard let separator = text.firstRange(of: "://"), ["http", "https"].contains(text[..<separator.lowerBound].lowercased()),
      !text.contains(where: { $0 == "?" || $0 == "#" || $0.isWhitespace })
    else { throw .url(withoutCredentials(text)) }
    var base = text[...]
    while base.last == "/" { base.removeLast() }
    let rest = text[separator.upperBound...]
    let authority = rest.prefix { $0 != "/" }
    let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    guard !host.isEmpty, host.first != ":" else { throw .url(withoutCredentials(text)) }
    alerts = base + "/api/v2/alerts"
    description = withoutCredentials(String(base))
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
  /// Alertmanager responded and did not accept the alerts.
  case refused(status: Int, body: String)

  package var description: String {
    switch self {
    case .url(let text): "\"\(text)\" is not an Alertmanager URL: it needs http or https and a host, and may have no query"
    case .refused(let status, let body): "status \(status)\(body.isEmpty ? "" : ": \(body)")"
    }
  }
}
