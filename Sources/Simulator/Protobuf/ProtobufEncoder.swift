import FoundationEssentials
import JSON
import Protobuf

/// Encodes JSON objects as the protobuf messages of the Kubernetes API, skipping members that the tables do not have.
enum ProtobufEncoder {
  static func encode(_ object: JSONValue, as message: ProtobufMessage) -> [UInt8] {
    var bytes: [UInt8] = []
    for field in message.fields { append(object, field, to: &bytes) }
    return bytes
  }

  private static func append(_ object: JSONValue, _ field: ProtobufField, to bytes: inout [UInt8]) {
    if case .inlined(let message) = field.kind {
      bytes.append(field: field.number, encode(object, as: message))
      return
    }
    let value = object[field.name].flatMap { $0 == .null ? nil : $0 }
    switch field.presence {
    case .repeated:
      for element in value?.array ?? [] { append(element, number: field.number, field.kind, to: &bytes) }
    case .ifSet:
      if let value { append(value, number: field.number, field.kind, to: &bytes) }
    case .always:
      append(value ?? .null, number: field.number, field.kind, to: &bytes)
    }
  }

  private static func append(_ value: JSONValue, number: Int, _ kind: ProtobufField.Kind, to bytes: inout [UInt8]) {
    switch kind {
    case .text: bytes.append(field: number, value.string ?? "")
    case .flag: bytes.append(field: number, varint: value.bool == true ? 1 : 0)
    case .number: bytes.append(field: number, varint: UInt64(bitPattern: value.integer ?? 0))
    case .time: bytes.append(field: number, time(value))
    case .quantity:
      var quantity: [UInt8] = []
      quantity.append(field: 1, value.string ?? value.integer.map { String($0) } ?? "")
      bytes.append(field: number, quantity)
    case .numberOrText: bytes.append(field: number, numberOrText(value))
    case .bytes: bytes.append(field: number, [UInt8](Data(base64Encoded: value.string ?? "") ?? Data()))
    case .rawJSON:
      var raw: [UInt8] = []
      raw.append(field: 1, value.bytes)
      bytes.append(field: number, raw)
    case .message(let message), .inlined(let message): bytes.append(field: number, encode(value, as: message))
    case .map(let element):
      for (key, value) in (value.object ?? [:]).sorted(by: { $0.key < $1.key }) {
        var entry: [UInt8] = []
        entry.append(field: 1, key)
        append(value, number: 2, element, to: &entry)
        bytes.append(field: number, entry)
      }
    }
  }

  private static func numberOrText(_ value: JSONValue) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(field: 1, varint: value.string == nil ? 0 : 1)
    bytes.append(field: 2, varint: UInt64(bitPattern: value.integer ?? 0))
    bytes.append(field: 3, value.string ?? "")
    return bytes
  }

  /// A missing time is an empty message, like the zero time of the real server.
  private static func time(_ value: JSONValue) -> [UInt8] {
    guard let date = Age.date(value) else { return [] }
    var bytes: [UInt8] = []
    bytes.append(field: 1, varint: UInt64(bitPattern: Int64(date.timeIntervalSince1970.rounded(.down))))
    bytes.append(field: 2, varint: 0)
    return bytes
  }
}
