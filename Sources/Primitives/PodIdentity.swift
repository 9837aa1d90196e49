/// A Pod's namespace, name and UID, in one shared allocation. It takes one reference.
///
/// The versions of one Pod in a store share it, so that `==` usually compares only references.
package struct PodIdentity: @unchecked Sendable {
  // Sendable because the buffer is written only in `init`.

  /// With a UUID and a name of up to 28 bytes the allocation takes 80 bytes.
  private struct Header {
    var namespace: Name
    /// The UID, if it is a UUID.
    var uid: (UInt64, UInt64)
    var nameCount: UInt16
    /// The number of bytes of the UID as text; `noText` if it is a UUID.
    var uidCount: UInt16

    static let noText = UInt16.max
  }
  /// The header, followed in the same allocation by the bytes of the name and of a UID that is not a UUID.
  private let storage: ManagedBuffer<Header, UInt8>

  /// Truncates name and UID to 65,534 bytes. An API server accepts names of up to 253 bytes and assigns UIDs of 36.
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

  /// Calls `body` with the bytes of the name, which are valid only during the call.
  package func withNameBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try storage.withUnsafeMutablePointers { header, bytes throws(Failure) in
      try body(UnsafeRawBufferPointer(start: bytes, count: Int(header.pointee.nameCount)))
    }
  }

  /// Identifies the storage while any value has it.
  package var place: ObjectIdentifier { ObjectIdentifier(storage) }

  /// Whether both have the same storage. If not, they may still be equal.
  package func isSameInMemory(as other: PodIdentity) -> Bool { storage === other.storage }

  /// Identifies the storage, as long as the identity exists.
  package var memory: ObjectIdentifier { ObjectIdentifier(storage) }
}

extension PodIdentity: Hashable, Comparable {
  package static func == (left: PodIdentity, right: PodIdentity) -> Bool {
    left.isSameInMemory(as: right) || left.uid == right.uid && left.isNamed(as: right)
  }

  /// Whether namespace and name are equal. Ignores the UID.
  package func isNamed(as other: PodIdentity) -> Bool {
    isSameInMemory(as: other)
      || withNameBytes { left in other.withNameBytes { right in isEqual(left, right) } } && namespace == other.namespace
  }

  /// Whether namespace and name have these bytes.
  package func isNamed(_ name: UnsafeRawBufferPointer, in namespace: UnsafeRawBufferPointer) -> Bool {
    withNameBytes { isEqual($0, name) } && self.namespace.hasBytes(namespace)
  }

  /// Sorts by namespace, name and UID, bytewise.
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
