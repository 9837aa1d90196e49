internal import Primitives

/// The URL of an Alertmanager as configured: with its path prefix, and with user and password if a proxy requires them.
package struct AlertmanagerURL: Hashable, Sendable, CustomStringConvertible {
  private let parts: HTTPURL
  /// The endpoint for posting alerts.
  let alerts: String
  /// Without user and password, for logs, the status page and labels.
  package let description: String

  /// A name, or an IP address without brackets.
  var host: String { parts.host }
  var port: Int { parts.port }
  /// Whether the host is a name, which may lead to several addresses.
  var hasName: Bool { parts.hasName }
  /// Whether requests cross a network unencrypted.
  var isPlain: Bool { parts.isPlain }

  package init(_ text: String) throws(AlertingError) {
    guard let parts = HTTPURL(text), !parts.rest.contains(where: { $0 == "?" || $0 == "#" }) else {
      throw .url(withoutUserInformation(text))
    }
    self.parts = parts
    var base = text[...]
    while base.last == "/" { base.removeLast() }
    alerts = base + "/api/v2/alerts"
    description = withoutUserInformation(String(base))
  }
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
