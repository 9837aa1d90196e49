/// Tells a namespace from every other one of this machine, for as long as it lives: a later one may have its number.
package struct NamespaceNumber: Hashable, Sendable {
  package var inode: UInt64

  package init(_ inode: UInt64) {
    self.inode = inode
  }

  /// What a link in `/proc/<pid>/ns` says: `net:[4026531840]`. Source: namespaces(7).
  init?(link: Span<UInt8>) {
    var index = 0
    while index < link.count, link[index] != UInt8(ascii: "[") { index += 1 }
    let start = index + 1
    var number: UInt64 = 0
    index = start
    while index < link.count, UInt8(ascii: "0") <= link[index], link[index] <= UInt8(ascii: "9") {
      number = number &* 10 &+ UInt64(link[index] - UInt8(ascii: "0"))
      index += 1
    }
    guard index > start, index == link.count - 1, link[index] == UInt8(ascii: "]") else { return nil }
    inode = number
  }
}
