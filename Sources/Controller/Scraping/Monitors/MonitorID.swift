/// A monitor: an object that tells scrapers what to scrape.
package struct MonitorID: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    case serviceMonitor = "ServiceMonitor"
    case podMonitor = "PodMonitor"
    case scrapeConfig = "ScrapeConfig"
    case probe = "Probe"
    case vmServiceScrape = "VMServiceScrape"
    case vmPodScrape = "VMPodScrape"
  }

  package var kind: Kind
  package var namespace: String
  package var name: String

  package init(_ kind: Kind, namespace: String, name: String) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
  }

  /// The name of the scrape pool that an operator makes of one endpoint of the monitor.
  ///
  /// Source: `job_name` in pkg/prometheus/promcfg.go of the Prometheus Operator; for the last two kinds,
  /// internal/controller/operator/factory/vmagent of the VictoriaMetrics operator.
  /// - Parameter endpoint: the index in the monitor's list of endpoints; a ScrapeConfig and a Probe have one pool.
  package func scrapePool(endpoint: Int) -> String {
    switch kind {
    case .serviceMonitor: "serviceMonitor/\(namespace)/\(name)/\(endpoint)"
    case .podMonitor: "podMonitor/\(namespace)/\(name)/\(endpoint)"
    case .scrapeConfig: "scrapeConfig/\(namespace)/\(name)"
    case .probe: "probe/\(namespace)/\(name)"
    case .vmServiceScrape: "serviceScrape/\(namespace)/\(name)/\(endpoint)"
    case .vmPodScrape: "podScrape/\(namespace)/\(name)/\(endpoint)"
    }
  }
}

extension MonitorID: CustomStringConvertible, Comparable {
  package var description: String { "\(kind.rawValue) \(namespace)/\(name)" }

  package static func < (left: MonitorID, right: MonitorID) -> Bool {
    (left.kind.rawValue, left.namespace, left.name) < (right.kind.rawValue, right.namespace, right.name)
  }
}

/// A Prometheus or PrometheusAgent object.
package struct PrometheusID: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    case server = "Prometheus"
    case agent = "PrometheusAgent"
  }

  package var kind: Kind
  package var namespace: String
  package var name: String

  package init(_ kind: Kind, namespace: String, name: String) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
  }
}

extension PrometheusID: CustomStringConvertible, Comparable {
  package var description: String { "\(kind.rawValue) \(namespace)/\(name)" }

  package static func < (left: PrometheusID, right: PrometheusID) -> Bool {
    (left.kind.rawValue, left.namespace, left.name) < (right.kind.rawValue, right.namespace, right.name)
  }
}

/// The objects that a scraper's service discovery looks at.
package enum DiscoveryRole: String, Hashable, Sendable {
  case pod
  case endpoints
  case endpointSlice = "endpointslice"
}
