/// Which clients scrape our metrics, so that a person with curl does not end an `unscraped` gap.
package enum Scrapers: Hashable, Sendable {
  /// Nothing is scraped by design: no container is ever `unscraped`.
  case none
  /// Prometheus and everything that scrapes like it.
  case common
  /// Clients whose User-Agent begins with one of these texts.
  case named([String])

  /// The header by which Prometheus announces its timeout. vmagent, Grafana Alloy and the OpenTelemetry Collector send it, too.
  package static let timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

  /// Scrapers whose User-Agent suffices; not all of them announce a timeout.
  private static let commonAgents = [
    "Prometheus/", "vm_promscrape", "Alloy/", "GrafanaAgent/", "otelcol", "Datadog Agent/", "Telegraf/",
  ]

  /// Whether a request for metrics is a scrape.
  package func include(userAgent: String?, announcesTimeout: Bool) -> Bool {
    switch self {
    case .none: false
    case .common: announcesTimeout || userAgent.map { agent in Self.commonAgents.contains { agent.hasPrefix($0) } } ?? false
    case .named(let agents): userAgent.map { agent in agents.contains { agent.hasPrefix($0) } } ?? false
    }
  }
}
