internal import Glibc

/// The distinct label sets of a body, byte for byte and with their braces.
///
/// A body repeats the same label sets in every family, in the same order. A known set is not parsed, validated or rewritten again, and the
/// first candidate is the set that followed the previous one last time. Most lines cost one `memcmp`.
struct LabelSetTable {
  private struct Entry {
    var start: Int
    var count: Int
    var hash: UInt64
    var treatment: UInt8
    /// Index of the set that followed this one last time, or -1.
    var follower: Int
    var seriesHash: UInt64
  }

  private var bytes: [UInt8] = []
  private var entries: [Entry] = []
  /// Open addressing. The size is a power of two; -1 marks a free slot.
  private var slots = [Int](repeating: -1, count: 256)
  private var last = -1

  var count: Int { entries.count }
  var byteCount: Int { bytes.count }

  mutating func removeAll() {
    // Frees a very large table instead of clearing it for every body that follows.
    if slots.count > 1 << 15 { self = LabelSetTable() }
    bytes.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
    for slot in slots.indices { slots[slot] = -1 }
    last = -1
  }

  func seriesHash(of index: Int) -> UInt64 { entries[index].seriesHash }

  /// The set that followed the previous one last time, if the text starts with it.
  @inline(__always)
  mutating func expected(at text: UnsafePointer<UInt8>, available: Int, treatment: UInt8) -> (index: Int, count: Int)? {
    guard last >= 0 else { return nil }
    let follower = entries[last].follower
    guard follower >= 0 else { return nil }
    let (start, count) = (entries[follower].start, entries[follower].count)
    // Comparing the closing brace first rules out most other sets.
    guard count <= available, text[count - 1] == UInt8(ascii: "}"), entries[follower].treatment == treatment,
      bytes.withUnsafeBytes({ bytes in bytes.baseAddress.map { memcmp($0 + start, text, count) == 0 } ?? false })
    else { return nil }
    last = follower
    return (follower, count)
  }

  /// The index of a known set.
  mutating func find(_ set: UnsafeRawBufferPointer, treatment: UInt8) -> Int? {
    let wanted = hash(of: set)
    var slot = Int(truncatingIfNeeded: wanted) & (slots.count - 1)
    while slots[slot] >= 0 {
      let entry = entries[slots[slot]]
      if entry.hash == wanted, entry.treatment == treatment, entry.count == set.count,
        bytes.withUnsafeBytes({ UnsafeRawBufferPointer(rebasing: $0[entry.start..<entry.start + entry.count]).isEqual(to: set) })
      {
        follow(slots[slot])
        return slots[slot]
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Adds an unknown set.
  mutating func add(_ set: UnsafeRawBufferPointer, treatment: UInt8, seriesHash: UInt64) -> Int {
    if entries.count * 2 >= slots.count { grow() }
    let entry = Entry(
      start: bytes.count, count: set.count, hash: hash(of: set), treatment: treatment, follower: -1, seriesHash: seriesHash)
    bytes.append(contentsOf: set)
    let index = entries.count
    entries.append(entry)
    insert(index)
    follow(index)
    return index
  }

  private mutating func follow(_ index: Int) {
    if last >= 0 { entries[last].follower = index }
    last = index
  }

  private mutating func insert(_ index: Int) {
    var slot = Int(truncatingIfNeeded: entries[index].hash) & (slots.count - 1)
    while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = index
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: slots.count * 2)
    for index in entries.indices { insert(index) }
  }
}

extension UnsafeRawBufferPointer {
  func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    guard let mine = baseAddress, let others = other.baseAddress else { return true }
    return memcmp(mine, others, count) == 0
  }
}
