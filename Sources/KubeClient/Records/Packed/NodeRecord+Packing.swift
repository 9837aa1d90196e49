internal import Primitives

// The tail of a Node's record, in this order: the text of the version, where the header says so; the UID; the operating system; the
// addresses; the labels; the annotations. Lists begin with their count.

extension NodeRecord {
  /// - Parameter names: shares names with other records; `nil` to share nothing.
  init(_ draft: NodeDraft, in bytes: RawSpan, names: NameTable?) {
    var tail = PackedWriter()
    var flags = Flags()
    if let ready = draft.ready { flags.formUnion(ready ? [.hasReady, .isReady] : .hasReady) }
    var version: UInt64 = 0
    switch PackedVersion(draft.resourceVersion, in: bytes) {
    case .number(let number): version = number
    case .text:
      flags.insert(.versionIsText)
      tail.append(text: draft.resourceVersion, of: bytes)
    }
    tail.append(bytes.uid(draft.uid))
    tail.append(text: draft.operatingSystem, of: bytes)
    tail.append(count: draft.addresses.count)
    for address in draft.addresses {
      tail.append(text: address.key, of: bytes)
      tail.append(text: address.value, of: bytes)
    }
    tail.append(pairs: draft.labels, of: bytes)
    tail.append(pairs: draft.annotations, of: bytes)

    let count = tail.bytes.count
    let header = Header(
      name: bytes.name(draft.name, from: names), version: version, count: UInt32(count), kubeletPort: draft.kubeletPort, flags: flags)
    storage = ManagedBuffer.create(minimumCapacity: count) { _ in header }
    storage.withUnsafeMutablePointerToElements { elements in
      tail.bytes.withUnsafeBufferPointer { if let start = $0.baseAddress { elements.initialize(from: start, count: $0.count) } }
    }
  }
}

extension NodeRecord {
  var isVersionText: Bool { storage.header.flags.contains(.versionIsText) }

  /// Runs `body` with a reader at the tail's beginning.
  func read<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    storage.withUnsafeMutablePointers { header, tail in
      var reader = PackedReader(UnsafeRawBufferPointer(start: tail, count: Int(header.pointee.count)))
      return body(&reader)
    }
  }

  /// Runs `body` with a reader at the UID.
  func readBody<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    read { reader in
      if isVersionText { _ = reader.textBytes() }
      return body(&reader)
    }
  }

  /// Runs `body` with a reader at the addresses.
  func readLists<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    readBody { reader in
      _ = reader.uid()
      _ = reader.textBytes()
      return body(&reader)
    }
  }
}
