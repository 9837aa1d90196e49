extension RecordPage {
  /// Scans a list in its envelope; each object becomes its record before the next is looked at.
  ///
  /// Source: k8s.io/api/core/v1/generated.proto (every list: metadata 1, items 2) and
  /// k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto (`ListMeta`: resourceVersion 2, continue 3).
  init(
    protobuf answer: Range<Int>, in bytes: RawSpan, kind: String, reading read: (Range<Int>, RawSpan) throws(RecordError) -> Value
  ) throws(RecordError) {
    let envelope = try ProtobufEnvelope(answer, in: bytes)
    guard envelope.kind == kind else { throw RecordError("kind '\(envelope.kind)' where a \(kind) was asked for") }
    self.init()
    var fields = ProtobufFields(envelope.object)
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1:
        var metadata = try field.fields()
        while let field = try metadata.next(in: bytes) {
          switch field.number {
          case 2: resourceVersion = try field.string(in: bytes)
          case 3:
            let token = try field.string(in: bytes)
            continueToken = token.isEmpty ? nil : token
          default: break
          }
        }
      case 2: records.append(try read(try field.range(), bytes).named())
      default: break
      }
    }
    guard !resourceVersion.isEmpty else { throw RecordError("a list without metadata.resourceVersion") }
  }
}
