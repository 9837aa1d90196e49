/// The envelope that Kubernetes puts around protobuf: four magic bytes, then a `runtime.Unknown` that names the type and holds the object.
///
/// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding and
/// k8s.io/apimachinery/pkg/runtime/generated.proto (`Unknown`: typeMeta 1, raw 2, contentEncoding 3; `TypeMeta`: apiVersion 1, kind 2).
struct ProtobufEnvelope {
  static let magic: [UInt8] = [0x6b, 0x38, 0x73, 0x00]  // "k8s\0"

  var kind = ""
  /// Where the object is.
  var object: Range<Int> = 0..<0

  static func isAt(_ range: Range<Int>, in bytes: RawSpan) -> Bool {
    guard range.count >= magic.count else { return false }
    return magic.indices.allSatisfy { bytes.unsafeLoad(fromByteOffset: range.lowerBound + $0, as: UInt8.self) == magic[$0] }
  }

  init(_ range: Range<Int>, in bytes: RawSpan) throws(RecordError) {
    guard Self.isAt(range, in: bytes) else { throw RecordError("\(range.count) bytes that do not start as Kubernetes protobuf does") }
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
        if !encoding.isEmpty { throw RecordError("content encoding '\(encoding)'") }
      default: break
      }
    }
  }
}
