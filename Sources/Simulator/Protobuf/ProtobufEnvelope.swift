import Protobuf

/// The Kubernetes framing around protobuf messages: `k8s\0` and a runtime.Unknown message.
/// Source: k8s.io/apimachinery, pkg/runtime/generated.proto and pkg/runtime/serializer/protobuf.
enum ProtobufEnvelope {
  private static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]

  static func wrap(_ message: [UInt8], apiVersion: String, kind: String) -> [UInt8] {
    start(apiVersion: apiVersion, kind: kind, rawSize: message.count) + message
  }

  /// The runtime.Unknown message inside; `nil` without the magic number.
  static func unwrapped(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
    bytes.starts(with: magic) ? bytes.dropFirst(magic.count) : nil
  }

  /// The bytes of a list before its first item; `appendListItem` adds the items.
  static func listStart(metadata: [UInt8], itemSizes: [Int], apiVersion: String, kind: String) -> [UInt8] {
    var head: [UInt8] = []
    head.append(field: 1, metadata)
    let itemsSize = itemSizes.reduce(0) { $0 + 1 + varintSize(UInt64($1)) + $1 }
    return start(apiVersion: apiVersion, kind: kind, rawSize: head.count + itemsSize) + head
  }

  static func appendListItem(_ item: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(field: 2, item)
  }

  /// A frame of a watch: the length in four bytes, big-endian, and a metav1.WatchEvent (type = 1, object.raw = 2.1).
  static func watchFrame(type: String, object: [UInt8]) -> [UInt8] {
    var raw: [UInt8] = []
    raw.append(field: 1, object)
    var event: [UInt8] = []
    event.append(field: 1, type)
    event.append(field: 2, raw)
    let size = UInt32(event.count)
    return [UInt8(size >> 24), UInt8(size >> 16 & 0xFF), UInt8(size >> 8 & 0xFF), UInt8(size & 0xFF)] + event
  }

  /// The same with the message wrapped in an envelope, in one pass: initial events are mostly such frames.
  static func watchFrame(type: String, message: [UInt8], apiVersion: String, kind: String) -> [UInt8] {
    let envelope = start(apiVersion: apiVersion, kind: kind, rawSize: message.count)
    let envelopeSize = envelope.count + message.count
    let rawSize = 1 + varintSize(UInt64(envelopeSize)) + envelopeSize
    var head: [UInt8] = []
    head.append(field: 1, type)
    head.append(field: 2, length: rawSize)
    head.append(field: 1, length: envelopeSize)
    let size = UInt32(head.count + envelopeSize)
    var frame: [UInt8] = []
    frame.reserveCapacity(4 + Int(size))
    frame += [UInt8(size >> 24), UInt8(size >> 16 & 0xFF), UInt8(size >> 8 & 0xFF), UInt8(size & 0xFF)]
    frame += head
    frame += envelope
    frame += message
    return frame
  }

  /// runtime.Unknown: typeMeta = 1 (apiVersion = 1, kind = 2), raw = 2, contentEncoding = 3, contentType = 4. The raw bytes come
  /// last here, and the two empty strings are left out; readers accept fields in any order.
  private static func start(apiVersion: String, kind: String, rawSize: Int) -> [UInt8] {
    var type: [UInt8] = []
    type.append(field: 1, apiVersion)
    type.append(field: 2, kind)
    var bytes = magic
    bytes.append(field: 1, type)
    bytes.append(field: 2, length: rawSize)
    return bytes
  }
}
