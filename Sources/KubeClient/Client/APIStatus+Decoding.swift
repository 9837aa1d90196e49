internal import FoundationEssentials
internal import JSON

extension APIStatus {
  /// The status in the body of a refusal; where the body holds none, as from a proxy in between, the HTTP status with the body's beginning.
  init(httpStatus code: Int, retryAfter header: String?, body: [UInt8]) {
    // Not every refusal is a Status: what cannot be read as one is shown as it is.
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
    let now = Int64(Date().timeIntervalSince1970)
    if let asked = header.flatMap({ RetryAfter.delay($0, now: now) }) { retryAfter = asked }
  }

  /// A `Status` object (`k8s.io/apimachinery/pkg/apis/meta/v1`), as it stands in the body of a refusal or in an ERROR event.
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
