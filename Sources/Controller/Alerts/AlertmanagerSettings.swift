package import HTTPTransport

/// The Alertmanagers to which open gaps are sent, and how.
package struct AlertmanagerSettings: Hashable, Sendable {
  package var urls: [AlertmanagerURL]
  package var tls: TLSOptions
  /// A file of HTTP headers to add to each request.
  package var headersFile: String?
  /// Added to every alert without a label of that name.
  package var externalLabels: [String: String]
  package var runbooks: Runbooks

  package init(
    urls: [AlertmanagerURL], tls: TLSOptions = TLSOptions(), headersFile: String? = nil, externalLabels: [String: String] = [:],
    runbooks: Runbooks = .standard
  ) {
    self.urls = urls
    self.tls = tls
    self.headersFile = headersFile
    self.externalLabels = externalLabels
    self.runbooks = runbooks
  }
}
