internal import Primitives

/// The fields of a Pod before packing, as ranges in a buffer. An empty range is an empty text.
struct PodRecordBuilder {
  var namespace = 0..<0
  var name = 0..<0
  var uid = 0..<0
  var resourceVersion = 0..<0
  var nodeName = 0..<0
  var phase = 0..<0
  var hostNetwork = false
  /// In seconds since 1970.
  var deletionTimestamp: Int64?
  var workload: WorkloadBuilder?
  var runtimeClassName = 0..<0
  /// `status.podIP`; used if `podIPs` is empty.
  var podIP = 0..<0
  var podIPs: [Range<Int>] = []
  var annotations: [TextPair] = []
  /// Whether the record has `ScrapeFacts`: labels, ports, and annotations of scrapes.
  var keepsScrapeFacts = false
  var labels: [TextPair] = []
  var containers: [ContainerRecordBuilder] = []
}

// The tail of a Pod's record, in this order: the texts of the version and the phase, and the deletion timestamp, if the header says so; the
// addresses; the annotations; the containers; the Pod's own labels, if the header says so. Lists start with their count.
//
// What the Pods of a workload have in common is a separate text that they share, so that it needs no memory per Pod. In this order: kind
// and name of the workload; the name of the runtime class; container names and images; then, if they are kept, what `ScrapeFacts` has.

extension PodRecord {
  /// - Parameters:
  ///   - older: the known record of this Pod. The new record shares its parts, and is identical to it if both are equal.
  ///   - names: shares namespaces, nodes and images between records; `nil` shares none.
  init(_ builder: PodRecordBuilder, in bytes: RawSpan, older: PodRecord? = nil, names: NameTable?) {
    var tail = PackedWriter()
    var flags = Flags()
    if builder.hostNetwork { flags.insert(.hostNetwork) }

    var version: UInt64 = 0
    switch PackedVersion(builder.resourceVersion, in: bytes) {
    case .number(let number): version = number
    case .text:
      flags.insert(.versionIsText)
      tail.append(text: builder.resourceVersion, of: bytes)
    }
    let phase = Phase(builder.phase, in: bytes)
    if phase == .other { tail.append(text: builder.phase, of: bytes) }
    if let deletion = builder.deletionTimestamp {
      flags.insert(.isBeingDeleted)
      tail.append(word: UInt64(bitPattern: deletion))
    }

    let podIPs = builder.podIPs.isEmpty && !builder.podIP.isEmpty ? [builder.podIP] : builder.podIPs
    tail.append(count: podIPs.count)
    for address in podIPs { tail.append(PodIP(bytes.text(address))) }
    tail.append(pairs: builder.annotations.filter { !builder.keepsScrapeFacts || !$0.isScrapeAnnotation(in: bytes) }, of: bytes)
    tail.append(count: builder.containers.count)
    for container in builder.containers { tail.append(container, of: bytes) }
    let ownLabels = builder.labels.filter { $0.isOwnLabel(in: bytes) }
    if builder.keepsScrapeFacts, !ownLabels.isEmpty {
      flags.insert(.hasOwnLabels)
      tail.append(pairs: ownLabels, of: bytes)
    }

    let header = Header(
      version: version, count: UInt32(tail.bytes.count), phase: phase, flags: flags,
      node: builder.node(in: bytes, older: older?.node, names: names),
      common: builder.common(in: bytes, older: older?.storage.header.common, names: names),
      identity: builder.identity(in: bytes, older: older?.identity, names: names))
    self = tail.bytes.withUnsafeBytes { tail in
      if let older, older.has(header, tail) { return older }
      return PodRecord(header, tail)
    }
  }

  private init(_ header: Header, _ tail: UnsafeRawBufferPointer) {
    storage = ManagedBuffer.create(minimumCapacity: tail.count) { _ in header }
    storage.withUnsafeMutablePointerToElements { UnsafeMutableRawBufferPointer(start: $0, count: tail.count).copyMemory(from: tail) }
  }

  /// Becomes equal to a newer record. Reuses its memory if it is unshared and has the right size, so that most updates do not move the
  /// record and do not fragment the heap. Keeps an equal identity.
  mutating func update(to newer: PodRecord) {
    var header = newer.storage.header
    if header.identity == storage.header.identity { header.identity = storage.header.identity }
    newer.storage.withUnsafeMutablePointerToElements { start in
      let tail = UnsafeRawBufferPointer(start: start, count: Int(header.count))
      guard isKnownUniquelyReferenced(&storage), (tail.count...2 * tail.count).contains(storage.capacity) else {
        self = PodRecord(header, tail)
        return
      }
      storage.header = header
      storage.withUnsafeMutablePointerToElements { UnsafeMutableRawBufferPointer(start: $0, count: tail.count).copyMemory(from: tail) }
    }
  }
}

extension PodRecordBuilder {
  /// - Parameter older: of the Pod of this name.
  fileprivate func identity(in bytes: RawSpan, older: PodIdentity?, names: NameTable?) -> PodIdentity {
    let uid = bytes.uid(uid)
    if let older, older.uid == uid { return older }
    let namespace = older?.namespace ?? bytes.name(namespace, from: names)
    return bytes.withText(name) { PodIdentity(namespace: namespace, name: $0, uid: uid) }
  }

  fileprivate func node(in bytes: RawSpan, older: Name?, names: NameTable?) -> Name? {
    if nodeName.isEmpty { return nil }
    if let older, bytes.withText(nodeName, older.hasBytes) { return older }
    return bytes.name(nodeName, from: names)
  }

  fileprivate func common(in bytes: RawSpan, older: Name?, names: NameTable?) -> Name? {
    let imageCount = containers.count { !$0.image.isEmpty }
    guard imageCount > 0 || workload != nil || !runtimeClassName.isEmpty || keepsScrapeFacts else { return nil }
    var common = PackedWriter()
    common.append(text: workload?.kind ?? "")
    common.append(text: workload?.name ?? 0..<0, of: bytes)
    common.append(text: runtimeClassName, of: bytes)
    common.append(count: imageCount)
    for container in containers where !container.image.isEmpty {
      common.append(text: container.name, of: bytes)
      common.append(text: container.image, of: bytes)
    }
    if keepsScrapeFacts { common.append(scrapeFactsOf: self, in: bytes) }
    return common.bytes.withUnsafeBytes { common in
      if let older, older.hasBytes(common) { return older }
      return names?.name(common) ?? Name(bytes: common)
    }
  }
}

extension PodRecord {
  var isVersionText: Bool { storage.header.flags.contains(.versionIsText) }

  /// Calls `body` with a reader at the start of the tail.
  func read<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    storage.withUnsafeMutablePointers { header, tail in
      var reader = PackedReader(UnsafeRawBufferPointer(start: tail, count: Int(header.pointee.count)))
      return body(&reader)
    }
  }

  /// Skips the texts of the version and the phase.
  func skipTexts(_ reader: inout PackedReader) {
    if isVersionText { _ = reader.textBytes() }
    if storage.header.phase == .other { _ = reader.textBytes() }
  }

  /// Calls `body` with a reader at the addresses.
  func readBody<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    read { reader in
      skipTexts(&reader)
      if isBeingDeleted { _ = reader.word() }
      return body(&reader)
    }
  }

  /// Calls `body` with a reader at the start of the common text; `nil` without one.
  func readCommon<Result>(_ body: (inout PackedReader) -> Result?) -> Result? {
    storage.header.common?.withBytes { bytes in
      var reader = PackedReader(bytes)
      return body(&reader)
    }
  }

  /// Calls `body` with a reader at the first container, and the number of containers.
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
  /// `nil` for `other`.
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
    let text = bytes.text(text)
    self = Self.allCases.first { $0.text == text } ?? .other
  }
}
