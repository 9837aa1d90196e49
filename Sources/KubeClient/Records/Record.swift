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

/// Bytes from the API server that are not the object that was asked for.
public struct RecordError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, and where.
  public var description: String

  public init(_ description: String) { self.description = description }
}

extension RecordError {
  /// What the JSON decoder has against its input, in a sentence: where in the document, and what is there.
  init(json error: any Error) {
    guard let error = error as? DecodingError else {
      self.init("\(error)")
      return
    }
    let (context, what): (DecodingError.Context, String) =
      switch error {
      case .dataCorrupted(let context): (context, "no valid JSON, or no such value")
      case .keyNotFound(let key, let context): (context, "no member '\(key.stringValue)'")
      case .typeMismatch(let type, let context): (context, "no \(type)")
      case .valueNotFound(let type, let context): (context, "null, and no \(type)")
      @unknown default: (DecodingError.Context(codingPath: [], debugDescription: "\(error)"), "not as it should be")
      }
    let path = context.codingPath.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined()
    self.init("\(path.isEmpty ? "at the top" : "at \(path)"): \(what) (\(context.debugDescription))")
  }
}
