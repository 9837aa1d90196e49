/// A hash table of slot numbers. It stores only hashes and slots; the caller compares keys.
///
/// Open addressing with linear probing. An entry is the low half of the hash, and the slot number plus one; 0 is an empty entry.
struct SlotTable: Sendable {
  private static let chunkBits = 9

  private var entries: ChunkedArray<UInt64>
  private(set) var count = 0
  private var mask: Int

  init(minimumCapacity: Int = 0) {
    var size = 16
    while size * 3 < minimumCapacity * 4 { size *= 2 }
    mask = size - 1
    entries = ChunkedArray(repeating: 0, count: size, chunkBits: Self.chunkBits)
  }

  /// The first matching slot with this hash.
  func first(_ hash: Int, where matches: (Int) -> Bool) -> Int? {
    index(of: hash, where: matches).map { Self.slot(entries[$0]) }
  }

  /// Adds an entry. Several entries may have the same hash.
  mutating func insert(_ hash: Int, _ slot: Int) {
    if (count + 1) * 4 > (mask + 1) * 3 { grow() }
    put(UInt64(UInt32(truncatingIfNeeded: hash)) << 32 | UInt64(slot + 1))
    count += 1
  }

  /// Changes the slot of an entry.
  mutating func replace(_ hash: Int, _ slot: Int, with other: Int) {
    guard let index = index(of: hash, where: { $0 == slot }) else { return }
    entries[index] = (entries[index] & ~0xffff_ffff) | UInt64(other + 1)
  }

  /// Removes the entry of a slot, if it exists.
  mutating func remove(_ hash: Int, _ slot: Int) {
    guard var empty = index(of: hash, where: { $0 == slot }) else { return }
    count -= 1
    // Moves back entries that a lookup could not reach across the gap.
    var index = empty
    while true {
      index = (index + 1) & mask
      let entry = entries[index]
      if entry == 0 { break }
      let home = Self.home(entry) & mask
      if (index - home) & mask >= (index - empty) & mask {
        entries[empty] = entry
        empty = index
      }
    }
    entries[empty] = 0
  }

  private func index(of hash: Int, where matches: (Int) -> Bool) -> Int? {
    let half = UInt64(UInt32(truncatingIfNeeded: hash))
    var index = Int(half) & mask
    while true {
      let entry = entries[index]
      if entry == 0 { return nil }
      if entry >> 32 == half, matches(Self.slot(entry)) { return index }
      index = (index + 1) & mask
    }
  }

  private mutating func put(_ entry: UInt64) {
    var index = Self.home(entry) & mask
    while entries[index] != 0 { index = (index + 1) & mask }
    entries[index] = entry
  }

  private mutating func grow() {
    let old = entries
    mask = (mask + 1) * 2 - 1
    entries = ChunkedArray(repeating: 0, count: mask + 1, chunkBits: Self.chunkBits)
    for index in 0..<old.count where old[index] != 0 { put(old[index]) }
  }

  private static func slot(_ entry: UInt64) -> Int { Int(entry & 0xffff_ffff) - 1 }
  private static func home(_ entry: UInt64) -> Int { Int(entry >> 32) }
}

/// An array in chunks with copy-on-write per chunk. A change after a copy duplicates one chunk and the list of chunks.
struct ChunkedArray<Element: Sendable>: Sendable {
  private var chunks: [[Element]] = []
  private(set) var count = 0
  private let shift: Int

  /// - Parameter chunkBits: the binary logarithm of the chunk size.
  init(chunkBits: Int) { shift = chunkBits }

  init(repeating element: Element, count: Int, chunkBits: Int) {
    self.init(chunkBits: chunkBits)
    let whole = Array(repeating: element, count: min(count, 1 << shift))
    while self.count < count {
      let length = min(count - self.count, 1 << shift)
      // Each chunk is a separate array; a shared one would be copied at its first change.
      chunks.append(length == whole.count ? Array(repeating: element, count: length) : Array(whole.prefix(length)))
      self.count += length
    }
  }

  subscript(index: Int) -> Element {
    get { chunks[index >> shift][index & (1 << shift - 1)] }
    set { chunks[index >> shift][index & (1 << shift - 1)] = newValue }
  }

  /// Calls `body` with the element in place.
  mutating func update<Result>(_ index: Int, _ body: (inout Element) -> Result) -> Result {
    body(&chunks[index >> shift][index & (1 << shift - 1)])
  }

  mutating func append(_ element: Element) {
    if count & (1 << shift - 1) == 0 {
      var chunk: [Element] = []
      chunk.reserveCapacity(1 << shift)
      chunks.append(chunk)
    }
    chunks[count >> shift].append(element)
    count += 1
  }
}
