/// Which Pod: its namespace, name and UID, in one allocation that everything that speaks of the Pod can share.
///
/// It is one reference wide. Two are equal if all three are; those that a store hands out for one Pod, from one version of it to the next,
/// are found equal without looking.
package struct PodIdentity: @unchecked Sendable {
  // Sendable, since the buffer is written in `init`, before anyone else can see it, and never again.

  private struct Header {
    var namespace: Name
    var uid: UID
    var count: Int32
  }
  /// The bytes of the name follow the header.
  private let storage: ManagedBuffer<Header, UInt8>

  package init(namespace: Name, name: UnsafeRawBufferPointer, uid: UID) {
    // The API server takes names of 253 bytes; what is longer than fits here has come from no API server.
    let name = UnsafeRawBufferPointer(rebasing: name.prefix(Int(Int32.max)))
    storage = ManagedBuffer.create(minimumCapacity: name.count) { _ in
      Header(namespace: namespace, uid: uid, count: Int32(name.count))
    }
    storage.withUnsafeMutablePointerToElements { elements in
      name.withMemoryRebound(to: UInt8.self) { if let start = $0.baseAddress { elements.initialize(from: start, count: $0.count) } }
    }
  }

  package init(namespace: String, name: String, uid: String) {
    var name = name
    self = name.withUTF8 { PodIdentity(namespace: Name(namespace), name: UnsafeRawBufferPointer($0), uid: UID(uid)) }
  }

  package var namespace: Name { storage.header.namespace }
  package var name: String { withNameBytes { String(decoding: $0, as: UTF8.self) } }
  package var uid: UID { storage.header.uid }

  /// Runs `body` on the bytes of the name, which must not leave it.
  package func withNameBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try storage.withUnsafeMutablePointers { header, bytes throws(Failure) in
      try body(UnsafeRawBufferPointer(start: bytes, count: Int(header.pointee.count)))
    }
  }

  /// Whether both are one in memory, which says that they are equal; the reverse does not hold.
  package func isSameInMemory(as other: PodIdentity) -> Bool { storage === other.storage }
}

extension PodIdentity: Hashable, Comparable {
  package static func == (left: PodIdentity, right: PodIdentity) -> Bool {
    left.isSameInMemory(as: right) || left.uid == right.uid && left.isNamed(as: right)
  }

  /// Whether namespace and name are the same, whatever the UID.
  package func isNamed(as other: PodIdentity) -> Bool {
    isSameInMemory(as: other)
      || withNameBytes { left in other.withNameBytes { right in left.elementsEqual(right) } } && namespace == other.namespace
  }

  /// By namespace, then name, then UID, byte by byte.
  package static func < (left: PodIdentity, right: PodIdentity) -> Bool {
    if left.isSameInMemory(as: right) { return false }
    if left.namespace != right.namespace { return left.namespace < right.namespace }
    return left.withNameBytes { leftName in
      right.withNameBytes { rightName in
        if leftName.elementsEqual(rightName) { return left.uid.description < right.uid.description }
        return leftName.lexicographicallyPrecedes(rightName)
      }
    }
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(namespace)
    withNameBytes { hasher.combine(bytes: $0) }
    hasher.combine(uid)
  }
}

extension PodIdentity: CustomStringConvertible {
  package var description: String { "\(namespace)/\(name) (\(uid))" }
}
