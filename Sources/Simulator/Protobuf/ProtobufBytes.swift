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
