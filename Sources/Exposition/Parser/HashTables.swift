/// Stores each distinct byte string once and numbers them in order of first appearance.
package struct InternTable: Sendable {
  package private(set) var bytes: [UInt8] = []
  /// End of each string in `bytes`.
  package private(set) var ends: [Int] = []
  private var hashes: [UInt64] = []
  /// Open addressing. The size is a power of two; -1 marks a free slot.
  private var slots = [Int32](repeating: -1, count: 256)

  package init() {}

  package var count: Int { ends.count }

  package func range(of index: Int) -> Range<Int> {
    (index == 0 ? 0 : ends[index - 1])..<ends[index]
  }

  package mutating func removeAll() {
    // Frees a very large table instead of clearing it for every body that follows.
    if slots.count > 1 << 15 { self = InternTable() }
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    hashes.removeAll(keepingCapacity: true)
    for slot in slots.indices { slots[slot] = -1 }
  }

  /// Adds a string unless it is known, and returns its index.
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

/// The hashes of the series seen in a body. With 200,000 series a false duplicate occurs about once in a billion bodies.
struct SeriesSet {
  /// Open addressing. The size is a power of two; 0 marks a free slot.
  private var slots = [UInt64](repeating: 0, count: 512)
  private var count = 0

  mutating func removeAll() {
    guard count > 0 else { return }
    count = 0
    // Frees a very large table instead of clearing it for every body that follows.
    if slots.count > 1 << 15 { slots = Array(repeating: 0, count: 512) }
    for slot in slots.indices { slots[slot] = 0 }
  }

  /// - Returns: whether the hash is new.
  @inline(__always)
  mutating func insert(_ hash: UInt64) -> Bool {
    let wanted = hash == 0 ? 1 : hash
    if count * 2 >= slots.count { grow() }
    var slot = Int(truncatingIfNeeded: wanted) & (slots.count - 1)
    while slots[slot] != 0 {
      if slots[slot] == wanted { return false }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = wanted
    count += 1
    return true
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: 0, count: old.count * 2)
    for hash in old where hash != 0 {
      var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = hash
    }
  }
}

/// A non-cryptographic hash for short-lived tables, modelled on wyhash (https://github.com/wangyi-fudan/wyhash): one multiplication for
/// each 16 bytes. Seeded per process, so that a crafted body cannot put all its labels into one slot.
func hash(of bytes: UnsafeRawBufferPointer) -> UInt64 {
  guard let base = bytes.baseAddress else { return seed }
  var state = seed ^ UInt64(truncatingIfNeeded: bytes.count)
  var index = 0
  while index + 16 <= bytes.count {
    state = mixed(
      base.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ state,
      base.loadUnaligned(fromByteOffset: index + 8, as: UInt64.self) ^ 0x9e37_79b9_7f4a_7c15)
    index += 16
  }
  var low: UInt64 = 0
  var high: UInt64 = 0
  while index < bytes.count {
    high = high << 8 | low >> 56
    low = low << 8 | UInt64(bytes[index])
    index += 1
  }
  return mixed(low ^ state, high ^ 0xd6e8_feb8_6659_fd93)
}

func mixed(_ left: UInt64, _ right: UInt64) -> UInt64 {
  let product = left.multipliedFullWidth(by: right)
  return product.high ^ product.low
}

private let seed = UInt64.random(in: .min ... .max) | 1
