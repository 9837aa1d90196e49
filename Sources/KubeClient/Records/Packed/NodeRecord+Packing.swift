internal import Primitives

/// The fields of a Node before packing, as ranges in a buffer. An empty range is an empty text.
struct NodeRecordBuilder {
  var name = 0..<0
  var uid = 0..<0
  var resourceVersion = 0..<0
  var labels: [TextPair] = []
  var annotations: [TextPair] = []
  var operatingSystem = 0..<0
  /// Type and address, in order.
  var addresses: [TextPair] = []
  var ready: Bool?
  /// 0 for none, as in protobuf.
  var kubeletPort: UInt16 = 0
}

// The tail of a Node's record, in this order: the text of the version if the header says so; the UID; the operating system; the addresses;
// the labels; the annotations. Lists start with their count.

extension NodeRecord {
  /// - Parameter names: shares names between records; `nil` shares none.
  init(_ builder: NodeRecordBuilder, in bytes: RawSpan, names: NameTable?) {
    var tail = PackedWriter()
    var flags = Flags()
    if let ready = builder.ready { flags.formUnion(ready ? [.hasReady, .isReady] : .hasReady) }
    var version: UInt64 = 0
    switch PackedVersion(builder.resourceVersion, in: bytes) {
    case .number(let number): version = number
    case .text:
      flags.insert(.versionIsText)
      tail.append(text: builder.resourceVersion, of: bytes)
    }
    tail.append(bytes.uid(builder.uid))
    tail.append(text: builder.operatingSystem, of: bytes)
    tail.append(count: builder.addresses.count)
    for address in builder.addresses {
      tail.append(text: address.key, of: bytes)
      tail.append(text: address.value, of: bytes)
    }
    tail.append(pairs: builder.labels, of: bytes)
    tail.append(pairs: builder.annotations, of: bytes)

    let count = tail.bytes.count
    let header = Header(
      name: bytes.name(builder.name, from: names), version: version, count: UInt32(count), kubeletPort: builder.kubeletPort, flags: flags)
    storage = ManagedBuffer.create(minimumCapacity: count) { _ in header }
    storage.withUnsafeMutablePointerToElements { elements in
      tail.bytes.withUnsafeBufferPointer { if let start = $0.baseAddress { elements.initialize(from: start, count: $0.count) } }
    }
  }
}

extension NodeRecord {
  var isVersionText: Bool { storage.header.flags.contains(.versionIsText) }

  /// Calls `body` with a reader at the start of the tail.
  func read<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    storage.withUnsafeMutablePointers { header, tail in
      var reader = PackedReader(UnsafeRawBufferPointer(start: tail, count: Int(header.pointee.count)))
      return body(&reader)
    }
  }

  /// Calls `body` with a reader at the UID.
  func readBody<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    read { reader in
      if isVersionText { _ = reader.textBytes() }
      return body(&reader)
    }
  }

  /// Calls `body` with a reader at the addresses.
  func readLists<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    readBody { reader in
      _ = reader.uid()
      _ = reader.textBytes()
      return body(&reader)
    }
  }
}
