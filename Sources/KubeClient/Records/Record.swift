/// The stored form of an object: `PodRecord`, `NodeRecord`, or your own type that a `RecordDecoder` makes from JSON.
///
///     struct Quota: Record {
///       var key: ObjectKey
///       var resourceVersion: String
///       var pods: String
///     }
public protocol Record: Equatable, Sendable {
  var key: ObjectKey { get }
  /// `metadata.resourceVersion`; opaque.
  var resourceVersion: String { get }
  /// Whether the object has a name. Objects without one are decoding errors.
  var hasName: Bool { get }
}

extension Record {
  public var hasName: Bool { !key.name.isEmpty }
}

/// Why bytes from the API server could not be decoded.
public struct RecordError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, and where.
  public var description: String

  public init(_ description: String) { self.description = description }
}

extension RecordError {
  /// Describes an error of the JSON decoder: the path in the document, and the problem.
  init(json error: any Error) {
    guard let error = error as? DecodingError else {
      self.init("\(error)")
      return
    }
    let (context, what): (DecodingError.Context, String) =
      switch error {
      case .dataCorrupted(let context): (context, "invalid JSON or an invalid value")
      case .keyNotFound(let key, let context): (context, "missing member '\(key.stringValue)'")
      case .typeMismatch(let type, let context): (context, "not \(type)")
      case .valueNotFound(let type, let context): (context, "null instead of \(type)")
      @unknown default: (DecodingError.Context(codingPath: [], debugDescription: "\(error)"), "unexpected error")
      }
    let path = context.codingPath.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined()
    self.init("\(path.isEmpty ? "at the top" : "at \(path)"): \(what) (\(context.debugDescription))")
  }
}
