/// Which series a page has had: hashes in one flat table. 200,000 series collide by chance once in a billion pages.
struct SeriesSet {
  /// Open addressing; the size is a power of two, 0 is free.
  private var slots = [UInt64](repeating: 0, count: 512)
  private var count = 0

  mutating func removeAll() {
    guard count > 0 else { return }
    count = 0
    // After a page of giant size its memory goes, rather than being cleared for each page that follows.
    if slots.count > 1 << 15 { slots = Array(repeating: 0, count: 512) }
    for slot in slots.indices { slots[slot] = 0 }
  }

  /// Whether it was not there before.
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
