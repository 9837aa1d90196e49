/// Iterates over the fields of a protobuf message in a buffer, without copies and without recursion.
///
/// Keeps only positions; each step takes the buffer. Checks every length against the end of the message, so that arbitrary bytes cause an
/// error at worst. Separate from module `Protobuf` because every Pod of a list passes through it. Format:
/// https://protobuf.dev/programming-guides/encoding/
struct ProtobufFields {
  private var offset: Int
  private let end: Int

  /// - Parameter message: a range of the buffer.
  init(_ message: Range<Int>) {
    offset = message.lowerBound
    end = message.upperBound
  }

  /// The next field; `nil` at the end of the message.
  mutating func next(in bytes: RawSpan) throws(RecordError) -> ProtobufField? {
    guard offset < end else { return nil }
    let start = offset
    let tag = try varint(in: bytes)
    let number = tag >> 3
    // 2^29 − 1 is the largest field number.
    guard number > 0, number < 1 << 29 else { throw RecordError("field number \(number) at byte \(start)") }
    let value: ProtobufField.Value
    switch tag & 7 {
    case 0: value = .varint(try varint(in: bytes))
    case 1: value = .fixed(try take(8))
    case 2:
      let length = try varint(in: bytes)
      guard length <= UInt64(end - offset) else {
        throw RecordError("field \(number) at byte \(start) is \(length) bytes long, \(end - offset) are left of its message")
      }
      value = .bytes(try take(Int(length)))
    case 5: value = .fixed(try take(4))
    default:
      // 3 and 4 are groups, which Kubernetes does not use and which nest without limit; 6 and 7 are undefined.
      throw RecordError("wire type \(tag & 7) of field \(number) at byte \(start)")
    }
    return ProtobufField(number: Int(number), value: value)
  }

  // Most varints are a single byte.
  @inline(__always)
  private mutating func varint(in bytes: RawSpan) throws(RecordError) -> UInt64 {
    if offset < end {
      let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      if byte < 0x80 {
        offset += 1
        return UInt64(byte)
      }
    }
    return try longVarint(in: bytes)
  }

  private mutating func longVarint(in bytes: RawSpan) throws(RecordError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    let start = offset
    while offset < end {
      let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      offset += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { throw RecordError("the varint at byte \(start) has more than ten bytes") }
    }
    throw RecordError("the message ends inside a varint at byte \(start)")
  }

  @inline(__always)
  private mutating func take(_ count: Int) throws(RecordError) -> Range<Int> {
    guard count <= end - offset else { throw RecordError("the message ends inside a field at byte \(offset)") }
    defer { offset += count }
    return offset..<(offset + count)
  }
}

/// A field's number and value.
struct ProtobufField {
  enum Value {
    case varint(UInt64)
    /// A string, bytes or a message.
    case bytes(Range<Int>)
    /// Four or eight bytes. No field that we read has these types.
    case fixed(Range<Int>)
  }
  var number: Int
  var value: Value

  /// The range of a string, bytes or a message.
  func range() throws(RecordError) -> Range<Int> {
    guard case .bytes(let range) = value else { throw RecordError("field \(number) is not length-delimited") }
    return range
  }

  func fields() throws(RecordError) -> ProtobufFields { ProtobufFields(try range()) }

  /// Invalid UTF-8, which the API server does not send, becomes replacement characters.
  func string(in bytes: RawSpan) throws(RecordError) -> String {
    bytes.text(try range())
  }

  /// An `int32` or `int64`.
  func integer() throws(RecordError) -> Int64 {
    guard case .varint(let number) = value else { throw RecordError("field \(self.number) is not a varint") }
    return Int64(bitPattern: number)
  }

  func bool() throws(RecordError) -> Bool { try integer() != 0 }
}
