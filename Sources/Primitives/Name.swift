internal import Glibc
internal import Synchronization

/// A short immutable text that many values share. It takes one reference, whatever its length.
///
/// Names are equal if their bytes are. Names of one `NameTable` usually share storage, which `==` checks first. Bytes that are not UTF-8
/// are kept, and shown with replacement characters.
package struct Name: @unchecked Sendable {
  // Sendable because the buffer is written only in `init`.

  /// The number of bytes, followed in the same allocation by the bytes.
  private var storage: ManagedBuffer<Int, UInt8>

  package init(bytes: UnsafeRawBufferPointer) {
    storage = ManagedBuffer.create(minimumCapacity: bytes.count) { _ in bytes.count }
    storage.withUnsafeMutablePointerToElements { elements in
      bytes.withMemoryRebound(to: UInt8.self) { if let start = $0.baseAddress { elements.initialize(from: start, count: $0.count) } }
    }
  }

  package init(_ text: String) {
    var text = text
    self = text.withUTF8 { Name(bytes: UnsafeRawBufferPointer($0)) }
  }

  /// Calls `body` with the bytes, which are valid only during the call.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try storage.withUnsafeMutablePointers { count, bytes throws(Failure) in
      try body(UnsafeRawBufferPointer(start: bytes, count: count.pointee))
    }
  }

  package func hasBytes(_ bytes: UnsafeRawBufferPointer) -> Bool { withBytes { isEqual($0, bytes) } }

  package var isEmpty: Bool { withBytes(\.isEmpty) }

  /// Identifies the storage while any value has it.
  package var place: ObjectIdentifier { ObjectIdentifier(storage) }

  /// Whether both have the same storage. If not, they may still be equal.
  package func isSameInMemory(as other: Name) -> Bool { storage === other.storage }

  /// Identifies the storage, as long as the name exists.
  package var memory: ObjectIdentifier { ObjectIdentifier(storage) }

  /// Whether no other value has this storage.
  fileprivate mutating func isLastReference() -> Bool { isKnownUniquelyReferenced(&storage) }
}

extension Name: Hashable, Comparable {
  package static func == (left: Name, right: Name) -> Bool {
    left.isSameInMemory(as: right) || left.withBytes { left in right.withBytes { right in isEqual(left, right) } }
  }

  package static func < (left: Name, right: Name) -> Bool {
    left.withBytes { left in right.withBytes { right in left.lexicographicallyPrecedes(right) } }
  }

  package func hash(into hasher: inout Hasher) {
    withBytes { hasher.combine(bytes: $0) }
  }
}

extension Name: CustomStringConvertible, ExpressibleByStringLiteral {
  package var description: String { withBytes { String(decoding: $0, as: UTF8.self) } }

  package init(stringLiteral text: String) { self.init(text) }
}

/// Whether both have the same bytes.
package func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  guard left.count == right.count else { return false }
  guard let leftStart = left.baseAddress, let rightStart = right.baseAddress else { return true }
  return memcmp(leftStart, rightStart, left.count) == 0
}

/// Interns names: the namespaces and nodes of 150,000 Pods are a few thousand texts.
///
/// A sweep drops the names that only the table refers to. It runs when the table has doubled since the last one. The table therefore holds
/// at most twice the names in use, plus `minimumSize`, and the cost per added name is constant.
package final class NameTable: Sendable {
  /// No sweep runs while there are fewer names.
  static let minimumSize = 1024

  fileprivate struct State {
    /// Open addressing with linear probing. The size is a power of two, at least twice the number of names.
    var slots: [Name?] = Array(repeating: nil, count: 4 * NameTable.minimumSize)
    /// Part of the hash of the name in each slot, 0 for an empty slot. Names are compared only if it matches, because they are rarely in
    /// the CPU's cache.
    var tags: [UInt16] = Array(repeating: 0, count: 4 * NameTable.minimumSize)
    var count = 0
    var sweepAt = 2 * NameTable.minimumSize
  }
  private let state = Mutex(State())

  package init() {}

  /// The number of names in the table, including unused ones before a sweep.
  package var count: Int { state.withLock { $0.count } }

  /// The name with these bytes.
  package func name(_ bytes: UnsafeRawBufferPointer) -> Name {
    state.withLock { $0.name(bytes) }
  }
}

extension NameTable.State {
  mutating func name(_ bytes: UnsafeRawBufferPointer) -> Name {
    let hash = Self.hash(bytes)
    if let name = name(bytes, hash: hash) { return name }
    if count >= sweepAt { sweep() }
    let name = Name(bytes: bytes)
    insert(name, hash: hash)
    count += 1
    return name
  }

  private func name(_ bytes: UnsafeRawBufferPointer, hash: Int) -> Name? {
    let tag = Self.tag(hash)
    var slot = hash & (tags.count - 1)
    while tags[slot] != 0 {
      if tags[slot] == tag, let name = slots[slot], name.hasBytes(bytes) { return name }
      slot = (slot + 1) & (tags.count - 1)
    }
    return nil
  }

  /// Inserts a name that is not in the table.
  private mutating func insert(_ name: Name, hash: Int) {
    var slot = hash & (tags.count - 1)
    while tags[slot] != 0 { slot = (slot + 1) & (tags.count - 1) }
    tags[slot] = Self.tag(hash)
    slots[slot] = name
  }

  private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: bytes)
    return hasher.finalize()
  }

  /// The highest bits of the hash, which do not determine the slot. Never 0.
  private static func tag(_ hash: Int) -> UInt16 { UInt16(truncatingIfNeeded: hash >> 48) | 1 }

  private mutating func sweep() {
    var kept: [Name] = []
    for slot in slots.indices {
      guard var name = slots[slot].take() else { continue }
      if !name.isLastReference() { kept.append(name) }
    }
    count = kept.count
    sweepAt = max(2 * count, 2 * NameTable.minimumSize)
    var size = 4 * NameTable.minimumSize
    while size < 2 * sweepAt { size *= 2 }
    slots = Array(repeating: nil, count: size)
    tags = Array(repeating: 0, count: size)
    for name in kept { insert(name, hash: name.withBytes(Self.hash)) }
  }
}
