/// What all objects have, read from `ObjectMeta`.
///
/// Source: k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto (`ObjectMeta`: name 1, namespace 3, uid 5, resourceVersion 6,
/// deletionTimestamp 9, labels 11, annotations 12; the entries of a map are messages of key 1 and value 2).
struct ProtobufMetadata {
  var name = ""
  var namespace = ""
  var uid = ""
  var resourceVersion = ""
  var isBeingDeleted = false
  var labels: [String: String] = [:]
  var annotations: [String: String] = [:]

  init() {}

  init(_ field: ProtobufField, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: name = try field.string(in: bytes)
      case 3: namespace = try field.string(in: bytes)
      case 5: uid = try field.string(in: bytes)
      case 6: resourceVersion = try field.string(in: bytes)
      case 9: isBeingDeleted = true
      case 11:
        guard filter.keepsLabels else { continue }
        let (key, value) = try Self.entry(field, in: bytes)
        labels[key] = value
      case 12:
        guard !filter.annotationPrefixes.isEmpty else { continue }
        let (key, value) = try Self.entry(field, in: bytes)
        if filter.keeps(annotation: key) { annotations[key] = value }
      default: break
      }
    }
  }

  private static func entry(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) -> (key: String, value: String) {
    var (key, value) = ("", "")
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: key = try field.string(in: bytes)
      case 2: value = try field.string(in: bytes)
      default: break
      }
    }
    return (key, value)
  }
}
