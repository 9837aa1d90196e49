/// A container's ID: the 64 lower-case hexadecimal digits that every runtime in use gives, in 32 bytes.
package struct ContainerID: Hashable, Sendable {
  package static let digits = 64

  /// Most significant first.
  package let words: (UInt64, UInt64, UInt64, UInt64)

  package init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  /// `nil` for anything but 64 digits.
  package init?(bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.digits, let a = hexadecimal(bytes, at: 0), let b = hexadecimal(bytes, at: 16),
      let c = hexadecimal(bytes, at: 32), let d = hexadecimal(bytes, at: 48)
    else { return nil }
    words = (a, b, c, d)
  }

  /// `nil` for anything but 64 digits.
  package init?(_ text: String) {
    var text = text
    guard let id = text.withUTF8({ ContainerID(bytes: UnsafeRawBufferPointer($0)) }) else { return nil }
    self = id
  }

  package static func == (left: ContainerID, right: ContainerID) -> Bool { left.words == right.words }

  package func hash(into hasher: inout Hasher) {
    withUnsafeBytes(of: words) { hasher.combine(bytes: $0) }
  }
}

extension ContainerID: Comparable {
  package static func < (left: ContainerID, right: ContainerID) -> Bool { left.words < right.words }
}

extension ContainerID: CustomStringConvertible {
  package var description: String {
    String(unsafeUninitializedCapacity: Self.digits) { buffer in
      var offset = 0
      write(to: buffer, at: &offset)
      return offset
    }
  }

  /// The first twelve digits, which people and tools call a container by.
  package var short: String { String(description.prefix(12)) }

  func write(to buffer: UnsafeMutableBufferPointer<UInt8>, at offset: inout Int) {
    for word in [words.0, words.1, words.2, words.3] { Primitives.write(hexadecimal: word, to: buffer, at: &offset) }
  }
}
