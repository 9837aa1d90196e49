/// Which of an object's labels and annotations a record keeps.
struct MetadataFilter: Sendable {
  var keepsLabels: Bool
  /// An annotation is kept if its key starts with one of these.
  var annotationPrefixes: [String]

  func keeps(annotation key: String) -> Bool {
    annotationPrefixes.contains { key.hasPrefix($0) }
  }
}
