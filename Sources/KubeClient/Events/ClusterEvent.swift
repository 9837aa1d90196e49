/// An event of an object, shown by `kubectl get events` and `kubectl describe`.
///
///     recorder.record(ClusterEvent(
///       about: .pod("web-0", namespace: "shop", uid: uid), type: .warning, reason: "NotCollected", action: "CallingRoll", note: "…"))
public struct ClusterEvent: Hashable, Sendable {
  public enum Severity: String, Sendable {
    case normal = "Normal"
    case warning = "Warning"
  }

  /// The object that the event is about.
  public var object: ObjectReference
  public var type: Severity
  /// One CamelCase word for programs, at most 128 bytes.
  public var reason: String
  /// What the reporter was doing, one CamelCase word, at most 128 bytes.
  public var action: String
  /// A sentence for people. Truncated to 1,024 bytes, the limit of the API server.
  public var note: String

  public init(about object: ObjectReference, type: Severity, reason: String, action: String, note: String) {
    self.object = object
    self.type = type
    self.reason = reason
    self.action = action
    self.note = note
  }
}

/// `ObjectReference` of the core API.
public struct ObjectReference: Hashable, Sendable {
  public var apiVersion: String
  public var kind: String
  /// Empty for cluster-scoped objects; their Events are in the namespace `default`.
  public var namespace: String
  public var name: String
  /// `kubectl describe` selects Events by this.
  public var uid: String

  public init(apiVersion: String, kind: String, namespace: String = "", name: String, uid: String) {
    self.apiVersion = apiVersion
    self.kind = kind
    self.namespace = namespace
    self.name = name
    self.uid = uid
  }

  public static func pod(_ name: String, namespace: String, uid: String) -> ObjectReference {
    ObjectReference(apiVersion: "v1", kind: "Pod", namespace: namespace, name: name, uid: uid)
  }

  /// References a Node with its name as UID, as kubelets do; `kubectl describe node` looks for both.
  public static func node(_ name: String) -> ObjectReference {
    ObjectReference(apiVersion: "v1", kind: "Node", name: name, uid: name)
  }

  var eventNamespace: String { namespace.isEmpty ? "default" : namespace }
}
