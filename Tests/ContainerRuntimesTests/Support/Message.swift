import Protobuf

/// Single fields of protobuf messages; join them by `+`.
enum Message {
  static func number(_ field: Int, _ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(field: field, varint: value)
    return bytes
  }

  static func bytes(_ field: Int, _ value: some Collection<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(field: field, value)
    return bytes
  }

  static func text(_ field: Int, _ value: String) -> [UInt8] { bytes(field, value.utf8) }

  static func map(_ field: Int, _ key: String, _ value: String) -> [UInt8] { bytes(field, text(1, key) + text(2, value)) }
}
