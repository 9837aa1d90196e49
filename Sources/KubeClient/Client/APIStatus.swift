internal import FoundationEssentials
internal import JSON
internal import Primitives

/// The `Status` (`meta/v1`) of a request that the API server refused, or its HTTP status if the response has no `Status`.
public struct APIStatus: Error, Hashable, Sendable, CustomStringConvertible {
  /// The HTTP status code.
  public var code: Int
  /// One CamelCase word for programs, such as `NotFound`, `Conflict` or `Expired`; may be empty.
  public var reason: String
  /// A sentence for people.
  public var message: String
  /// The reasons in `details.causes`, such as `ResourceVersionTooLarge` or `FieldManagerConflict`.
  public var causes: [String]
  /// How long the server asked the client to wait (`Retry-After`, or `details.retryAfterSeconds`).
  public var retryAfter: Duration?

  public init(code: Int, reason: String = "", message: String = "", causes: [String] = [], retryAfter: Duration? = nil) {
    self.code = code
    self.reason = reason
    self.message = message
    self.causes = causes
    self.retryAfter = retryAfter
  }

  public var description: String {
    let head = reason.isEmpty ? "\(code)" : "\(code) \(reason)"
    return message.isEmpty ? head : "\(head): \(message)"
  }
}

extension APIStatus {
  /// The object or the resource does not exist.
  public var isNotFound: Bool { code == 404 }
  /// The write conflicts with a newer version of the object, or with another field manager.
  public var isConflict: Bool { code == 409 && reason != "AlreadyExists" }
  /// An object of this name exists already.
  public var isAlreadyExists: Bool { code == 409 && reason == "AlreadyExists" }
  /// The resource version or the continue token has expired on the server.
  public var isExpired: Bool { code == 410 || reason == "Expired" || reason == "Gone" }
  /// The resource version is newer than the server's, as after a restore of etcd.
  ///
  /// Source: `NewTooLargeResourceVersionError` in k8s.io/apiserver, a 504 with this cause. Older servers send only the text.
  public var isTooLargeResourceVersion: Bool {
    causes.contains("ResourceVersionTooLarge") || message.hasPrefix("Too large resource version")
  }
}

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
    let now = Int64(Date().timeIntervalSince1970)
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

/// Parses a `Retry-After` header: a number of seconds, or a date.
///
/// Source: RFC 9110, section 10.2.3; section 5.6.7 for the three date formats.
enum RetryAfter {
  private static let secondsInFiftyYears: Int64 = 50 * 31_556_952

  /// - Parameter now: seconds since 1970 by the local clock. A date is only as accurate as the two clocks agree.
  /// - Returns: `nil` if the header is neither; zero for a date in the past.
  static func delay(_ header: String, now: Int64) -> Duration? {
    if !header.isEmpty, header.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
      return Int64(header).map { .seconds($0) }
    }
    return date(header, now: now).map { .seconds(max(0, $0.seconds - now)) }
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`, or the obsolete formats `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
  private static func date(_ text: String, now: Int64) -> Timestamp? {
    let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
    switch words.count {
    case 6 where words[5] == "GMT" && words[3].count == 4: return Timestamp(year: words[3], month: words[2], day: words[1], time: words[4])
    case 6 where words[5] == "GMT" && words[3].count == 2:
      // A two-digit year is the nearest that is at most fifty years in the future.
      guard let date = Timestamp(year: "20" + words[3], month: words[2], day: words[1], time: words[4]) else { return nil }
      guard date.seconds - now > secondsInFiftyYears else { return date }
      return Timestamp(year: "19" + words[3], month: words[2], day: words[1], time: words[4])
    case 5: return Timestamp(year: words[4], month: words[1], day: words[2], time: words[3])
    default: return nil
    }
  }
}
