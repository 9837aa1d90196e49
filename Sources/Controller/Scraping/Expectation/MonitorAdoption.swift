internal import KubeClient

/// Which Prometheus objects have a monitor in their configuration.
struct MonitorAdoption: Hashable, Sendable {
  /// A Prometheus object that selects the monitor.
  struct Adopting: Hashable, Sendable {
    var prometheus: PrometheusID
    /// The role for Services: the monitor's, else that of the Prometheus object.
    var role: DiscoveryRole
    /// Whether it reduces the monitor to its own namespace.
    var ignoresNamespaceSelectors: Bool
  }

  /// Sorted.
  private(set) var adopting: [Adopting] = []
  /// Of the Prometheus objects that do not select it, sorted.
  private(set) var refusals: [MonitorRefusal] = []
  /// Those without any selector, sorted.
  private(set) var unmanaged: [PrometheusID] = []
  private let isDeclared: Bool

  /// - Parameters:
  ///   - prometheuses: all Prometheus and PrometheusAgent objects.
  ///   - namespaceLabels: of the monitor's Namespace; `nil` if it is not known.
  init(of monitor: MonitorRecord, by prometheuses: some Sequence<PrometheusRecord>, namespaceLabels: [String: String]?) {
    let labels = PackedLabels(monitor.labels)
    // The API server sets this label on every Namespace.
    let namespaceLabels = PackedLabels(namespaceLabels ?? ["kubernetes.io/metadata.name": monitor.id.namespace])
    isDeclared = monitor.id.kind != .vmServiceScrape && monitor.id.kind != .vmPodScrape
    for prometheus in prometheuses.sorted(by: { $0.id < $1.id }) {
      guard let selection = prometheus.selection(of: monitor.id.kind) else { continue }
      if prometheus.isUnmanaged {
        unmanaged.append(prometheus.id)
      } else if let cause = Self.refusal(of: monitor, labels, namespaceLabels, by: prometheus, selection) {
        refusals.append(MonitorRefusal(prometheus: prometheus.id, cause: cause))
      } else {
        adopting.append(
          Adopting(
            prometheus: prometheus.id, role: monitor.role ?? prometheus.role,
            ignoresNamespaceSelectors: prometheus.ignoresNamespaceSelectors))
      }
    }
  }

  /// Source: `selectObjects` in pkg/prometheus/resource_selector.go of the Prometheus Operator.
  private static func refusal(
    of monitor: MonitorRecord, _ labels: PackedLabels, _ namespaceLabels: PackedLabels, by prometheus: PrometheusRecord,
    _ selection: PrometheusRecord.Selection
  ) -> MonitorRefusal.Cause? {
    guard let selector = selection.monitors, selector.isValid, selection.namespaces?.isValid != false else { return .noSelector }
    if let unmet = selector.unmet(by: labels).first { return .labels(unmet) }
    guard let namespaces = selection.namespaces else {
      return monitor.id.namespace == prometheus.id.namespace ? nil : .otherNamespace
    }
    return namespaces.unmet(by: namespaceLabels).first.map { .namespaceLabels($0) }
  }

  /// The Prometheus objects whose service discovery for the monitor looks in a namespace.
  func adopting(for monitor: MonitorRecord, in namespace: String) -> [Adopting] {
    adopting.filter { $0.looks(for: monitor, in: namespace) }
  }

  /// The message if none looks in the namespace.
  var withoutAdopter: ScrapeExpectation.WithoutAdopter {
    guard isDeclared else { return .unknown(.notDeclared) }
    if adopting.isEmpty, !unmanaged.isEmpty { return .unknown(.unmanaged(unmanaged)) }
    if adopting.isEmpty, refusals.isEmpty { return .unknown(.noPrometheus) }
    let ignoring = adopting.map { MonitorRefusal(prometheus: $0.prometheus, cause: .namespaceSelectorIgnored) }
    return .refused((refusals + ignoring).sorted { $0.prometheus < $1.prometheus })
  }
}

extension MonitorAdoption.Adopting {
  func looks(for monitor: MonitorRecord, in namespace: String) -> Bool {
    if !monitor.discoveries.isEmpty {
      return monitor.discoveries.contains { $0.contains(namespace, own: prometheus.namespace) }
    }
    return (ignoresNamespaceSelectors ? .own : monitor.namespaces).contains(namespace, own: monitor.id.namespace)
  }
}

extension ScrapeExpectation {
  /// Why no Prometheus object is expected to have a target.
  enum WithoutAdopter: Hashable, Sendable {
    case unknown(UnknownAdoption)
    case refused([MonitorRefusal])
  }
}
