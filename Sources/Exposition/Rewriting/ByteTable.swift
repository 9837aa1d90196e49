internal import Glibc

/// Strings of bytes, each once, numbered in the order in which they came first.
package struct ByteTable: Sendable {
  package private(set) var bytes: [UInt8] = []
  /// Where each string ends in `bytes`; the next one begins there.
  package private(set) var ends: [Int] = []
  private var hashes: [UInt64] = []
  /// Open addressing; the size is a power of two, -1 is free.
  private var slots = [Int32](repeating: -1, count: 256)

  package init() {}

  package var count: Int { ends.count }

  package func range(of index: Int) -> Range<Int> {
    (index == 0 ? 0 : ends[index - 1])..<ends[index]
  }

  package mutating func removeAll() {
    // After a page of giant size its memory goes, rather than being cleared for each page that follows.
    if slots.count > 1 << 15 { self = ByteTable() }
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    hashes.removeAll(keepingCapacity: true)
    for slot in slots.indices { slots[slot] = -1 }
  }

  /// The string's number, and whether it is new.
  package mutating func add(_ string: UnsafeRawBufferPointer) -> (index: Int, isNew: Bool) {
    if count * 2 >= slots.count { grow() }
    let wanted = hash(of: string)
    var slot = Int(truncatingIfNeeded: wanted) & (slots.count - 1)
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if hashes[index] == wanted, bytes.withUnsafeBytes({ UnsafeRawBufferPointer(rebasing: $0[range(of: index)]).isEqual(to: string) }) {
        return (index, false)
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = Int32(count)
    bytes.append(contentsOf: string)
    ends.append(bytes.count)
    hashes.append(wanted)
    return (count - 1, true)
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: slots.count * 2)
    for (index, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(index)
    }
  }
}
