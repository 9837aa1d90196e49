extension APIStatus {
  /// A `Status` in its envelope, as it stands in an ERROR event or in the body of a refusal.
  ///
  /// Source: k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto (`Status`: message 3, reason 4, details 5, code 6;
  /// `StatusDetails`: causes 4, retryAfterSeconds 5; `StatusCause`: reason 1).
  init(protobuf envelope: ProtobufEnvelope, in bytes: RawSpan) throws(RecordError) {
    guard envelope.kind == "Status" else { throw RecordError("kind '\(envelope.kind)' where a Status was expected") }
    self.init(code: 0)
    var fields = ProtobufFields(envelope.object)
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 3: message = try field.string(in: bytes)
      case 4: reason = try field.string(in: bytes)
      case 5: try readDetails(field, in: bytes)
      case 6: code = Int(truncatingIfNeeded: try field.integer())
      default: break
      }
    }
  }

  private mutating func readDetails(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 4:
        var cause = try field.fields()
        while let field = try cause.next(in: bytes) {
          if field.number == 1 { causes.append(try field.string(in: bytes)) }
        }
      case 5:
        let seconds = try field.integer()
        if seconds > 0 { retryAfter = .seconds(min(seconds, Int64(Int32.max))) }
      default: break
      }
    }
  }
}
