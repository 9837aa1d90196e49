/// What is kept of an object, and how it is read from the formats of the API server.
public struct RecordDecoder<Value: Record>: Sendable {
}

extension RecordDecoder where Value == NodeRecord {
  /// Reads Nodes.
  /// - Parameter annotationPrefixes: which annotations are kept; those that start with one of these.
  public static func nodes(annotationPrefixes: [String] = []) -> RecordDecoder { RecordDecoder() }
}

extension RecordDecoder where Value == PodRecord {
  /// Reads Pods.
  /// - Parameter annotationPrefixes: which annotations are kept; those that start with one of these.
  public static func pods(annotationPrefixes: [String] = []) -> RecordDecoder { RecordDecoder() }
}
