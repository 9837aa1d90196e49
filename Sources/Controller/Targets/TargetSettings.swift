internal import JSON
package import Roll

/// Whether ServiceMonitors are written.
package enum ServiceMonitorMode: String, CaseIterable, Sendable {
  case on, off
  /// On if the API server knows the kind.
  case auto
}

/// The objects by which Prometheus finds its targets.
package struct TargetSettings: Hashable, Sendable {
  /// Where our objects live: the namespace that we run in.
  package var namespace: String
  /// Accepts nodes at loopback addresses, as the demo's are. An API server refuses them.
  package var allowsLoopback: Bool
  /// Whether ServiceMonitors are written; without them the Services and EndpointSlices still are.
  package var serviceMonitors: ServiceMonitorMode
  /// For every object, above our own: such as `release`, by which kube-prometheus-stack selects its ServiceMonitors.
  package var extraLabels: [String: String]
  /// How often Prometheus scrapes.
  package var scrapeInterval: Duration
  /// Past so many decompressed bytes Prometheus drops a scrape.
  package var bodyLimit: Int
  /// Past so many samples Prometheus drops a scrape.
  package var sampleLimit: Int
  /// Where each source's targets are found unless a target says otherwise: the ServiceMonitor names it also while there is no target.
  package var endpoints: [Source: ScrapeEndpoint]
  /// Host and port of our `/probe`, where Windows nodes are scraped through us; `nil` where Prometheus scrapes their exporters itself.
  package var probeAddress: String?
  /// A Secret with `ca.crt`, `tls.crt` and `tls.key` for agents that serve https.
  package var agentTLSSecret: String?

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
    agentTLSSecret: String? = nil
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
    self.agentTLSSecret = agentTLSSecret
  }
}
