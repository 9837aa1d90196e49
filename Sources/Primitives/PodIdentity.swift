/// Which Pod: its namespace, name and UID, in one allocation that everything that speaks of the Pod can share.
///
/// It is one reference wide. Two are equal if all three are; those that a store hands out for one Pod, from one version of it to the next,
/// are found equal without looking.
package struct PodIdentity: @unchecked Sendable {
  // Sendable, since the buffer is written in `init`, before anyone else can see it, and never again.

  /// With a UUID of 16 bytes and a name of up to 28 the allocation takes 80 bytes.
  private struct Header {
    var namespace: Name
    /// The UID, where it is a UUID.
    var uid: (UInt64, UInt64)
    var nameCount: UInt16
    /// Of the UID as text; `noText` where it is a UUID.
    var uidCount: UInt16

    static let noText = UInt16.max
  }
  /// The header, and behind it in the same allocation the bytes of the name and of a UID that is no UUID.
  private let storage: ManagedBuffer<Header, UInt8>

  /// The API server takes names of 253 bytes and gives UIDs of 36; what is longer than 65,534 has come from no API server and is cut.
  package init(namespace: Name, name: UnsafeRawBufferPointer, uid: UID) {
    let nameCount = min(name.count, Int(Header.noText) - 1)
    switch uid {
    case .uuid(let high, let low):
      let header = Header(namespace: namespace, uid: (high, low), nameCount: UInt16(nameCount), uidCount: Header.noText)
      storage = Self.allocate(header, name, [])
    case .text(let text):
      let text = Array(text.utf8.prefix(Int(Header.noText) - 1))
      let header = Header(namespace: namespace, uid: (0, 0), nameCount: UInt16(nameCount), uidCount: UInt16(text.count))
      storage = Self.allocate(header, name, text)
    }
  }

  private static func allocate(_ header: Header, _ name: UnsafeRawBufferPointer, _ uid: [UInt8]) -> ManagedBuffer<Header, UInt8> {
    let nameCount = Int(header.nameCount)
    let storage = ManagedBuffer<Header, UInt8>.create(minimumCapacity: nameCount + uid.count) { _ in header }
    storage.withUnsafeMutablePointerToElements { elements in
      let bytes = UnsafeMutableRawBufferPointer(start: elements, count: nameCount + uid.count)
      bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: name.prefix(nameCount)))
      UnsafeMutableRawBufferPointer(rebasing: bytes[nameCount...]).copyBytes(from: uid)
    }
    return storage
  }

  package init(namespace: String, name: String, uid: String) {
    var name = name
    self = name.withUTF8 { PodIdentity(namespace: Name(namespace), name: UnsafeRawBufferPointer($0), uid: UID(uid)) }
  }

  package var namespace: Name { storage.header.namespace }
  package var name: String { withNameBytes { String(decoding: $0, as: UTF8.self) } }
  package var uid: UID {
    storage.withUnsafeMutablePointers { header, bytes in
      guard header.pointee.uidCount != Header.noText else { return .uuid(header.pointee.uid.0, header.pointee.uid.1) }
      let start = bytes + Int(header.pointee.nameCount)
      return .text(String(decoding: UnsafeBufferPointer(start: start, count: Int(header.pointee.uidCount)), as: UTF8.self))
    }
  }

  /// Runs `body` on the bytes of the name, which must not leave it.
  package func withNameBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try storage.withUnsafeMutablePointers { header, bytes throws(Failure) in
      try body(UnsafeRawBufferPointer(start: bytes, count: Int(header.pointee.nameCount)))
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
      || withNameBytes { left in other.withNameBytes { right in isEqual(left, right) } } && namespace == other.namespace
  }

  /// Whether these are the bytes of namespace and name.
  package func isNamed(_ name: UnsafeRawBufferPointer, in namespace: UnsafeRawBufferPointer) -> Bool {
    withNameBytes { isEqual($0, name) } && self.namespace.hasBytes(namespace)
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
