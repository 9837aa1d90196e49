package import JSON
package import KubeClient

/// A Prometheus or PrometheusAgent object, reduced to what decides which monitors it adopts and how it looks for their Pods.
package struct PrometheusRecord: Record, Hashable {
  /// The selectors for monitors of one kind.
  package struct Selection: Hashable, Sendable {
    /// `nil` selects none.
    package var monitors: ObjectSelector?
    /// `nil` selects the namespace of the Prometheus object.
    package var namespaces: ObjectSelector?
  }

  package let id: PrometheusID
  package let resourceVersion: String
  private let serviceMonitors: Selection
  private let podMonitors: Selection
  private let probes: Selection
  private let scrapeConfigs: Selection
  /// Whether monitors look in their own namespace only, whatever they say.
  package let ignoresNamespaceSelectors: Bool
  /// For monitors that do not say.
  package let role: DiscoveryRole

  package var key: ObjectKey { ObjectKey(namespace: id.namespace, name: id.name) }
  package var hasName: Bool { !id.name.isEmpty }

  package init(_ kind: PrometheusID.Kind, _ object: JSONValue) {
    let (metadata, spec) = (object["metadata"], object["spec"])
    id = PrometheusID(kind, namespace: metadata?["namespace"]?.string ?? "", name: metadata?["name"]?.string ?? "")
    resourceVersion = metadata?["resourceVersion"]?.string ?? ""
    func selection(_ prefix: String) -> Selection {
      Selection(
        monitors: ObjectSelector(spec?["\(prefix)Selector"]), namespaces: ObjectSelector(spec?["\(prefix)NamespaceSelector"]))
    }
    serviceMonitors = selection("serviceMonitor")
    podMonitors = selection("podMonitor")
    probes = selection("probe")
    scrapeConfigs = selection("scrapeConfig")
    ignoresNamespaceSelectors = spec?["ignoreNamespaceSelectors"]?.bool == true
    role = spec?["serviceDiscoveryRole"]?.string.flatMap(DiscoveryRole.init(ofServices:)) ?? .endpoints
  }

  /// `nil` for the kinds of another operator.
  package func selection(of kind: MonitorID.Kind) -> Selection? {
    switch kind {
    case .serviceMonitor: serviceMonitors
    case .podMonitor: podMonitors
    case .probe: probes
    case .scrapeConfig: scrapeConfigs
    case .vmServiceScrape, .vmPodScrape: nil
    }
  }

  /// Whether the operator leaves its configuration to the user: it has no selector for monitors. Selectors of namespaces do not count.
  package var isUnmanaged: Bool {
    [serviceMonitors, podMonitors, probes, scrapeConfigs].allSatisfy { $0.monitors == nil }
  }
}
