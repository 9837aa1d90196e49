package import Roll

/// One address that Prometheus is to scrape.
package struct Target: Hashable, Sendable {
  package var node: String
  package var source: Source
  /// An IP address without brackets, or a DNS name.
  package var address: String
  package var port: Int
  /// Begins with a slash.
  package var path: String
  /// `http` or `https`.
  package var scheme: String
  /// What the node's `Ready` condition says. A target that is not ready is still to be scraped.
  package var ready: Bool

  package init(
    node: String, source: Source, address: String, port: Int, path: String = "/metrics", scheme: String = "http", ready: Bool = true
  ) {
    self.node = node
    self.source = source
    self.address = address
    self.port = port
    self.path = path
    self.scheme = scheme
    self.ready = ready
  }
}
