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
