/// Which object: its name, after its namespace if it has one.
public struct ObjectKey: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Empty for an object without a namespace.
  public var namespace: String
  /// Unique within its namespace and resource.
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

/// What a store keeps of an object: `PodRecord`, `NodeRecord`, or a type of your own that a `RecordDecoder` makes of the object's JSON.
///
///     struct Quota: Record {
///       var key: ObjectKey
///       var resourceVersion: String
///       var pods: String
///     }
public protocol Record: Equatable, Sendable {
  /// Which object this is of.
  var key: ObjectKey { get }
  /// The version of the object that this was read from; opaque.
  var resourceVersion: String { get }
  /// Whether the object has a name; one that has none cannot be told from others.
  var hasName: Bool { get }
}

extension Record {
  public var hasName: Bool { !key.name.isEmpty }
}
