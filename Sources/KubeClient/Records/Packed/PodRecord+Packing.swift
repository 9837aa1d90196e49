internal import Identifiers

// The tail of a Pod's record, in this order: the text of the version and that of the phase, where the header says so; the addresses;
// the annotations; the containers. Lists begin with their count.
//
// Names of containers and their images stand beside it, in a text that the Pods of a workload share.

extension PodRecord {
  /// - Parameter names: shares namespaces, nodes and images with other records; `nil` to share nothing.
  init(_ draft: PodDraft, in bytes: RawSpan, names: NameTable?) {
    var tail = PackedWriter()
    var flags = Flags()
    if draft.hostNetwork { flags.insert(.hostNetwork) }
    if draft.isBeingDeleted { flags.insert(.isBeingDeleted) }

    var version: UInt64 = 0
    switch PackedVersion(draft.resourceVersion, in: bytes) {
    case .number(let number): version = number
    case .text:
      flags.insert(.versionIsText)
      tail.append(text: draft.resourceVersion, of: bytes)
    }
    let phase = Phase(draft.phase, in: bytes)
    if phase == .other { tail.append(text: draft.phase, of: bytes) }

    let podIPs = draft.podIPs.isEmpty && !draft.podIP.isEmpty ? [draft.podIP] : draft.podIPs
    tail.append(count: podIPs.count)
    for address in podIPs { tail.append(IPAddress(bytes.text(address))) }
    tail.append(pairs: draft.annotations, of: bytes)
    tail.append(count: draft.containers.count)
    for container in draft.containers { tail.append(container, of: bytes) }

    let namespace = bytes.name(draft.namespace, from: names)
    let uid = bytes.uid(draft.uid)
    let identity = bytes.withText(draft.name) { PodIdentity(namespace: namespace, name: $0, uid: uid) }
    let count = tail.bytes.count
    let header = Header(
      identity: identity, node: draft.nodeName.isEmpty ? nil : bytes.name(draft.nodeName, from: names),
      images: Self.images(of: draft.containers, in: bytes, names: names), version: version, count: UInt32(count), phase: phase, flags: flags
    )
    storage = ManagedBuffer.create(minimumCapacity: count) { _ in header }
    storage.withUnsafeMutablePointerToElements { elements in
      tail.bytes.withUnsafeBufferPointer { if let start = $0.baseAddress { elements.initialize(from: start, count: $0.count) } }
    }
  }

  private static func images(of containers: [ContainerDraft], in bytes: RawSpan, names: NameTable?) -> Name? {
    let count = containers.count { !$0.image.isEmpty }
    guard count > 0 else { return nil }
    var pairs = PackedWriter()
    pairs.append(count: count)
    for container in containers where !container.image.isEmpty {
      pairs.append(text: container.name, of: bytes)
      pairs.append(text: container.image, of: bytes)
    }
    return pairs.bytes.withUnsafeBytes { names?.name($0) ?? Name(bytes: $0) }
  }

  /// Refers to the same identity as an older record of the Pod, where it is the same Pod.
  mutating func share(with older: PodRecord) {
    let identity = older.identity
    guard !storage.header.identity.isSameInMemory(as: identity), storage.header.identity == identity else { return }
    if !isKnownUniquelyReferenced(&storage) {
      storage = storage.withUnsafeMutablePointers { header, tail in
        let copy = ManagedBuffer<Header, UInt8>.create(minimumCapacity: Int(header.pointee.count)) { _ in header.pointee }
        copy.withUnsafeMutablePointerToElements { $0.initialize(from: tail, count: Int(header.pointee.count)) }
        return copy
      }
    }
    storage.header.identity = identity
  }
}

extension PodRecord {
  var isVersionText: Bool { storage.header.flags.contains(.versionIsText) }

  /// Runs `body` with a reader at the tail's beginning.
  func read<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    storage.withUnsafeMutablePointers { header, tail in
      var reader = PackedReader(UnsafeRawBufferPointer(start: tail, count: Int(header.pointee.count)))
      return body(&reader)
    }
  }

  /// Runs `body` with a reader at the addresses.
  func readBody<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    read { reader in
      if isVersionText { _ = reader.textBytes() }
      if storage.header.phase == .other { _ = reader.textBytes() }
      return body(&reader)
    }
  }

  /// Runs `body` with a reader at the first container, and their number.
  func readContainers<Result>(_ body: (inout PackedReader, Int) -> Result) -> Result {
    readBody { reader in
      for _ in 0..<reader.count() { _ = reader.address() }
      reader.skipPairs()
      let count = reader.count()
      return body(&reader, count)
    }
  }
}

extension PodRecord.Phase {
  /// `nil` for what is not in the enumeration.
  var text: String? {
    switch self {
    case .none: ""
    case .pending: "Pending"
    case .running: "Running"
    case .succeeded: "Succeeded"
    case .failed: "Failed"
    case .unknown: "Unknown"
    case .other: nil
    }
  }

  init(_ text: Range<Int>, in bytes: RawSpan) {
    // The known ones differ in their length, but for Running, Pending and Unknown.
    let text = bytes.text(text)
    self = Self.allCases.first { $0.text == text } ?? .other
  }
}
