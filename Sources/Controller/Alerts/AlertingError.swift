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
