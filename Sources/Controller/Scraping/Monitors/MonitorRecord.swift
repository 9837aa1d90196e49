package import JSON
package import KubeClient
package import Primitives

/// A monitor of any kind, reduced to what decides which Pods it selects and who adopts it.
package struct MonitorRecord: Record, Hashable {
  package let id: MonitorID
  package let resourceVersion: String
  /// For the selectors of Prometheus objects.
  package let labels: [String: String]
  /// Where it looks for Services or Pods.
  package let namespaces: MonitorNamespaces
  /// Of Services or Pods. A ScrapeConfig and a Probe have none.
  package let selector: ObjectSelector
  package let mechanism: ObjectSelector.Mechanism
  /// The label of the Service or Pod whose value becomes `job`; empty for none.
  package let jobLabel: String
  /// `nil` for the role of the Prometheus object.
  package let role: DiscoveryRole?
  /// Whether relabel rules can use the labels of nodes.
  package let attachesNodeMetadata: Bool
  /// In the order of the pools' indexes; empty for a ScrapeConfig and a Probe.
  package let endpoints: [MonitorEndpoint]
  /// The service discoveries of a ScrapeConfig that find Pods.
  package let discoveries: [PodDiscovery]

  package var key: ObjectKey { ObjectKey(namespace: id.namespace, name: id.name) }
  package var hasName: Bool { !id.name.isEmpty }
}

/// The namespaces that a monitor looks in.
package enum MonitorNamespaces: Hashable, Sendable {
  case own
  case any
  case listed([String])

  /// Source: `getNamespacesFromNamespaceSelector` in pkg/prometheus/promcfg.go of the Prometheus Operator.
  init(_ selector: JSONValue?) {
    let names = (selector?["matchNames"]?.array ?? []).compactMap(\.string)
    self = selector?["any"]?.bool == true ? .any : names.isEmpty ? .own : .listed(names)
  }

  /// - Parameter own: the namespace of the monitor.
  package func contains(_ namespace: String, own: String) -> Bool {
    switch self {
    case .own: namespace == own
    case .any: true
    case .listed(let names): names.contains(namespace)
    }
  }
}

/// One endpoint of a monitor: a scrape pool.
package struct MonitorEndpoint: Hashable, Sendable {
  package var port: PortReference
  /// Whether finished Pods are dropped: `filterRunning`, which is true by default.
  package var dropsFinished: Bool

  package init(port: PortReference, dropsFinished: Bool = true) {
    self.port = port
    self.dropsFinished = dropsFinished
  }
}

/// A service discovery of a ScrapeConfig.
package struct PodDiscovery: Hashable, Sendable {
  package var role: DiscoveryRole
  /// Without any, all namespaces.
  package var namespaces: [String]
  /// Whether the namespace of the Prometheus object is one of them.
  package var includesOwnNamespace: Bool
  /// Label selectors of the API server for the role's own objects. An empty list selects all.
  package var selectors: [LabelSelector]
}

extension MonitorRecord {
  /// - Parameter kind: the kind of the object.
  package init(_ kind: MonitorID.Kind, _ object: JSONValue) {
    let (metadata, spec) = (object["metadata"], object["spec"])
    id = MonitorID(kind, namespace: metadata?["namespace"]?.string ?? "", name: metadata?["name"]?.string ?? "")
    resourceVersion = metadata?["resourceVersion"]?.string ?? ""
    labels = (metadata?["labels"]?.object ?? [:]).compactMapValues(\.string)
    namespaces = MonitorNamespaces(spec?["namespaceSelector"])
    selector = ObjectSelector(spec?["selector"]) ?? ObjectSelector()
    mechanism = spec?["selectorMechanism"]?.string == "RoleSelector" ? .labels : .relabeling
    jobLabel = spec?["jobLabel"]?.string ?? ""
    attachesNodeMetadata = (spec?["attachMetadata"] ?? spec?["attach_metadata"])?["node"]?.bool == true
    role = (spec?["serviceDiscoveryRole"] ?? spec?["discoveryRole"])?.string.flatMap(DiscoveryRole.init(ofServices:))
    switch kind {
    case .serviceMonitor, .vmServiceScrape:
      // The role `service` of a VMServiceScrape makes targets of Services, not of Pods.
      let scrapesServices = kind == .vmServiceScrape && spec?["discoveryRole"]?.string == "service"
      endpoints = scrapesServices ? [] : (spec?["endpoints"]?.array ?? []).map(MonitorEndpoint.init(ofServices:))
      discoveries = []
    case .podMonitor, .vmPodScrape:
      endpoints = (spec?["podMetricsEndpoints"]?.array ?? []).map(MonitorEndpoint.init(ofPods:))
      discoveries = []
    case .scrapeConfig:
      endpoints = []
      discoveries = (spec?["kubernetesSDConfigs"]?.array ?? []).compactMap(PodDiscovery.init)
    case .probe:
      // Its targets are URLs and Ingresses, and what is scraped is the prober.
      endpoints = []
      discoveries = []
    }
  }
}

extension MonitorEndpoint {
  /// Source: the rules for ports in `generateServiceMonitorConfig` and `generatePodMonitorConfig`, pkg/prometheus/promcfg.go of the
  /// Prometheus Operator: the first field that is set counts, and the others are ignored.
  fileprivate init(ofServices endpoint: JSONValue) {
    self.init(
      port: Self.name(endpoint["port"]).map { .name($0) } ?? Self.containerPort(endpoint["targetPort"]) ?? .any,
      dropsFinished: endpoint["filterRunning"]?.bool != false)
  }

  fileprivate init(ofPods endpoint: JSONValue) {
    self.init(
      port: Self.name(endpoint["port"]).map { .name($0) } ?? Self.containerPort(endpoint["portNumber"])
        ?? Self.containerPort(endpoint["targetPort"]) ?? .any,
      dropsFinished: endpoint["filterRunning"]?.bool != false)
  }

  private static func name(_ value: JSONValue?) -> String? { value?.string.flatMap { $0.isEmpty ? nil : $0 } }

  /// A number or a name; `nil` for none, and for 0.
  private static func containerPort(_ value: JSONValue?) -> PortReference? {
    if let name = name(value) { return .containerPortName(name) }
    return value?.integer.flatMap(UInt16.init(exactly:)).flatMap { $0 == 0 ? nil : .containerPortNumber($0) }
  }
}

extension DiscoveryRole {
  /// The values of both operators: `Endpoints`, `EndpointSlice`, `endpoints`, `endpointslice` and `endpointslices`.
  package init?(ofServices text: String) {
    switch text.lowercased() {
    case "endpoints": self = .endpoints
    case "endpointslice", "endpointslices": self = .endpointSlice
    default: return nil
    }
  }
}

extension PodDiscovery {
  /// `nil` if it finds no Pods of this cluster.
  fileprivate init?(_ discovery: JSONValue) {
    guard discovery["apiServer"]?.string == nil, let name = discovery["role"]?.string,
      let role = name.lowercased() == "pod" ? .pod : DiscoveryRole(ofServices: name)
    else { return nil }
    self.role = role
    namespaces = (discovery["namespaces"]?["names"]?.array ?? []).compactMap(\.string)
    includesOwnNamespace = discovery["namespaces"]?["ownNamespace"]?.bool == true
    selectors = (discovery["selectors"]?.array ?? []).compactMap { selector in
      guard selector["role"]?.string?.lowercased() == name.lowercased() else { return nil }
      return selector["label"]?.string.flatMap { LabelSelector($0) }
    }
  }

  /// - Parameter own: the namespace of the Prometheus object; `nil` if none is known.
  package func contains(_ namespace: String, own: String?) -> Bool {
    namespaces.isEmpty && !includesOwnNamespace || namespaces.contains(namespace) || includesOwnNamespace && namespace == own
  }
}
