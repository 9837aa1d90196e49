import LinuxCollector
import Primitives
import Protobuf
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

  @Test(arguments: [[0x0A], [0x0B, 0x00], [0x0A, 0x02, 0x0A, 0x05]] as [[UInt8]])
  func `a malformed message is rejected`(bytes: [UInt8]) throws {
    #expect(throws: ProtobufError.self) { try CRIMessages.containers(bytes[...]) }
  }
}
