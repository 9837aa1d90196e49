import LinuxCollector
import Primitives
import Testing

@testable import ContainerRuntimes

struct CRIMessageTests {
  private static let id = String(repeating: "5a", count: 32)

  @Test func `containers and their pods are read among other fields`() throws {
    let labels = [("io.kubernetes.pod.name", "web-0"), ("io.kubernetes.pod.uid", "u-1")].map { Message.map(8, $0.0, $0.1) }
    let inPod = Message.text(1, Self.id) + Message.text(2, "sandbox") + Message.number(6, 1) + Message.number(7, 1 << 62)
    let foreign = Message.text(1, "not an ID")
    let bare = Message.text(1, String(Self.id.reversed()))
    let list = Message.bytes(1, inPod + labels.joined()) + Message.bytes(1, foreign) + Message.text(9, "new") + Message.bytes(1, bare)
    let containers = try CRIMessages.containers(list[...])
    #expect(
      containers == [
        RunningContainer(id: try #require(ContainerID(Self.id)), podUID: "u-1", role: .application),
        RunningContainer(id: try #require(ContainerID(String(Self.id.reversed()))), podUID: nil, role: .application),
      ])
  }

  @Test func `the info of a verbose status is read by its key`() throws {
    let status = Message.bytes(1, Message.text(1, "x")) + Message.map(2, "other", "no") + Message.map(2, "info", "{\"pid\":7}")
    #expect(try CRIMessages.info(ofStatus: status[...]) == Array("{\"pid\":7}".utf8))
    #expect(try CRIMessages.info(ofStatus: []) == nil)
  }

  @Test func `fields of every wire type are skipped`() throws {
    let message = [0x09] + [UInt8](repeating: 0, count: 8) + [0x15, 0, 0, 0, 0] + Message.number(3, .max) + Message.text(4, "last")
    var fields = MessageFields(message[...])
    var numbers: [UInt64] = []
    while let field = try fields.next() { numbers.append(field.number) }
    #expect(numbers == [1, 2, 3, 4])
  }

  @Test(
    arguments: [
      ([0x0A], "cut off"), ([0x0A, 0x05, 0x00], "longer than its message"), ([0x0B, 0x00], "wire type 3"),
      ([UInt8](repeating: 0xFF, count: 11), "more than 64 bits"), ([0x0D, 0x00], "longer than its message"),
      ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], "longer than its message"),
    ] as [([UInt8], String)])
  func `a malformed message is rejected`(bytes: [UInt8], reason: String) throws {
    let error = try #require(throws: MalformedMessage.self) { try CRIMessages.containers(bytes[...]) }
    #expect(error.reason.contains(reason))
  }
}

/// Encodes protobuf messages for the tests.
enum Message {
  static func number(_ field: UInt8, _ value: UInt64) -> [UInt8] { [field << 3] + varint(value) }
  static func bytes(_ field: UInt8, _ value: some Collection<UInt8>) -> [UInt8] { [field << 3 | 2] + varint(UInt64(value.count)) + value }
  static func text(_ field: UInt8, _ value: String) -> [UInt8] { bytes(field, value.utf8) }
  static func map(_ field: UInt8, _ key: String, _ value: String) -> [UInt8] { bytes(field, text(1, key) + text(2, value)) }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}
