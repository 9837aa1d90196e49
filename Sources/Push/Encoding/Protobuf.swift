/// The few pieces of the protobuf wire format that a remote-write request is made of.
///
/// Source: https://protobuf.dev/programming-guides/encoding/
enum Protobuf {
  static func size(ofVarint value: UInt64) -> Int {
    // Seven bits a byte; zero takes a byte as well.
    (UInt64.bitWidth - (value | 1).leadingZeroBitCount + 6) / 7
  }

  static func append(varint value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// The beginning of a length-delimited field; its content follows.
  static func append(key field: UInt64, length: Int, to bytes: inout [UInt8]) {
    append(varint: field << 3 | 2, to: &bytes)
    append(varint: UInt64(length), to: &bytes)
  }
}
