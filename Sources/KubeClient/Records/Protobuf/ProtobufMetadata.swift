/// What all objects have, by where it is: read from `ObjectMeta`.
///
/// Source: k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto (`ObjectMeta`: name 1, namespace 3, uid 5, resourceVersion 6,
/// deletionTimestamp 9, labels 11, annotations 12; the entries of a map are messages of key 1 and value 2).
struct ProtobufMetadata {
  var name = 0..<0
  var namespace = 0..<0
  var uid = 0..<0
  var resourceVersion = 0..<0
  var isBeingDeleted = false
  var labels: [DraftPair] = []
  var annotations: [DraftPair] = []

  init() {}

  init(_ field: ProtobufField, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: name = try field.range()
      case 3: namespace = try field.range()
      case 5: uid = try field.range()
      case 6: resourceVersion = try field.range()
      case 9: isBeingDeleted = true
      case 11 where filter.keepsLabels: labels.append(try DraftPair(field, in: bytes))
      case 12 where filter.keepsAnnotations:
        let annotation = try DraftPair(field, in: bytes)
        if filter.keeps(annotation: annotation.key, in: bytes) { annotations.append(annotation) }
      default: break
      }
    }
  }
}

extension DraftPair {
  /// Two texts as fields 1 and 2 of a message: an entry of a map, or one of a Node's addresses.
  init(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    self.init(key: 0..<0, value: 0..<0)
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: key = try field.range()
      case 2: value = try field.range()
      default: break
      }
    }
  }
}
