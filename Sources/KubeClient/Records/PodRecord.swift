package import Primitives

/// What we keep of a Pod.
///
/// A value of one reference, about 250 bytes in all for a Pod of two containers: identifiers are kept in binary, names that Pods have in
/// common are shared, and the properties make text of them when they are asked for. Nothing is lost by it: a UID, a version, an address or a container's ID of
/// a form that nobody expects comes out as it came in.
public struct PodRecord: Record, @unchecked Sendable {
  // Sendable, since the buffer is written before anyone else can see it. `update(to:)` alone changes one later, that nobody else can see.

  struct Header: Equatable {
    /// 0 where the version is no number.
    var version: UInt64
    var count: UInt32
    var phase: Phase
    var flags: Flags
    var node: Name?
    /// Which container has which image, as `PodRecord+Packing.swift` says; `nil` where no image is known.
    var images: Name?
    var identity: PodIdentity
  }

  struct Flags: OptionSet {
    let rawValue: UInt8
    static let hostNetwork = Flags(rawValue: 1)
    static let isBeingDeleted = Flags(rawValue: 2)
    /// The tail begins with the version's text.
    static let versionIsText = Flags(rawValue: 4)
  }

  enum Phase: UInt8, CaseIterable {
    case none, pending, running, succeeded, failed, unknown
    /// The text is in the tail, behind the version's.
    case other
  }

  /// The header, and behind it in the same allocation what `PodRecord+Packing.swift` says.
  var storage: ManagedBuffer<Header, UInt8>

  /// - Parameters:
  ///   - podIPs: as text, in the order in which the status has them.
  ///   - containers: in the order in which they are to stand in `containers`.
  ///   - images: by the container's name.
  public init(
    namespace: String, name: String, uid: String = "", resourceVersion: String = "", nodeName: String? = nil, phase: String = "",
    hostNetwork: Bool = false, podIPs: [String] = [], annotations: [String: String] = [:], isBeingDeleted: Bool = false,
    containers: [ContainerRecord] = [], images: [String: String] = [:]
  ) {
    var arena = TextArena()
    var builder = PodRecordBuilder()
    builder.namespace = arena.add(namespace)
    builder.name = arena.add(name)
    builder.uid = arena.add(uid)
    builder.resourceVersion = arena.add(resourceVersion)
    builder.nodeName = arena.add(nodeName ?? "")
    builder.phase = arena.add(phase)
    builder.hostNetwork = hostNetwork
    builder.isBeingDeleted = isBeingDeleted
    builder.podIPs = podIPs.map { arena.add($0) }
    builder.annotations = arena.add(annotations)
    builder.containers = containers.map { container in
      var builder = ContainerRecordBuilder(container, in: &arena)
      builder.image = arena.add(images[container.name] ?? "")
      return builder
    }
    self.init(builder, in: arena.bytes.span.bytes, names: nil)
  }
}

extension PodRecord {
  public var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }
  public var hasName: Bool { storage.header.identity.withNameBytes { !$0.isEmpty } }
  /// `metadata.namespace`.
  public var namespace: String { storage.header.identity.namespace.description }
  /// `metadata.name`.
  public var name: String { storage.header.identity.name }
  /// `metadata.uid`; another Pod of the same name has another.
  public var uid: String { storage.header.identity.uid.description }
  /// The version that this was read from; opaque.
  public var resourceVersion: String {
    isVersionText ? read { $0.text() } : "\(storage.header.version)"
  }
  /// `nil` until the Pod is scheduled.
  public var nodeName: String? { storage.header.node?.description }
  /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
  public var phase: String {
    storage.header.phase.text
      ?? read { reader in
        if isVersionText { _ = reader.textBytes() }
        return reader.text()
      }
  }
  /// Whether its containers share the node's network namespace.
  public var hostNetwork: Bool { storage.header.flags.contains(.hostNetwork) }
  /// Whether the Pod has a deletion timestamp.
  public var isBeingDeleted: Bool { storage.header.flags.contains(.isBeingDeleted) }
  /// One for each family of addresses; empty until the Pod has one.
  public var podIPs: [String] { addresses.map(\.description) }
  /// Only those with the prefixes that the decoder was asked for.
  public var annotations: [String: String] {
    readBody { reader in
      for _ in 0..<reader.count() { _ = reader.address() }
      return reader.pairs()
    }
  }
  /// Every container of the specification, with what the status says of it: initialization first, then regular, then ephemeral ones. Made anew at
  /// each call.
  public var containers: [ContainerRecord] {
    readContainers { reader, count in (0..<count).map { _ in reader.container() } }
  }
  /// Images by the container's name: as the status has them, otherwise as the specification has. Made anew at each call.
  public var images: [String: String] {
    storage.header.images?.withBytes { bytes in
      var reader = PackedReader(bytes)
      return reader.pairs()
    } ?? [:]
  }
}

// The binary forms, for those who would only make them of the text again.

extension PodRecord {
  /// Namespace, name and UID: one reference, which the next versions of the Pod in the same store share.
  package var identity: PodIdentity { storage.header.identity }
  /// The node's name, shared with the other Pods on it; `nil` until the Pod is scheduled.
  package var node: Name? { storage.header.node }
  /// `podIPs` in binary.
  package var addresses: [IPAddress] {
    readBody { reader in (0..<reader.count()).map { _ in reader.address() } }
  }
  /// The first of `addresses`.
  package var address: IPAddress? {
    readBody { reader in reader.count() > 0 ? reader.address() : nil }
  }
}

extension PodRecord {
  /// Calls the function with each container's ID that is not empty, in the order of `containers`.
  func forEachContainerID(_ body: (ContainerID) -> Void) {
    readContainers { reader, count in
      for _ in 0..<count {
        let id = reader.skimContainer()
        if !id.isEmpty { body(id) }
      }
    }
  }

  /// Whether both have as many containers, with the same IDs in the same order.
  func hasSameContainerIDs(as other: PodRecord) -> Bool {
    readContainers { reader, count in
      other.readContainers { otherReader, otherCount in
        guard count == otherCount else { return false }
        for _ in 0..<count where reader.skimContainer() != otherReader.skimContainer() { return false }
        return true
      }
    }
  }
}

extension PodRecord: Hashable {
  public static func == (left: PodRecord, right: PodRecord) -> Bool {
    if left.storage === right.storage { return true }
    return right.storage.withUnsafeMutablePointers { header, tail in
      left.has(header.pointee, UnsafeRawBufferPointer(start: tail, count: Int(header.pointee.count)))
    }
  }

  /// Whether it is of this content.
  func has(_ header: Header, _ tail: UnsafeRawBufferPointer) -> Bool {
    storage.withUnsafeMutablePointers { $0.pointee == header && isEqual(UnsafeRawBufferPointer(start: $1, count: Int(header.count)), tail) }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(storage.header.identity)
    hasher.combine(storage.header.version)
  }
}

extension PodRecord: CustomStringConvertible {
  public var description: String {
    "PodRecord(\(key), uid: \(uid), version: \(resourceVersion), node: \(nodeName ?? "none"), phase: \(phase), "
      + "\(hostNetwork ? "host network, " : "")\(isBeingDeleted ? "being deleted, " : "")podIPs: \(podIPs), "
      + "annotations: \(annotations), containers: \(containers), images: \(images))"
  }
}
