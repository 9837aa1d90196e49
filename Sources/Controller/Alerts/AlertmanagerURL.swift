/// Where an Alertmanager is, as the user wrote it: with a path in front if it is served below one, with a user and a password if a proxy
/// asks for them.
package struct AlertmanagerURL: Hashable, Sendable, CustomStringConvertible {
  /// To post alerts to.
  let alerts: String
  /// Without user and password: for logs, pages and labels.
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

/// A URL, or what was meant to be one, without what stands before an `@` in its authority.
private func withoutCredentials(_ text: String) -> String {
  let start = text.firstRange(of: "://")?.upperBound ?? text.startIndex
  let authority = text[start...].prefix { $0 != "/" }
  guard let at = authority.lastIndex(of: "@") else { return text }
  return String(text[..<start] + text[text.index(after: at)...])
}

/// Why alerts do not reach an Alertmanager.
package enum AlertingError: Error, Hashable, CustomStringConvertible {
  /// The URL of the settings is none.
  case url(String)
  /// Alertmanager answered, and did not take the alerts.
  case refused(status: Int, body: String)

  package var description: String {
    switch self {
    case .url(let text): "\"\(text)\" is not the URL of an Alertmanager: it needs http or https, a host, and no query"
    case .refused(let status, let body): "status \(status)\(body.isEmpty ? "" : ": \(body)")"
    }
  }
}
