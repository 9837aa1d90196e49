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
  /// The label of alerts that other shards may have as well: those on workloads, whose containers are on nodes of several shards, and
  /// `RollcallTooManyGaps`. `nil` without other shards.
  package var shard: String?

  package init(
    urls: [AlertmanagerURL], tls: TLSOptions = TLSOptions(), headersFile: String? = nil, externalLabels: [String: String] = [:],
    runbooks: Runbooks = .standard, shard: String? = nil
  ) {
    self.urls = urls
    self.tls = tls
    self.headersFile = headersFile
    self.externalLabels = externalLabels
    self.runbooks = runbooks
    self.shard = shard
  }
}
