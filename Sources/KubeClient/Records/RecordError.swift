/// Bytes from the API server that are not the object that was asked for.
public struct RecordError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, and where.
  public var description: String

  public init(_ description: String) { self.description = description }
}
