import TestSupport
import Testing

@testable import KubeClient

@Suite(.ownThread) struct FramingTests {
  static let lines = Array((Samples.eventJSON("ADDED", Samples.nodeJSON) + "\r\n\n" + Samples.eventJSON("DELETED", Samples.nodeJSON)).utf8)
  static let frames =
    ProtobufEncoder.frame("ADDED", kind: "Node", Samples.node) + ProtobufEncoder.frame("DELETED", kind: "Node", Samples.node)
  static let events: [WatchEvent<NodeRecord>] = [
    .put(Samples.nodeRecord), .remove(ObjectKey(name: "worker-1"), resourceVersion: "4711"),
  ]

  @Test(arguments: [WireFormat.json, .protobuf])
  func `a stream may be split anywhere`(_ format: WireFormat) throws {
    let stream = format == .json ? Self.lines : Self.frames
    for cut in 0...stream.count {
      var framing = WatchFraming(format, limit: 1 << 20)
      #expect(try events(&framing, format, [Array(stream[..<cut]), Array(stream[cut...])]) == Self.events)
      #expect(!framing.isInsideEvent)
    }
  }

  @Test(arguments: [WireFormat.json, .protobuf])
  func `a stream may arrive in single bytes`(_ format: WireFormat) throws {
    let stream = format == .json ? Self.lines : Self.frames
    var framing = WatchFraming(format, limit: 1 << 20)
    #expect(try events(&framing, format, stream.map { [$0] }) == Self.events)
  }

  @Test(arguments: [WireFormat.json, .protobuf])
  func `R11: an incomplete event is not returned`(_ format: WireFormat) throws {
    let stream =
      format == .json
      ? Array(Samples.eventJSON("ADDED", Samples.nodeJSON).utf8) : ProtobufEncoder.frame("ADDED", kind: "Node", Samples.node)
    var framing = WatchFraming(format, limit: 1 << 20)
    #expect(try events(&framing, format, [Array(stream.dropLast())]) == [])
    #expect(framing.isInsideEvent)
  }

  @Test
  func `R12: an event over the limit is refused early`() throws {
    var json = WatchFraming(.json, limit: 100)
    json.append([UInt8](repeating: 0x61, count: 100))
    #expect(try json.next() == nil)
    json.append([0x61])
    #expect(throws: FramingError.tooLarge(limit: 100)) { try json.next() }

    var whole = WatchFraming(.json, limit: 100)
    whole.append([UInt8](repeating: 0x61, count: 101) + [0x0a])
    #expect(throws: FramingError.tooLarge(limit: 100)) { try whole.next() }

    var protobuf = WatchFraming(.protobuf, limit: 100)
    protobuf.append([0, 0, 0, 100])
    #expect(try protobuf.next() == nil)
    var large = WatchFraming(.protobuf, limit: 100)
    large.append([0xff, 0xff, 0xff, 0xff])
    #expect(throws: FramingError.tooLarge(limit: 100)) { try large.next() }
  }

  @Test
  func `an idle stream releases the memory that it needed while busy`() throws {
    var framing = WatchFraming(.protobuf, limit: 1 << 20)
    framing.append(Array(repeatElement(Self.frames, count: 4000).joined()))
    while try framing.next() != nil {}
    #expect(framing.buffer.capacity >= 4000 * Self.frames.count)
    for _ in 0..<2 {
      framing.append(Self.frames)
      while try framing.next() != nil {}
    }
    #expect(framing.buffer.capacity < 64 << 10)
  }

  @Test(arguments: [WireFormat.json, .protobuf])
  func `bookmarks, errors and unknown types`(_ format: WireFormat) throws {
    let bookmark: [UInt8]
    let error: [UInt8]
    let unknown: [UInt8]
    if format == .json {
      bookmark = Array(Samples.eventJSON("BOOKMARK", #"{"kind":"Node","metadata":{"resourceVersion":"99"}}"#).utf8)
      let details = #"{"causes":[{"reason":"ResourceVersionTooLarge"}],"retryAfterSeconds":3}"#
      error = Array(Samples.eventJSON("ERROR", Samples.statusJSON(504, "Timeout", "soon", details: details)).utf8)
      unknown = Array(Samples.eventJSON("RENAMED", Samples.nodeJSON).utf8)
    } else {
      bookmark = ProtobufEncoder.frame("BOOKMARK", kind: "Node", ProtobufEncoder { $0.message(1) { $0.string(6, "99") } }.bytes)
      error = ProtobufEncoder.frame(
        "ERROR", kind: "Status",
        ProtobufEncoder {
          $0.string(2, "Failure")
          $0.string(3, "soon")
          $0.string(4, "Timeout")
          $0.message(5) {
            $0.message(4) { $0.string(1, "ResourceVersionTooLarge") }
            $0.integer(5, 3)
          }
          $0.integer(6, 504)
        }.bytes)
      unknown = ProtobufEncoder.frame("RENAMED", kind: "Node", Samples.node)
    }
    var framing = WatchFraming(format, limit: 1 << 20)
    let status = APIStatus(code: 504, reason: "Timeout", message: "soon", causes: ["ResourceVersionTooLarge"], retryAfter: .seconds(3))
    #expect(try events(&framing, format, [bookmark + error]) == [.bookmark(resourceVersion: "99"), .error(status)])
    #expect(throws: RecordError.self) { try events(&framing, format, [unknown]) }
  }

  @Test(arguments: [WireFormat.json, .protobuf])
  func `an event of another kind is an error`(_ format: WireFormat) {
    var framing = WatchFraming(format, limit: 1 << 20)
    let event =
      format == .json ? Array(Samples.eventJSON("ADDED", Samples.podJSON).utf8) : ProtobufEncoder.frame("ADDED", kind: "Pod", Samples.pod)
    #expect(throws: RecordError.self) { try events(&framing, format, [event]) }
  }

  private func events(_ framing: inout WatchFraming, _ format: WireFormat, _ pieces: [[UInt8]]) throws -> [WatchEvent<NodeRecord>] {
    var events: [WatchEvent<NodeRecord>] = []
    for piece in pieces {
      framing.append(piece)
      while let frame = try framing.next() {
        events.append(try Samples.nodes.event(frame, of: framing.buffer, format: format, known: StoreSnapshot()))
      }
    }
    return events
  }
}
