internal import JSON
package import Roll

/// Whether ServiceMonitors are written.
package enum ServiceMonitorMode: String, CaseIterable, Sendable {
  case on, off
  /// On if the API server has the kind.
  case auto
}

/// How ServiceMonitors have Prometheus scrape the controller's own port.
package struct ScrapedPort: Hashable, Sendable {
  /// By what Prometheus verifies the port's certificate.
  package enum Authority: Hashable, Sendable {
    /// Our own authority, and the name in every replica's certificate.
    case own
    /// The `ca.crt` of a Secret in our namespace.
    case secret(String)
    case system
  }

  package enum Token: Hashable, Sendable {
    /// That of Prometheus's own service account.
    case serviceAccount
    /// The `token` of a Secret in our namespace.
    case secret(String)
  }

  /// `nil` without TLS.
  package var tls: Authority?
  /// `nil` if the port needs no token.
  package var token: Token?

  package init(tls: Authority? = nil, token: Token? = nil) {
    self.tls = tls
    self.token = token
  }
}

/// Settings of the objects through which Prometheus discovers targets.
package struct TargetSettings: Hashable, Sendable {
  /// The namespace of the objects: the controller's own.
  package var namespace: String
  /// Accepts nodes at loopback addresses, as in the demo. A real API server refuses them.
  package var allowsLoopback: Bool
  /// Services and EndpointSlices are written in any mode.
  package var serviceMonitors: ServiceMonitorMode
  /// Added to every object, e.g. `release`, by which kube-prometheus-stack selects ServiceMonitors. Cannot override Rollcall's labels.
  package var extraLabels: [String: String]
  /// The scrape interval of ServiceMonitors.
  package var scrapeInterval: Duration
  /// Prometheus drops a scrape with more bytes, after decompression.
  package var bodyLimit: Int
  /// Prometheus drops a scrape with more samples.
  package var sampleLimit: Int
  /// Each source's default endpoint. The ServiceMonitor contains it even while no target uses it.
  package var endpoints: [Source: ScrapeEndpoint]
  /// Host and port of the controller's `/probe`, through which Windows nodes are scraped; `nil` if Prometheus scrapes exporters directly.
  package var probeAddress: String?
  /// The Secret with the `ca.crt` of our authority, in `namespace`, where ServiceMonitors can refer to it. That of the agents has no private
  /// key but theirs, and is the one unless it is in another namespace.
  package var authoritySecret: String
  /// The Secret with `ca.crt`, `tls.crt` and `tls.key` for scraping agents over https.
  package var agentTLSSecret: String?
  package var port: ScrapedPort

  package init(
    namespace: String,
    allowsLoopback: Bool = false,
    serviceMonitors: ServiceMonitorMode = .auto,
    extraLabels: [String: String] = [:],
    scrapeInterval: Duration = .seconds(15),
    bodyLimit: Int = 64 << 20,
    sampleLimit: Int = 200_000,
    endpoints: [Source: ScrapeEndpoint] = ScrapeEndpoint.defaults,
    probeAddress: String? = nil,
    authoritySecret: String = ObjectNames.tlsSecret,
    agentTLSSecret: String? = nil,
    port: ScrapedPort = ScrapedPort()
  ) {
    self.namespace = namespace
    self.allowsLoopback = allowsLoopback
    self.serviceMonitors = serviceMonitors
    self.extraLabels = extraLabels
    self.scrapeInterval = scrapeInterval
    self.bodyLimit = bodyLimit
    self.sampleLimit = sampleLimit
    self.endpoints = endpoints
    self.probeAddress = probeAddress
    self.authoritySecret = authoritySecret
    self.agentTLSSecret = agentTLSSecret
    self.port = port
  }
}
