internal import LinuxCollector
internal import Primitives

/// Reads the few fields of CRI messages that are needed to find processes.
enum CRIMessages {
  /// ListContainersResponse.containers (1)
  static func containers(_ message: ArraySlice<UInt8>) throws(MalformedMessage) -> [RunningContainer] {
    var containers: [RunningContainer] = []
    var fields = MessageFields(message)
    while let field = try fields.next() {
      if field.number == 1, let one = try container(field.bytes) { containers.append(one) }
    }
    return containers
  }

  /// Container.id (1), .labels (8)
  private static func container(_ message: ArraySlice<UInt8>) throws(MalformedMessage) -> RunningContainer? {
    var id: ContainerID?
    var podUID: String?
    var fields = MessageFields(message)
    while let field = try fields.next() {
      switch field.number {
      case 1: id = ContainerID(String(decoding: field.bytes, as: UTF8.self))
      case 8:
        // The kubelet sets this label on every container.
        let (key, value) = try entry(field.bytes)
        if key.elementsEqual("io.kubernetes.pod.uid".utf8) { podUID = String(decoding: value, as: UTF8.self) }
      default: break
      }
    }
    // CRI lists sandboxes separately.
    return id.map { RunningContainer(id: $0, podUID: podUID, role: .application) }
  }

  /// ContainerStatusResponse.info (2): the value of the key `info`
  static func info(ofStatus message: ArraySlice<UInt8>) throws(MalformedMessage) -> [UInt8]? {
    var fields = MessageFields(message)
    while let field = try fields.next() {
      guard field.number == 2 else { continue }
      let (key, value) = try entry(field.bytes)
      if key.elementsEqual("info".utf8) { return Array(value) }
    }
    return nil
  }

  /// An entry of a map of strings: key (1), value (2)
  private static func entry(
    _ message: ArraySlice<UInt8>
  ) throws(MalformedMessage) -> (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
    var entry: (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) = ([], [])
    var fields = MessageFields(message)
    while let field = try fields.next() {
      if field.number == 1 { entry.key = field.bytes }
      if field.number == 2 { entry.value = field.bytes }
    }
    return entry
  }
}

struct MalformedMessage: Error, Hashable {
  var reason: String
}

/// Hands out the fields of a protobuf message one by one. Source: https://protobuf.dev/programming-guides/encoding/
struct MessageFields {
  private var rest: ArraySlice<UInt8>

  struct Field {
    var number: UInt64
    /// Of a string, a message or bytes; empty for numbers, of which we want none.
    var bytes: ArraySlice<UInt8>
  }

  init(_ message: ArraySlice<UInt8>) {
    rest = message
  }

  mutating func next() throws(MalformedMessage) -> Field? {
    if rest.isEmpty { return nil }
    let tag = try varint()
    var bytes: ArraySlice<UInt8> = []
    switch tag & 7 {
    case 0: _ = try varint()
    case 1: _ = try take(8)
    case 2: bytes = try take(varint())
    case 5: _ = try take(4)
    default: throw MalformedMessage(reason: "field \(tag >> 3) has the wire type \(tag & 7)")
    }
    return Field(number: tag >> 3, bytes: bytes)
  }

  private mutating func take(_ count: UInt64) throws(MalformedMessage) -> ArraySlice<UInt8> {
    guard count <= UInt64(rest.count) else { throw MalformedMessage(reason: "a field is longer than its message") }
    defer { rest = rest.dropFirst(Int(count)) }
    return rest.prefix(Int(count))
  }

  private mutating func varint() throws(MalformedMessage) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { throw MalformedMessage(reason: "a number is cut off") }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw MalformedMessage(reason: "a number has more than 64 bits")
  }
}
