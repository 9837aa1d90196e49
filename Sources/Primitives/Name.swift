#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A short text that many values share: one reference wide, whatever its length, and never changed.
///
/// Two names are equal if their bytes are; names that come from one `NameTable` are found equal without looking at the bytes.
/// Text that is not UTF-8 is kept byte for byte and shown with replacement characters.
package struct Name: @unchecked Sendable {
  // Sendable, since the buffer is written in `init`, before anyone else can see it, and never again.

  /// The number of the bytes, and behind it in the same allocation the bytes.
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

  /// Runs `body` on the bytes, which must not leave it.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try storage.withUnsafeMutablePointers { count, bytes throws(Failure) in
      try body(UnsafeRawBufferPointer(start: bytes, count: count.pointee))
    }
  }

  /// Whether these are its bytes.
  package func hasBytes(_ bytes: UnsafeRawBufferPointer) -> Bool { withBytes { Primitives.isEqual($0, bytes) } }

  package var isEmpty: Bool { withBytes(\.isEmpty) }

  /// Whether both are one in memory, which says that they are equal; the reverse does not hold.
  package func isSameInMemory(as other: Name) -> Bool { storage === other.storage }

  /// Whether nothing but this variable refers to the text.
  mutating func isLastReference() -> Bool { isKnownUniquelyReferenced(&storage) }
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

package func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  guard left.count == right.count else { return false }
  guard let leftStart = left.baseAddress, let rightStart = right.baseAddress else { return true }
  return memcmp(leftStart, rightStart, left.count) == 0
}
