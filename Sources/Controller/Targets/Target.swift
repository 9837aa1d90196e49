package import Roll

/// One address that Prometheus is to scrape.
package struct Target: Hashable, Sendable {
  /// The pod whose endpoint this is; virtual nodes have one target a pod.
  package struct Pod: Hashable, Sendable {
    package var namespace: String
    package var name: String

    package init(namespace: String, name: String) {
      self.namespace = namespace
      self.name = name
    }
  }

  package var node: String
  package var source: Source
  /// An IP address without brackets, or a DNS name.
  package var address: String
  package var port: Int
  /// Begins with a slash.
  package var path: String
  /// `http` or `https`.
  package var scheme: String
  package var pod: Pod?
  /// What the node's `Ready` condition says. A target that is not ready is still to be scraped.
  package var ready: Bool

  package init(
    node: String, source: Source, address: String, port: Int, path: String = "/metrics", scheme: String = "http", pod: Pod? = nil,
    ready: Bool = true
  ) {
    self.node = node
    self.source = source
    self.address = address
    self.port = port
    self.path = path
    self.scheme = scheme
    self.pod = pod
    self.ready = ready
  }
}
