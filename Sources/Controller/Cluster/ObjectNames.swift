import JSON
internal import Primitives
package import Roll

/// Names and labels of the objects that Rollcall writes.
package enum ObjectNames {
  /// The field manager of server-side apply.
  package static let fieldManager = "rollcall"
  /// The value of the managed-by labels.
  package static let manager = "rollcall.dev"
  static let managedBy = "app.kubernetes.io/managed-by"
  static let source = "rollcall.dev/source"
  /// The Secret with the agents' certificates for mutual TLS, which they mount.
  package static let tlsSecret = "rollcall-tls"
  /// The Secret with the keys of the authority and the controller, which no pod mounts.
  package static let authoritySecret = "rollcall-authority"
  /// The Lease of the first shard's leader, and the beginning of the names of the others'.
  static let lease = "rollcall-controller"
  /// The ConfigMap with the open gaps of the first shard, and the beginning of the names of the others'.
  static let gaps = "rollcall-gaps"
  /// The same for the ConfigMap with the last ended gaps.
  static let gapHistory = "rollcall-gap-history"
  // https://kubernetes.io/docs/reference/labels-annotations-taints/
  static let serviceName = "kubernetes.io/service-name"
  static let sliceManagedBy = "endpointslice.kubernetes.io/managed-by"

  /// The name of a shard's own object. That of the first shard has no number, so that an installation can be divided later.
  package static func name(_ base: String, of shard: Int) -> String { shard == 0 ? base : "\(base)-shard-\(shard)" }

  /// The name of a source's ServiceMonitor and of its Service for IPv4, and the prefix of the names of its other objects.
  package static func service(_ source: Source) -> String { "rollcall-\(source.rawValue)" }

  /// The name of a source's Service for one address family.
  static func service(_ source: Source, _ family: IPAddress.Family) -> String {
    family == .ipv4 ? service(source) : "\(service(source))-\(family.rawValue)"
  }

  /// A label selector for the objects of every source.
  static let allSources = "\(managedBy)=\(manager),\(source)"

  /// A label selector for the objects of a source.
  package static func selector(_ source: Source) -> String {
    "\(managedBy)=\(manager),\(Self.source)=\(source.rawValue)"
  }

  /// The labels of every object of a source. Ours override the user's: without them the objects could not be found again.
  static func labels(_ source: Source, extra: [String: String]) -> JSONObject {
    var labels = JSONObject(extra.map { ($0.key, .string($0.value)) })
    labels["app.kubernetes.io/name"] = "rollcall"
    labels["app.kubernetes.io/component"] = .string("\(source.rawValue)-targets")
    labels[managedBy] = .string(manager)
    labels[Self.source] = .string(source.rawValue)
    return labels
  }
}
