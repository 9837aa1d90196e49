import JSON
import YAML

/// Decodes the bodies of requests.
enum RequestBody {
  /// Decodes an object in JSON, YAML or, if the kind has a message, protobuf.
  /// - Throws: `APIFailure` 400 (malformed) or 415 (another media type).
  static func object(_ request: APIRequest, message: ProtobufMessage?) throws(APIFailure) -> JSONValue {
    switch MediaType(request.contentType).name {
    case "", MediaType.json, "application/apply-patch+json": return try json(request.body)
    case "application/yaml", "application/apply-patch+yaml": return try yaml(request.body)
    case let type:
      if type == MediaType.protobuf, let message { return try ProtobufDecoder.object(request.body, as: message) }
      throw .unsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, not \(type)")
    }
  }

  /// Decodes `DeleteOptions`; `nil` for an empty body.
  static func options(_ request: APIRequest) throws(APIFailure) -> JSONValue? {
    request.body.isEmpty ? Optional.none : try object(request, message: .deleteOptions)
  }

  static func patch(_ request: APIRequest, kind: ResourceKind) throws(APIFailure) -> Patch {
    switch MediaType(request.contentType).name {
    case "application/json-patch+json": return .json(try json(request.body))
    case "application/merge-patch+json": return .merge(kind.stored(try json(request.body)))
    case "application/strategic-merge-patch+json" where !kind.isCustom: return .strategic(kind.stored(try json(request.body)))
    case let other:
      let known =
        ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"]
        + (kind.isCustom ? [] : ["application/strategic-merge-patch+json"])
      throw .unsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: \(known.joined(separator: ", ")), not \(other)")
    }
  }

  private static func json(_ bytes: [UInt8]) throws(APIFailure) -> JSONValue {
    do {
      return try JSONValue(parsing: bytes)
    } catch {
      throw .badRequest("the object provided is unrecognized: \(error)")
    }
  }

  private static func yaml(_ bytes: [UInt8]) throws(APIFailure) -> JSONValue {
    // JSON is valid YAML, most clients send it, and our JSON parser is faster.
    if bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "{") { return try json(bytes) }
    do {
      return try YAMLNode(parsing: bytes, file: "the request").jsonValue
    } catch {
      throw .badRequest("the object provided is unrecognized: \(error)")
    }
  }
}
