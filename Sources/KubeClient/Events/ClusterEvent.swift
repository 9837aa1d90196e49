/// Something that happened to an object of the cluster, to be shown by `kubectl get events` and `kubectl describe`.
///
///     recorder.record(ClusterEvent(
///       about: .pod("web-0", namespace: "shop", uid: uid), type: .warning, reason: "NotCollected", action: "CallingRoll", note: "…"))
public struct ClusterEvent: Hashable, Sendable {
  /// Whether somebody should look.
  public enum Severity: String, Sendable {
    case normal = "Normal"
    case warning = "Warning"
  }

  /// What it happened to.
  public var object: ObjectReference
  public var type: Severity
  /// One CamelCase word for programs, at most 128 bytes.
  public var reason: String
  /// What we were doing, one CamelCase word, at most 128 bytes.
  public var action: String
  /// A sentence for people. What is over 1,024 bytes is cut off: the API server would refuse the Event.
  public var note: String

  public init(about object: ObjectReference, type: Severity, reason: String, action: String, note: String) {
    self.object = object
    self.type = type
    self.reason = reason
    self.action = action
    self.note = note
  }
}

/// What an Event names the object by that it is about: `ObjectReference` of the core API.
public struct ObjectReference: Hashable, Sendable {
  public var apiVersion: String
  public var kind: String
  /// Empty for an object without one; its Events are in the namespace `default`.
  public var namespace: String
  public var name: String
  /// `kubectl describe` shows only Events of the same object, which it tells by this.
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

  /// A Node, by its name as UID: so do kubelets, and `kubectl describe node` looks for both.
  public static func node(_ name: String) -> ObjectReference {
    ObjectReference(apiVersion: "v1", kind: "Node", name: name, uid: name)
  }

  /// Where its Events are.
  var eventNamespace: String { namespace.isEmpty ? "default" : namespace }
}
