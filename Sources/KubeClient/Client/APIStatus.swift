internal import FoundationEssentials
internal import JSON

/// The API server's answer to a request that it did not fulfil: a `Status` object (`meta/v1`), or what can be said of an answer without one.
public struct APIStatus: Error, Hashable, Sendable, CustomStringConvertible {
  /// The HTTP status code.
  public var code: Int
  /// One CamelCase word for programs, such as `NotFound`, `Conflict`, `Expired`; may be empty.
  public var reason: String
  /// A sentence for people.
  public var message: String
  /// The reasons of `details.causes`, such as `ResourceVersionTooLarge` or `FieldManagerConflict`.
  public var causes: [String]
  /// How long the server asked to be left alone (`Retry-After`, or `details.retryAfterSeconds`).
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
  /// There is no such object, or no such resource.
  public var isNotFound: Bool { code == 404 }
  /// A write that met another version of the object, or another manager's field.
  public var isConflict: Bool { code == 409 && reason != "AlreadyExists" }
  /// A create that met an object of that name.
  public var isAlreadyExists: Bool { code == 409 && reason == "AlreadyExists" }
  /// The resource version or the continue token is older than what the server still knows.
  public var isExpired: Bool { code == 410 || reason == "Expired" || reason == "Gone" }
  /// The resource version is newer than what the server has reached, as after a restore of etcd.
  ///
  /// Source: `NewTooLargeResourceVersionError` in k8s.io/apiserver, a 504 with this cause; older servers have only the text.
  public var isTooLargeResourceVersion: Bool {
    causes.contains("ResourceVersionTooLarge") || message.hasPrefix("Too large resource version")
  }
}

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

/// What a `Retry-After` header says: a number of seconds, or a date.
///
/// Source: RFC 9110, section 10.2.3; the three forms of a date are those of section 5.6.7.
enum RetryAfter {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  private static let secondsInFiftyYears: Int64 = 50 * 31_556_952

  /// - Parameter now: seconds since 1970 by this machine's clock: a date is as good as the agreement of the two clocks.
  /// - Returns: `nil` for what is neither; zero for a date that has passed.
  static func delay(_ header: String, now: Int64) -> Duration? {
    if !header.isEmpty, header.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
      return Int64(header).map { .seconds($0) }
    }
    return date(header, now: now).map { .seconds(max(0, $0 - now)) }
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`, or as it was written formerly: `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
  private static func date(_ text: String, now: Int64) -> Int64? {
    let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
    switch words.count {
    case 6 where words[5] == "GMT" && words[3].count == 4: return seconds(words[3], words[2], words[1], words[4])
    case 6 where words[5] == "GMT" && words[3].count == 2:
      // A year of two digits is the nearest one that is not over fifty years ahead.
      guard let date = seconds("20\(words[3])", words[2], words[1], words[4]) else { return nil }
      return date - now > secondsInFiftyYears ? seconds("19\(words[3])", words[2], words[1], words[4]) : date
    case 5: return seconds(words[4], words[1], words[2], words[3])
    default: return nil
    }
  }

  private static func seconds(_ year: Substring, _ month: Substring, _ day: Substring, _ time: Substring) -> Int64? {
    guard let month = months.firstIndex(of: String(month)).map({ $0 + 1 }) else { return nil }
    return Timestamp(rfc3339: "\(year)-\(month < 10 ? "0" : "")\(month)-\(day.count == 1 ? "0" : "")\(day)T\(time)Z")?.seconds
  }
}
