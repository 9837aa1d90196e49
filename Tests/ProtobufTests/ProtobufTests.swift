import Protobuf
import Testing

struct ProtobufTests {
  @Test func `fields of every wire type are read as they were written`() throws {
    var message: [UInt8] = []
    message.append(field: 1, varint: 150)
    message.append(field: 2, "testing")
    message.append(field: 3, fixed64: 0x0102_0304_0506_0708)
    message += [4 << 3 | 5, 1, 0, 0, 0x80]
    message.append(field: 500, [] as [UInt8])
    message.append(field: 6, varint: .max)
    var reader = ProtobufReader(message[...])
    var fields: [ProtobufReader.Field] = []
    while let field = try reader.next() { fields.append(field) }
    #expect(fields.map(\.number) == [1, 2, 3, 4, 500, 6])
    #expect(
      fields.map(\.value) == [
        .varint(150), .bytes(Array("testing".utf8)[...]), .fixed64(0x0102_0304_0506_0708), .fixed32(0x8000_0001), .bytes([]), .varint(.max),
      ])
    #expect(fields.map(\.bytes.count) == [0, 7, 0, 0, 0, 0])
  }

  /// The examples of https://protobuf.dev/programming-guides/encoding/.
  @Test func `bytes are those of the specification`() {
    var message: [UInt8] = []
    message.append(field: 1, varint: 150)
    #expect(message == [0x08, 0x96, 0x01])
    message = []
    message.append(field: 2, "testing")
    #expect(message == [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67])
  }

  @Test(arguments: [0, 1, 127, 128, 16_383, 16_384, 1 << 32, 1 << 63 - 1, 1 << 63, UInt64.max] as [UInt64])
  func `the size of a varint is known before it is written`(value: UInt64) {
    var bytes: [UInt8] = []
    bytes.append(varint: value)
    #expect(varintSize(value) == bytes.count)
  }

  @Test(
    arguments: [
      ([0x0a], "cut off"), ([0x0a, 0x05, 0x00], "longer than its message"), ([0x0b, 0x00], "wire type 3"),
      ([UInt8](repeating: 0xff, count: 11), "more than 64 bits"), ([0x0d, 0x00], "longer than its message"),
      ([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "longer than its message"),
    ] as [([UInt8], String)])
  func `bytes that are not a message are refused`(bytes: [UInt8], reason: String) throws {
    let error = try #require(throws: ProtobufError.self) {
      var reader = ProtobufReader(bytes[...])
      while try reader.next() != nil {}
    }
    #expect(error.reason.contains(reason))
  }
}
