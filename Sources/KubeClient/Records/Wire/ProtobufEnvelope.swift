internal import Primitives

/// The protobuf envelope of Kubernetes: four magic bytes, then a `runtime.Unknown` with the type and the object.
///
/// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding and
/// k8s.io/apimachinery/pkg/runtime/generated.proto (`Unknown`: typeMeta 1, raw 2, contentEncoding 3; `TypeMeta`: apiVersion 1, kind 2).
struct ProtobufEnvelope {
  static let magic: [UInt8] = [0x6b, 0x38, 0x73, 0x00]  // "k8s\0"

  var kind = ""
  /// The range of the object.
  var object: Range<Int> = 0..<0

  static func isAt(_ range: Range<Int>, in bytes: RawSpan) -> Bool {
    guard range.count >= magic.count else { return false }
    return magic.indices.allSatisfy { bytes.unsafeLoad(fromByteOffset: range.lowerBound + $0, as: UInt8.self) == magic[$0] }
  }

  init(_ range: Range<Int>, in bytes: RawSpan) throws(RecordError) {
    guard Self.isAt(range, in: bytes) else { throw RecordError("\(range.count) bytes without the Kubernetes protobuf prefix") }
    var fields = ProtobufFields(range.dropFirst(Self.magic.count))
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1:
        var type = try field.fields()
        while let field = try type.next(in: bytes) {
          if field.number == 2 { kind = try field.string(in: bytes) }
        }
      case 2: object = try field.range()
      case 3:
        let encoding = try field.string(in: bytes)
        if !encoding.isEmpty { throw RecordError("unsupported content encoding '\(encoding)'") }
      default: break
      }
    }
  }
}

/// `ObjectMeta`, as ranges in a buffer.
///
/// Source: k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto (`ObjectMeta`: name 1, namespace 3, uid 5, resourceVersion 6,
/// deletionTimestamp 9, labels 11, annotations 12, ownerReferences 13; the entries of a map are messages of key 1 and value 2).
struct ProtobufMetadata {
  var name = 0..<0
  var namespace = 0..<0
  var uid = 0..<0
  var resourceVersion = 0..<0
  /// In seconds since 1970.
  var deletionTimestamp: Int64?
  /// The owner with `controller: true`.
  var controller: TextPair?
  /// The label `pod-template-hash`.
  var templateHash = 0..<0
  var labels: [TextPair] = []
  var annotations: [TextPair] = []

  init() {}

  init(_ field: ProtobufField, in bytes: RawSpan, keeping filter: MetadataFilter) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: name = try field.range()
      case 3: namespace = try field.range()
      case 5: uid = try field.range()
      case 6: resourceVersion = try field.range()
      case 9: deletionTimestamp = try Timestamp(field, in: bytes)?.seconds ?? 0
      case 11:
        let label = try TextPair(field, in: bytes)
        if filter.keepsLabels { labels.append(label) }
        if bytes.isEqual(label.key, WorkloadBuilder.templateHashLabel) { templateHash = label.value }
      case 12 where filter.keepsAnnotations:
        let annotation = try TextPair(field, in: bytes)
        if filter.keeps(annotation: annotation.key, in: bytes) { annotations.append(annotation) }
      case 13: try readOwner(field, in: bytes)
      default: break
      }
    }
  }

  /// `OwnerReference`: kind 1, name 3, controller 6.
  private mutating func readOwner(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var owner = TextPair(key: 0..<0, value: 0..<0)
    var isController = false
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: owner.key = try field.range()
      case 3: owner.value = try field.range()
      case 6: isController = try field.bool()
      default: break
      }
    }
    if isController { controller = owner }
  }
}

extension TextPair {
  /// Reads the texts of fields 1 and 2: a map entry, or a `NodeAddress`.
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
