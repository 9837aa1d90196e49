internal import LinuxCollector
internal import Primitives
internal import Protobuf

/// Reads the few fields of CRI messages that are needed to find processes.
enum CRIMessages {
  /// ListContainersResponse.containers (1)
  static func containers(_ message: ArraySlice<UInt8>) throws(ProtobufError) -> [RunningContainer] {
    var containers: [RunningContainer] = []
    var fields = ProtobufReader(message)
    while let field = try fields.next() {
      if field.number == 1, let one = try container(field.bytes) { containers.append(one) }
    }
    return containers
  }

  /// Container.id (1), .labels (8)
  private static func container(_ message: ArraySlice<UInt8>) throws(ProtobufError) -> RunningContainer? {
    var id: ContainerID?
    var podUID: String?
    var fields = ProtobufReader(message)
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
  static func info(ofStatus message: ArraySlice<UInt8>) throws(ProtobufError) -> [UInt8]? {
    var fields = ProtobufReader(message)
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
  ) throws(ProtobufError) -> (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
    var entry: (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) = ([], [])
    var fields = ProtobufReader(message)
    while let field = try fields.next() {
      if field.number == 1 { entry.key = field.bytes }
      if field.number == 2 { entry.value = field.bytes }
    }
    return entry
  }
}
