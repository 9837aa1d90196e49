/// A kind of object that the API server keeps, and where it keeps it.
public struct APIResource: Hashable, Sendable {
  /// The API group; empty for the core group.
  public var group: String
  /// The API version, for example `v1`.
  public var version: String
  /// The plural name that paths use, for example `pods`.
  public var plural: String
  /// What objects carry as `kind`.
  public var kind: String
  /// Whether objects of this kind live in a namespace.
  public var namespaced: Bool

  public init(group: String, version: String, plural: String, kind: String, namespaced: Bool) {
    self.group = group
    self.version = version
    self.plural = plural
    self.kind = kind
    self.namespaced = namespaced
  }

  /// What objects carry as `apiVersion`: the version, after the group if there is one.
  public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
}

extension APIResource {
  /// Machines, with or without a real one behind them.
  public static let nodes = APIResource(group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false)
  /// Groups of containers.
  public static let pods = APIResource(group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true)
  /// Names for groups of Pods.
  public static let services = APIResource(group: "", version: "v1", plural: "services", kind: "Service", namespaced: true)
  /// Certificates, keys and tokens.
  public static let secrets = APIResource(group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true)
  /// Settings.
  public static let configMaps = APIResource(group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true)
  /// What names are unique within.
  public static let namespaces = APIResource(group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false)
  /// The addresses behind Services.
  public static let endpointSlices = APIResource(
    group: "discovery.k8s.io", version: "v1", plural: "endpointslices", kind: "EndpointSlice", namespaced: true)
  /// What leaders are elected by.
  public static let leases = APIResource(
    group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", namespaced: true)
  /// The events of the group `events.k8s.io`, which replaced those of the core group.
  public static let events = APIResource(group: "events.k8s.io", version: "v1", plural: "events", kind: "Event", namespaced: true)
  /// A Prometheus Operator's custom resource; there only where its CRDs are.
  public static let serviceMonitors = APIResource(
    group: "monitoring.coreos.com", version: "v1", plural: "servicemonitors", kind: "ServiceMonitor", namespaced: true)
  /// A Prometheus Operator's custom resource; there only where its CRDs are.
  public static let prometheusRules = APIResource(
    group: "monitoring.coreos.com", version: "v1", plural: "prometheusrules", kind: "PrometheusRule", namespaced: true)

  /// The resources that this module names, by which an object's own `apiVersion` and `kind` find their path.
  public static let known: [APIResource] = [
    .nodes, .pods, .services, .secrets, .configMaps, .namespaces, .endpointSlices, .leases, .events, .serviceMonitors, .prometheusRules,
  ]

  /// The known resource of objects with these two members; `nil` for one that `known` does not list.
  public static func known(apiVersion: String, kind: String) -> APIResource? {
    known.first { $0.kind == kind && $0.apiVersion == apiVersion }
  }
}
