/// A resource type of the API server, and its path.
public struct APIResource: Hashable, Sendable {
  /// Empty for the core group.
  public var group: String
  /// E.g. `v1`.
  public var version: String
  /// The plural name in paths, e.g. `pods`.
  public var plural: String
  /// The `kind` of its objects.
  public var kind: String
  public var namespaced: Bool

  public init(group: String, version: String, plural: String, kind: String, namespaced: Bool) {
    self.group = group
    self.version = version
    self.plural = plural
    self.kind = kind
    self.namespaced = namespaced
  }

  /// The `apiVersion` of its objects: `group/version`, or `version` for the core group.
  public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
}

extension APIResource {
  public static let nodes = APIResource(group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false)
  public static let pods = APIResource(group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true)
  public static let services = APIResource(group: "", version: "v1", plural: "services", kind: "Service", namespaced: true)
  public static let secrets = APIResource(group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true)
  public static let configMaps = APIResource(group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true)
  public static let namespaces = APIResource(group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false)
  public static let daemonSets = APIResource(group: "apps", version: "v1", plural: "daemonsets", kind: "DaemonSet", namespaced: true)
  public static let deployments = APIResource(group: "apps", version: "v1", plural: "deployments", kind: "Deployment", namespaced: true)
  public static let statefulSets = APIResource(group: "apps", version: "v1", plural: "statefulsets", kind: "StatefulSet", namespaced: true)
  public static let networkPolicies = APIResource(
    group: "networking.k8s.io", version: "v1", plural: "networkpolicies", kind: "NetworkPolicy", namespaced: true)
  public static let runtimeClasses = APIResource(
    group: "node.k8s.io", version: "v1", plural: "runtimeclasses", kind: "RuntimeClass", namespaced: false)
  public static let endpointSlices = APIResource(
    group: "discovery.k8s.io", version: "v1", plural: "endpointslices", kind: "EndpointSlice", namespaced: true)
  public static let leases = APIResource(
    group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", namespaced: true)
  /// https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
  public static let tokenReviews = APIResource(
    group: "authentication.k8s.io", version: "v1", plural: "tokenreviews", kind: "TokenReview", namespaced: false)
  /// https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/
  public static let subjectAccessReviews = APIResource(
    group: "authorization.k8s.io", version: "v1", plural: "subjectaccessreviews", kind: "SubjectAccessReview", namespaced: false)
  public static let selfSubjectAccessReviews = APIResource(
    group: "authorization.k8s.io", version: "v1", plural: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview", namespaced: false)
  /// Events of the group `events.k8s.io`, which replaced those of the core group.
  public static let events = APIResource(group: "events.k8s.io", version: "v1", plural: "events", kind: "Event", namespaced: true)
  /// A custom resource of the Prometheus Operator; exists only where its CRDs are installed.
  public static let serviceMonitors = APIResource(
    group: "monitoring.coreos.com", version: "v1", plural: "servicemonitors", kind: "ServiceMonitor", namespaced: true)
  /// A custom resource of the Prometheus Operator; exists only where its CRDs are installed.
  public static let podMonitors = APIResource(
    group: "monitoring.coreos.com", version: "v1", plural: "podmonitors", kind: "PodMonitor", namespaced: true)
  /// A custom resource of the Prometheus Operator; exists only where its CRDs are installed.
  public static let probes = APIResource(
    group: "monitoring.coreos.com", version: "v1", plural: "probes", kind: "Probe", namespaced: true)
  /// A custom resource of the Prometheus Operator; exists only where its CRDs are installed.
  public static let scrapeConfigs = APIResource(
    group: "monitoring.coreos.com", version: "v1alpha1", plural: "scrapeconfigs", kind: "ScrapeConfig", namespaced: true)
  /// A custom resource of the Prometheus Operator; exists only where its CRDs are installed.
  public static let prometheuses = APIResource(
    group: "monitoring.coreos.com", version: "v1", plural: "prometheuses", kind: "Prometheus", namespaced: true)
  /// A custom resource of the Prometheus Operator; exists only where its CRDs are installed.
  public static let prometheusAgents = APIResource(
    group: "monitoring.coreos.com", version: "v1alpha1", plural: "prometheusagents", kind: "PrometheusAgent", namespaced: true)
  /// A custom resource of the VictoriaMetrics operator; exists only where its CRDs are installed.
  public static let vmServiceScrapes = APIResource(
    group: "operator.victoriametrics.com", version: "v1beta1", plural: "vmservicescrapes", kind: "VMServiceScrape", namespaced: true)
  /// A custom resource of the VictoriaMetrics operator; exists only where its CRDs are installed.
  public static let vmPodScrapes = APIResource(
    group: "operator.victoriametrics.com", version: "v1beta1", plural: "vmpodscrapes", kind: "VMPodScrape", namespaced: true)
  /// A custom resource of the Prometheus Operator; exists only where its CRDs are installed.
  public static let prometheusRules = APIResource(
    group: "monitoring.coreos.com", version: "v1", plural: "prometheusrules", kind: "PrometheusRule", namespaced: true)

  /// The resources declared here. Objects of these kinds need no explicit `APIResource`.
  public static let known: [APIResource] = [
    .nodes, .pods, .services, .secrets, .configMaps, .namespaces, .daemonSets, .deployments, .statefulSets, .networkPolicies,
    .runtimeClasses, .endpointSlices, .leases, .tokenReviews, .subjectAccessReviews, .selfSubjectAccessReviews, .events, .serviceMonitors,
    .podMonitors, .probes, .scrapeConfigs, .prometheuses, .prometheusAgents, .vmServiceScrapes, .vmPodScrapes, .prometheusRules,
  ]

  /// The known resource with this `apiVersion` and `kind`.
  public static func known(apiVersion: String, kind: String) -> APIResource? {
    known.first { $0.kind == kind && $0.apiVersion == apiVersion }
  }
}

/// Namespace and name of an object.
public struct ObjectKey: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Empty for cluster-scoped objects.
  public var namespace: String
  /// Unique within namespace and resource.
  public var name: String

  public init(namespace: String = "", name: String) {
    self.namespace = namespace
    self.name = name
  }

  public var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

  public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
    (left.namespace, left.name) < (right.namespace, right.name)
  }
}
