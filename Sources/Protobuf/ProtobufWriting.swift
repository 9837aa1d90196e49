// Writes the parts of protobuf messages. Inlinable, because Push writes millions of samples with it.
// Format: https://protobuf.dev/programming-guides/encoding/

extension [UInt8] {
  @inlinable
  package mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  @inlinable
  package mutating func append(field number: Int, varint value: UInt64) {
    append(varint: UInt64(number) << 3)
    append(varint: value)
  }

  /// The beginning of a string, of bytes or of a message; `length` bytes of content must follow.
  @inlinable
  package mutating func append(field number: Int, length: Int) {
    append(varint: UInt64(number) << 3 | 2)
    append(varint: UInt64(length))
  }

  /// A field of bytes or a message.
  @inlinable
  package mutating func append(field number: Int, _ bytes: some Collection<UInt8>) {
    append(field: number, length: bytes.count)
    append(contentsOf: bytes)
  }

  @inlinable
  package mutating func append(field number: Int, _ text: String) {
    append(field: number, text.utf8)
  }

  /// A field of eight bytes, such as a `double`.
  @inlinable
  package mutating func append(field number: Int, fixed64 value: UInt64) {
    append(varint: UInt64(number) << 3 | 1)
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}

/// The number of bytes that the value takes as a varint.
@inlinable
package func varintSize(_ value: UInt64) -> Int {
  // Seven bits a byte; zero takes a byte as well.
  (UInt64.bitWidth - (value | 1).leadingZeroBitCount + 6) / 7
}
