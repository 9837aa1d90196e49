/// Which of an object's labels and annotations a record keeps.
struct MetadataFilter: Sendable {
  var keepsLabels: Bool
  /// An annotation is kept if its key starts with one of these.
  private let annotationPrefixes: [[UInt8]]

  init(keepsLabels: Bool, annotationPrefixes: [String]) {
    self.keepsLabels = keepsLabels
    self.annotationPrefixes = annotationPrefixes.map { Array($0.utf8) }
  }

  var keepsAnnotations: Bool { !annotationPrefixes.isEmpty }

  func keeps(annotation key: String) -> Bool {
    annotationPrefixes.contains { key.utf8.starts(with: $0) }
  }

  /// - Parameter key: where it is in the bytes.
  func keeps(annotation key: Range<Int>, in bytes: RawSpan) -> Bool {
    bytes.extracting(key).withUnsafeBytes { key in annotationPrefixes.contains { key.starts(with: $0) } }
  }
}
