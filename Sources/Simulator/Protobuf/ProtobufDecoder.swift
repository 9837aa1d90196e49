import FoundationEssentials
import JSON
import Protobuf

/// Decodes protobuf messages from clients to JSON objects, skipping fields that the tables do not have.
struct ProtobufDecoder {
  private var reader: ProtobufReader

  private init(_ message: ArraySlice<UInt8>) {
    reader = ProtobufReader(message)
  }

  /// Decodes an object in its `k8s\0` envelope.
  /// - Throws: `APIFailure` 400.
  static func object(_ bytes: [UInt8], as message: ProtobufMessage) throws(APIFailure) -> JSONValue {
    guard let unknown = ProtobufEnvelope.unwrapped(bytes) else { throw malformed("the body does not start with k8s\\0") }
    var object: JSONValue = [:]
    var reader = ProtobufDecoder(unknown)
    while let (number, value) = try reader.next() {
      switch (number, value) {
      case (1, .bytes(let type)): object = merged(object, try decode(type, as: .typeMeta))
      case (2, .bytes(let raw)): object = merged(object, try decode(raw, as: message))
      default: break
      }
    }
    return object
  }

  private static func merged(_ object: JSONValue, _ other: JSONValue) -> JSONValue {
    var members = object.object ?? [:]
    members.merge(other.object ?? [:])
    return .object(members)
  }

  private static func decode(_ bytes: ArraySlice<UInt8>, as message: ProtobufMessage) throws(APIFailure) -> JSONValue {
    var reader = ProtobufDecoder(bytes)
    var object: JSONObject = [:]
    while let (number, value) = try reader.next() {
      guard let field = message.fields.first(where: { $0.number == number }) else { continue }
      switch field.kind {
      case .map(let element):
        let (key, value) = try entry(value, element)
        var map = object[field.name] ?? [:]
        map[key] = value
        object[field.name] = map
      case .inlined(let message):
        guard case .bytes(let bytes) = value else { throw malformed(field.name) }
        object.merge(try decode(bytes, as: message).object ?? [:])
      default:
        guard let json = try json(value, field.kind, isEmptyKept: field.presence != .always) else { continue }
        if field.presence == .repeated {
          object[field.name] = .array((object[field.name]?.array ?? []) + [json])
        } else {
          object[field.name] = json
        }
      }
    }
    return .object(object)
  }

  /// The value in JSON; `nil` for the zero value of a Go type that is not a pointer.
  private static func json(_ value: ProtobufReader.Value, _ kind: ProtobufField.Kind, isEmptyKept: Bool) throws(APIFailure) -> JSONValue? {
    switch (value, kind) {
    case (.varint(let number), .flag): return number != 0 || isEmptyKept ? .bool(number != 0) : nil
    case (.varint(let number), .number): return number != 0 || isEmptyKept ? .integer(Int64(bitPattern: number)) : nil
    case (.bytes(let bytes), .text): return bytes.isEmpty && !isEmptyKept ? nil : .string(String(decoding: bytes, as: UTF8.self))
    case (.bytes(let bytes), .bytes): return .string(Data(bytes).base64EncodedString())
    case (.bytes(let bytes), .message(let message)):
      let object = try decode(bytes, as: message)
      return object.isEmptyContainer && !isEmptyKept ? nil : object
    case (.bytes(let bytes), .time):
      guard let seconds = try decode(bytes, as: .timestamp)["seconds"]?.integer else { return nil }
      return .string(Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601))
    case (.bytes(let bytes), .quantity): return try decode(bytes, as: .quantity)["string"] ?? ""
    case (.bytes(let bytes), .numberOrText):
      let either = try decode(bytes, as: .numberOrText)
      return either["type"] == 1 ? either["strVal"] ?? "" : either["intVal"] ?? 0
    case (.bytes(let bytes), .rawJSON):
      let raw = try decode(bytes, as: .fieldsV1)["raw"]?.string ?? ""
      return try? JSONValue(parsing: Array(raw.utf8))
    default: throw malformed("unexpected wire type of a field")
    }
  }

  private static func entry(_ value: ProtobufReader.Value, _ element: ProtobufField.Kind) throws(APIFailure) -> (String, JSONValue) {
    guard case .bytes(let bytes) = value else { throw malformed("map entry") }
    var reader = ProtobufDecoder(bytes)
    var key = ""
    var json: JSONValue = ""
    while let (number, value) = try reader.next() {
      if number == 1, case .bytes(let bytes) = value { key = String(decoding: bytes, as: UTF8.self) }
      if number == 2 { json = try Self.json(value, element, isEmptyKept: true) ?? json }
    }
    return (key, json)
  }

  private mutating func next() throws(APIFailure) -> (number: Int, value: ProtobufReader.Value)? {
    do {
      return try reader.next().map { ($0.number, $0.value) }
    } catch {
      throw Self.malformed(error.reason)
    }
  }

  private static func malformed(_ what: String) -> APIFailure {
    .badRequest("the object provided is unrecognized: malformed protobuf: \(what)")
  }
}
