/// Writes protobuf by field number, independently of the code under test.
struct ProtobufEncoder {
  private(set) var bytes: [UInt8] = []

  init() {}
  init(_ build: (inout ProtobufEncoder) -> Void) { build(&self) }

  mutating func string(_ number: Int, _ text: String) { chunk(number, Array(text.utf8)) }
  mutating func message(_ number: Int, _ build: (inout ProtobufEncoder) -> Void) { chunk(number, ProtobufEncoder(build).bytes) }
  mutating func integer(_ number: Int, _ value: Int64) {
    varint(UInt64(number) << 3)
    varint(UInt64(bitPattern: value))
  }
  mutating func fixed64(_ number: Int, _ value: UInt64) {
    varint(UInt64(number) << 3 | 1)
    for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift * 8))) }
  }
  mutating func entry(_ number: Int, _ key: String, _ value: String) {
    message(number) {
      $0.string(1, key)
      $0.string(2, value)
    }
  }
  mutating func chunk(_ number: Int, _ content: [UInt8]) {
    varint(UInt64(number) << 3 | 2)
    varint(UInt64(content.count))
    bytes += content
  }
  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Adds the Kubernetes envelope.
  static func enveloped(kind: String, _ object: [UInt8]) -> [UInt8] {
    Array("k8s\0".utf8)
      + ProtobufEncoder {
        $0.message(1) {
          $0.string(1, "v1")
          $0.string(2, kind)
        }
        $0.chunk(2, object)
        $0.string(3, "")
        $0.string(4, "")
      }.bytes
  }

  /// A watch frame: the length, then a `WatchEvent`.
  static func frame(_ type: String, kind: String, _ object: [UInt8]) -> [UInt8] {
    let event = ProtobufEncoder {
      $0.string(1, type)
      $0.message(2) { $0.chunk(1, enveloped(kind: kind, object)) }
    }.bytes
    return withUnsafeBytes(of: UInt32(event.count).bigEndian, Array.init) + event
  }
}
