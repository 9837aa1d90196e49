/// Bytes of the API server that are not the object that was asked for.
public struct RecordError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was expected and what was found, where.
  public var description: String
}
