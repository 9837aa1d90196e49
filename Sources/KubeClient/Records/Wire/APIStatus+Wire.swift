internal import HTTPTransport
internal import JSON
internal import Primitives

extension APIStatus {
  /// Reads the body of a refusal. If the body is not a `Status`, e.g. an HTML page of a proxy, keeps the HTTP status and the start
  /// of the body.
  init(httpStatus code: Int, retryAfter header: String?, body: [UInt8]) {
    // A body that is neither JSON nor protobuf is shown as text.
    if let object = try? JSONValue(parsing: body), object["kind"]?.string == "Status" {
      self.init(object)
      self.code = code
    } else if let envelope = try? ProtobufEnvelope(0..<body.count, in: body.span.bytes),
      let status = try? APIStatus(protobuf: envelope, in: body.span.bytes)
    {
      self = status
      self.code = code
    } else {
      let text = String(decoding: body.prefix(200), as: UTF8.self)
      self.init(code: code, message: text.filter { !$0.isNewline })
    }
    let now = Timestamp.now.seconds
    if let asked = header.flatMap({ RetryAfter.delay($0, now: now) }) { retryAfter = asked }
  }

  /// Reads a `Status` (`k8s.io/apimachinery/pkg/apis/meta/v1`) from the body of a refusal or an ERROR event.
  init(_ object: JSONValue) {
    let details = object["details"]
    let seconds = details?["retryAfterSeconds"]?.integer ?? 0
    self.init(
      code: object["code"]?.integer.flatMap(Int.init(exactly:)) ?? 0,
      reason: object["reason"]?.string ?? "",
      message: object["message"]?.string ?? "",
      causes: details?["causes"]?.array?.compactMap { $0["reason"]?.string } ?? [],
      retryAfter: seconds > 0 ? .seconds(seconds) : nil)
  }
}

extension APIStatus {
  /// Reads an enveloped `Status` from an ERROR event or the body of a refusal.
  ///
  /// Source: k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto (`Status`: message 3, reason 4, details 5, code 6;
  /// `StatusDetails`: causes 4, retryAfterSeconds 5; `StatusCause`: reason 1).
  init(protobuf envelope: ProtobufEnvelope, in bytes: RawSpan) throws(RecordError) {
    guard envelope.kind == "Status" else { throw RecordError("kind '\(envelope.kind)' instead of Status") }
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
