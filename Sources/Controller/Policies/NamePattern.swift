/// A name in which `*` stands for any characters, also for none.
package struct NamePattern: Hashable, Sendable, CustomStringConvertible {
  static let any = NamePattern("*")

  package let description: String
  private let bytes: [UInt8]
  /// Whether it has no `*`.
  let isName: Bool

  package init(_ text: String) {
    description = text
    bytes = Array(text.utf8)
    isName = !bytes.contains(UInt8(ascii: "*"))
  }

  package func matches(_ name: String) -> Bool {
    if isName { return name == description }
    var name = name
    return name.withUTF8 { matches($0) }
  }

  /// In linear time for one `*`, and at most quadratic for more: after a mismatch only the last `*` takes one character more.
  private func matches(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    var (position, next) = (0, 0)
    var last: (pattern: Int, name: Int)?
    while next < name.count {
      if position < bytes.count, bytes[position] == UInt8(ascii: "*") {
        last = (position, next)
        position += 1
      } else if position < bytes.count, bytes[position] == name[next] {
        position += 1
        next += 1
      } else if let (pattern, start) = last {
        last = (pattern, start + 1)
        position = pattern + 1
        next = start + 1
      } else {
        return false
      }
    }
    return bytes[position...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
