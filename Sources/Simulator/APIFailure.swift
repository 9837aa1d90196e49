package import JSON

/// An error response of the API server: a `Status` object with its HTTP status code. Reasons and codes are those of metav1.StatusReason.
package struct APIFailure: Error, CustomStringConvertible, Sendable, Hashable {
  /// The HTTP status code.
  package var code: Int
  /// The machine-readable reason, such as `NotFound`.
  package var reason: String
  package var message: String
  /// The members of `details`: `name`, `group`, `kind`, `uid`, `causes`, `retryAfterSeconds`.
  package var details: JSONObject

  /// The token with which a client continues an expired list at the newest version.
  var continuation = ""

  package init(code: Int, reason: String, message: String, details: JSONObject = [:]) {
    self.code = code
    self.reason = reason
    self.message = message
    self.details = details
  }

  package var description: String { "\(code) \(reason): \(message)" }

  /// The value of `Retry-After`, in seconds.
  var retryAfterSeconds: Int64? { details["retryAfterSeconds"]?.integer }

  /// The `Status` object on the wire.
  package var status: JSONValue {
    var status: JSONValue = [
      "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure",
      "message": .string(message), "reason": .string(reason), "code": .integer(Int64(code)),
    ]
    if !continuation.isEmpty { status["metadata"] = ["continue": .string(continuation)] }
    if !details.isEmpty { status["details"] = .object(details) }
    return status
  }
}

extension APIFailure {
  static func badRequest(_ message: String) -> APIFailure {
    APIFailure(code: 400, reason: "BadRequest", message: message)
  }

  static func notFound(_ kind: ResourceKind, _ name: String) -> APIFailure {
    APIFailure(
      code: 404, reason: "NotFound", message: "\(kind.qualifiedPlural) \"\(name)\" not found",
      details: kind.details(name: name, kindName: kind.plural))
  }

  /// The response for an unknown path.
  static let noSuchResource = APIFailure(
    code: 404, reason: "NotFound", message: "the server could not find the requested resource", details: ["retryAfterSeconds": 0])

  static func alreadyExists(_ kind: ResourceKind, _ name: String) -> APIFailure {
    APIFailure(
      code: 409, reason: "AlreadyExists", message: "\(kind.qualifiedPlural) \"\(name)\" already exists",
      details: kind.details(name: name, kindName: kind.plural))
  }

  static func conflict(_ kind: ResourceKind, _ name: String, _ what: String) -> APIFailure {
    APIFailure(
      code: 409, reason: "Conflict", message: "Operation cannot be fulfilled on \(kind.qualifiedPlural) \"\(name)\": \(what)",
      details: kind.details(name: name, kindName: kind.plural))
  }

  static func expired(_ message: String) -> APIFailure {
    APIFailure(code: 410, reason: "Expired", message: message)
  }

  /// A version newer than the server's own. client-go checks the cause (`IsTooLargeResourceVersion`).
  static func tooLargeResourceVersion(_ wanted: UInt64, current: UInt64) -> APIFailure {
    APIFailure(
      code: 504, reason: "Timeout", message: "Timeout: Too large resource version: \(wanted), current: \(current)",
      details: [
        "retryAfterSeconds": 1,
        "causes": [["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]],
      ])
  }

  static func invalid(_ kind: ResourceKind, _ name: String, _ problems: [FieldProblem]) -> APIFailure {
    let text = problems.count == 1 ? problems[0].description : "[" + problems.map(\.description).joined(separator: ", ") + "]"
    var details = kind.details(name: name, kindName: kind.kind)
    details["causes"] = .array(problems.map(\.cause))
    return APIFailure(
      code: 422, reason: "Invalid", message: "\(kind.qualifiedKind) \"\(name)\" is invalid: \(text)", details: details)
  }

  static func unsupportedMediaType(_ message: String) -> APIFailure {
    APIFailure(code: 415, reason: "UnsupportedMediaType", message: message)
  }
}

/// A field that failed validation.
struct FieldProblem: Error, Hashable, Sendable, CustomStringConvertible {
  /// The `reason` of the cause in the Status object.
  enum Reason: String {
    case required = "FieldValueRequired"
    case invalid = "FieldValueInvalid"
    case duplicate = "FieldValueDuplicate"
    case notSupported = "FieldValueNotSupported"
    case tooMany = "FieldValueTooMany"
    case tooLong = "FieldValueTooLong"

    var text: String {
      switch self {
      case .required: "Required value"
      case .invalid: "Invalid value"
      case .duplicate: "Duplicate value"
      case .notSupported: "Unsupported value"
      case .tooMany: "Too many"
      case .tooLong: "Too long"
      }
    }
  }

  var field: String
  var reason: Reason
  /// The rejected value, quoted in the message unless it is a count.
  var value: String?
  /// May be empty.
  var detail: String

  /// Source: `ErrorBody` in k8s.io/apimachinery/pkg/util/validation/field.
  private var message: String {
    let value = value.map { reason == .tooMany ? $0 : "\"\($0)\"" }
    return [reason.text, value, detail.isEmpty ? nil : detail].compactMap(\.self).joined(separator: ": ")
  }

  var description: String { "\(field): \(message)" }

  var cause: JSONValue {
    ["reason": .string(reason.rawValue), "message": .string(message), "field": .string(field)]
  }
}
