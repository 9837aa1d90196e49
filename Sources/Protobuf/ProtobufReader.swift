/// Reads the fields of a protobuf message one after the other.
///
/// KubeClient has a scanner of its own, for lists of 100 MB: it keeps positions in one buffer instead of slices of an array.
/// Format: https://protobuf.dev/programming-guides/encoding/
package struct ProtobufReader {
  package struct Field: Hashable, Sendable {
    package var number: Int
    package var value: Value

    /// The content of a string, of bytes or of a message; empty for a number.
    package var bytes: ArraySlice<UInt8> {
      if case .bytes(let bytes) = value { bytes } else { [] }
    }
  }

  package enum Value: Hashable, Sendable {
    case varint(UInt64)
    /// A string, bytes or a message.
    case bytes(ArraySlice<UInt8>)
    case fixed32(UInt32)
    case fixed64(UInt64)
  }

  private var rest: ArraySlice<UInt8>

  package init(_ message: ArraySlice<UInt8>) {
    rest = message
  }

  /// The next field; `nil` at the end of the message.
  package mutating func next() throws(ProtobufError) -> Field? {
    if rest.isEmpty { return nil }
    let tag = try varint()
    let value: Value
    switch tag & 7 {
    case 0: value = .varint(try varint())
    case 1: value = .fixed64(littleEndian(try take(8)))
    case 2: value = .bytes(try take(varint()))
    case 5: value = .fixed32(UInt32(truncatingIfNeeded: littleEndian(try take(4))))
    default: throw ProtobufError(reason: "field \(tag >> 3) has the wire type \(tag & 7)")
    }
    return Field(number: Int(truncatingIfNeeded: tag >> 3), value: value)
  }

  private mutating func take(_ count: UInt64) throws(ProtobufError) -> ArraySlice<UInt8> {
    guard count <= UInt64(rest.count) else { throw ProtobufError(reason: "a field is longer than its message") }
    defer { rest = rest.dropFirst(Int(count)) }
    return rest.prefix(Int(count))
  }

  private mutating func varint() throws(ProtobufError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { throw ProtobufError(reason: "a number is cut off") }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw ProtobufError(reason: "a number has more than 64 bits")
  }
}

/// Bytes that are not a protobuf message.
package struct ProtobufError: Error, Hashable, Sendable {
  package var reason: String

  package init(reason: String) { self.reason = reason }
}

private func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
  bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}
