import JSON
package import Roll

/// Names and labels of the objects that Rollcall writes.
package enum ObjectNames {
  /// The field manager of server-side apply.
  package static let fieldManager = "rollcall"
  /// The value of the managed-by labels.
  package static let manager = "rollcall.dev"
  static let managedBy = "app.kubernetes.io/managed-by"
  static let source = "rollcall.dev/source"
  /// The Secret with the certificates for mutual TLS.
  static let tlsSecret = "rollcall-tls"
  // https://kubernetes.io/docs/reference/labels-annotations-taints/
  static let serviceName = "kubernetes.io/service-name"
  static let sliceManagedBy = "endpointslice.kubernetes.io/managed-by"

  /// The name of a source's Service and ServiceMonitor, and the prefix of its EndpointSlices' names.
  package static func service(_ source: Source) -> String { "rollcall-\(source.rawValue)" }

  /// A label selector for the objects of a source.
  package static func selector(_ source: Source) -> String {
    "\(managedBy)=\(manager),\(Self.source)=\(source.rawValue)"
  }

  /// The labels of every object of a source. Ours override the user's: without them the objects could not be found again.
  static func labels(_ source: Source, extra: [String: String]) -> [String: JSONValue] {
    var labels = extra.mapValues { JSONValue.string($0) }
    labels["app.kubernetes.io/name"] = "rollcall"
    labels["app.kubernetes.io/component"] = .string("\(source.rawValue)-targets")
    labels[managedBy] = .string(manager)
    labels[Self.source] = .string(source.rawValue)
    return labels
  }
}
