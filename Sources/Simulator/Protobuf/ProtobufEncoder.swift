import FoundationEssentials
import JSON

/// Encodes JSON objects as the protobuf messages of the Kubernetes API, skipping members that the tables do not have.
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

  /// A missing time is an empty message, like the zero time of the real server.
  private static func time(_ value: JSONValue) -> [UInt8] {
    guard let date = Age.date(value) else { return [] }
    var bytes: [UInt8] = []
    bytes.appendField(1, varint: UInt64(bitPattern: Int64(date.timeIntervalSince1970.rounded(.down))))
    bytes.appendField(2, varint: 0)
    return bytes
  }
}

// The wire format of protobuf: https://protobuf.dev/programming-guides/encoding/
extension [UInt8] {
  mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  mutating func appendTag(_ number: Int, wireType: UInt64) {
    appendVarint(UInt64(number) << 3 | wireType)
  }

  mutating func appendField(_ number: Int, varint value: UInt64) {
    appendTag(number, wireType: 0)
    appendVarint(value)
  }

  /// A field of bytes or a message.
  mutating func appendField(_ number: Int, _ bytes: [UInt8]) {
    appendTag(number, wireType: 2)
    appendVarint(UInt64(bytes.count))
    append(contentsOf: bytes)
  }

  mutating func appendField(_ number: Int, _ text: String) {
    appendTag(number, wireType: 2)
    appendVarint(UInt64(text.utf8.count))
    append(contentsOf: text.utf8)
  }

  /// How many bytes the number takes as a varint.
  static func varintSize(_ value: UInt64) -> Int {
    Swift.max(1, (70 - value.leadingZeroBitCount) / 7)
  }
}
