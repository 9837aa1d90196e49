import FoundationEssentials
import JSON

/// Writes JSON objects as the protobuf messages that the Kubernetes API has for them. Members without a field are left out.
enum ProtobufEncoder {
  static func encode(_ object: JSONValue, as message: ProtobufMessage) -> [UInt8] {
    var bytes: [UInt8] = []
    for field in message.fields { append(object, field, to: &bytes) }
    return bytes
  }

  private static func append(_ object: JSONValue, _ field: ProtobufField, to bytes: inout [UInt8]) {
    if case .inlined(let message) = field.kind {
      bytes.appendField(field.number, encode(object, as: message))
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
    case .text: bytes.appendField(number, value.string ?? "")
    case .flag: bytes.appendField(number, varint: value.bool == true ? 1 : 0)
    case .number: bytes.appendField(number, varint: UInt64(bitPattern: value.integer ?? 0))
    case .time: bytes.appendField(number, time(value))
    case .quantity:
      var quantity: [UInt8] = []
      quantity.appendField(1, value.string ?? value.integer.map { String($0) } ?? "")
      bytes.appendField(number, quantity)
    case .numberOrText: bytes.appendField(number, numberOrText(value))
    case .bytes: bytes.appendField(number, [UInt8](Data(base64Encoded: value.string ?? "") ?? Data()))
    case .rawJSON:
      var raw: [UInt8] = []
      raw.appendField(1, value.bytes)
      bytes.appendField(number, raw)
    case .message(let message), .inlined(let message): bytes.appendField(number, encode(value, as: message))
    case .map(let element):
      for (key, value) in (value.object ?? [:]).sorted(by: { $0.key < $1.key }) {
        var entry: [UInt8] = []
        entry.appendField(1, key)
        append(value, number: 2, element, to: &entry)
        bytes.appendField(number, entry)
      }
    }
  }

  private static func numberOrText(_ value: JSONValue) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendField(1, varint: value.string == nil ? 0 : 1)
    bytes.appendField(2, varint: UInt64(bitPattern: value.integer ?? 0))
    bytes.appendField(3, value.string ?? "")
    return bytes
  }

  /// No time is an empty message, as the zero time of the real server is.
  private static func time(_ value: JSONValue) -> [UInt8] {
    guard let date = Age.date(value) else { return [] }
    var bytes: [UInt8] = []
    bytes.appendField(1, varint: UInt64(bitPattern: Int64(date.timeIntervalSince1970.rounded(.down))))
    bytes.appendField(2, varint: 0)
    return bytes
  }
}
