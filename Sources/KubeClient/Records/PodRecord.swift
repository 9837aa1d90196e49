package import Primitives

/// A Pod, reduced to the fields that are needed.
///
/// One reference, about 250 bytes in total for a Pod of two containers: identifiers are binary, common names are shared, and properties
/// decode them at each access. Unusual forms of a UID, version, address or container ID are kept as text, so nothing is lost.
public struct PodRecord: Record, @unchecked Sendable {
  // Sendable: the buffer is written before it is shared. Only `update(to:)` changes it later, and only if it is unshared.

  struct Header: Equatable {
    /// 0 if the version is not a number.
    var version: UInt64
    var count: UInt32
    var phase: Phase
    var flags: Flags
    var node: Name?
    /// What the Pods of a workload have in common, as `PodRecord+Packing.swift` describes; `nil` if there is nothing.
    var common: Name?
    var identity: PodIdentity
  }

  struct Flags: OptionSet {
    let rawValue: UInt8
    static let hostNetwork = Flags(rawValue: 1)
    static let isBeingDeleted = Flags(rawValue: 2)
    /// The tail starts with the text of the version.
    static let versionIsText = Flags(rawValue: 4)
    /// The tail ends with labels that the Pod does not share.
    static let hasOwnLabels = Flags(rawValue: 8)
  }

  enum Phase: UInt8, CaseIterable {
    case none, pending, running, succeeded, failed, unknown
    /// The tail has the text, after that of the version.
    case other
  }

  /// The header, followed by the tail that `PodRecord+Packing.swift` describes.
  var storage: ManagedBuffer<Header, UInt8>

  /// - Parameters:
  ///   - podIPs: in the order of the status.
  ///   - deletionTimestamp: in seconds since 1970.
  ///   - containers: in start order.
  ///   - images: by container name.
  ///   - labels: `nil` for a record without `scrapeFacts`.
  ///   - ports: the declared ports, by container name.
  public init(
    namespace: String, name: String, uid: String = "", resourceVersion: String = "", nodeName: String? = nil, phase: String = "",
    hostNetwork: Bool = false, podIPs: [String] = [], annotations: [String: String] = [:], deletionTimestamp: Int64? = nil,
    workload: Workload? = nil, runtimeClassName: String? = nil, containers: [ContainerRecord] = [], images: [String: String] = [:],
    labels: [String: String]? = nil, ports: [String: [ContainerPort]] = [:]
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
    builder.deletionTimestamp = deletionTimestamp
    builder.workload = workload.map { WorkloadBuilder(kind: $0.kind, name: arena.add($0.name)) }
    builder.runtimeClassName = arena.add(runtimeClassName ?? "")
    builder.podIPs = podIPs.map { arena.add($0) }
    builder.annotations = arena.add(annotations)
    builder.keepsScrapeFacts = labels != nil
    builder.labels = arena.add(labels ?? [:])
    builder.containers = containers.map { container in
      var builder = ContainerRecordBuilder(container, in: &arena)
      builder.image = arena.add(images[container.name] ?? "")
      builder.ports = (ports[container.name] ?? []).map { ContainerPortBuilder(name: arena.add($0.name), number: $0.number) }
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
  /// `metadata.uid`.
  public var uid: String { storage.header.identity.uid.description }
  /// `metadata.resourceVersion`; opaque.
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
  /// Whether the containers share the node's network namespace.
  public var hostNetwork: Bool { storage.header.flags.contains(.hostNetwork) }
  /// Whether the Pod has a deletion timestamp.
  public var isBeingDeleted: Bool { storage.header.flags.contains(.isBeingDeleted) }
  /// `metadata.deletionTimestamp` in seconds since 1970: when the grace period of the deletion ends.
  public var deletionTimestamp: Int64? {
    guard isBeingDeleted else { return nil }
    return read { reader in
      skipTexts(&reader)
      return Int64(bitPattern: reader.word())
    }
  }
  /// What created the Pod; `nil` for a Pod that nothing controls, and for a static Pod.
  public var workload: Workload? {
    readCommon { reader in
      let (kind, name) = (reader.text(), reader.text())
      return kind.isEmpty ? nil : Workload(kind: kind, name: name)
    }
  }
  /// `spec.runtimeClassName`; `nil` for the node's default runtime.
  public var runtimeClassName: String? {
    readCommon { reader in
      for _ in 0..<2 { _ = reader.textBytes() }
      let name = reader.text()
      return name.isEmpty ? nil : name
    }
  }
  /// One per IP family; empty until addresses are assigned.
  public var podIPs: [String] { addresses.map(\.description) }
  /// Only the annotations with the decoder's prefixes, without those of `scrapeFacts`.
  public var annotations: [String: String] {
    readBody { reader in
      for _ in 0..<reader.count() { _ = reader.address() }
      return reader.pairs()
    }
  }
  /// The containers of the spec, joined with their statuses: init containers, then regular, then ephemeral ones. Decoded at each access.
  public var containers: [ContainerRecord] {
    readContainers { reader, count in (0..<count).map { _ in reader.container() } }
  }
  /// Images by container name, from the status or else from the spec. Decoded at each access.
  public var images: [String: String] {
    readCommon { reader in
      for _ in 0..<3 { _ = reader.textBytes() }
      return reader.pairs()
    } ?? [:]
  }
}

// Binary forms, to avoid a conversion to text and back.

extension PodRecord {
  /// Namespace, name and UID: one reference, shared with later versions of the Pod in the same store.
  package var identity: PodIdentity { storage.header.identity }
  /// The node's name, shared with the other Pods on it; `nil` until the Pod is scheduled.
  package var node: Name? { storage.header.node }
  /// What the Pods of a workload have in common, which they usually share in memory; `nil` if there is nothing. Pods with the same text
  /// have the same `workload`.
  package var commonText: Name? { storage.header.common }
  /// `podIPs` in binary.
  package var addresses: [PodIP] {
    readBody { reader in (0..<reader.count()).map { _ in reader.address() } }
  }
  /// The first of `addresses`.
  package var address: PodIP? {
    readBody { reader in reader.count() > 0 ? reader.address() : nil }
  }
}

extension PodRecord {
  /// Calls `body` with each non-empty container ID, in the order of `containers`.
  func forEachContainerID(_ body: (ContainerStatusID) -> Void) {
    readContainers { reader, count in
      for _ in 0..<count {
        let id = reader.skipContainer()
        if !id.isEmpty { body(id) }
      }
    }
  }

  /// Whether both have the same container IDs in the same order.
  func hasSameContainerIDs(as other: PodRecord) -> Bool {
    readContainers { reader, count in
      other.readContainers { otherReader, otherCount in
        guard count == otherCount else { return false }
        for _ in 0..<count where reader.skipContainer() != otherReader.skipContainer() { return false }
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

  /// Whether header and tail are equal to these.
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
      + "\(hostNetwork ? "host network, " : "")\(deletionTimestamp.map { "deleted at: \($0), " } ?? "")podIPs: \(podIPs), "
      + "workload: \(workload.map { "\($0)" } ?? "none"), runtime class: \(runtimeClassName ?? "none"), "
      + "annotations: \(annotations), containers: \(containers), images: \(images))"
  }
}
