/// A hash table from whatever to slots: it holds hashes and slot numbers, and asks its user whether a slot is the one that is meant.
///
/// Open addressing with linear probing, in a `ChunkedArray`. An entry is the low half of its hash and a slot number plus one; 0 is an empty place.
struct SlotTable: Sendable {
  private static let chunkBits = 9

  private var places: ChunkedArray<UInt64>
  private(set) var count = 0
  private var mask: Int

  init(minimumCapacity: Int = 0) {
    var size = 16
    while size * 3 < minimumCapacity * 4 { size *= 2 }
    mask = size - 1
    places = ChunkedArray(repeating: 0, count: size, chunkBits: Self.chunkBits)
  }

  /// The first slot under the hash that is meant.
  func first(_ hash: Int, where isMeant: (Int) -> Bool) -> Int? {
    place(hash, where: isMeant).map { Self.slot(places[$0]) }
  }

  /// Adds an entry, whether or not there are others under the hash.
  mutating func insert(_ hash: Int, _ slot: Int) {
    if (count + 1) * 4 > (mask + 1) * 3 { grow() }
    put(UInt64(UInt32(truncatingIfNeeded: hash)) << 32 | UInt64(slot + 1))
    count += 1
  }

  /// Names another slot in an entry.
  mutating func replace(_ hash: Int, _ slot: Int, with other: Int) {
    guard let place = place(hash, where: { $0 == slot }) else { return }
    places[place] = (places[place] & ~0xffff_ffff) | UInt64(other + 1)
  }

  /// Removes the entry of the slot under the hash, if there is one.
  mutating func remove(_ hash: Int, _ slot: Int) {
    guard var empty = place(hash, where: { $0 == slot }) else { return }
    count -= 1
    // What comes behind and could not be found over the gap moves into it.
    var place = empty
    while true {
      place = (place + 1) & mask
      let entry = places[place]
      if entry == 0 { break }
      let home = Self.home(entry) & mask
      if (place - home) & mask >= (place - empty) & mask {
        places[empty] = entry
        empty = place
      }
    }
    places[empty] = 0
  }

  private func place(_ hash: Int, where isMeant: (Int) -> Bool) -> Int? {
    let half = UInt64(UInt32(truncatingIfNeeded: hash))
    var place = Int(half) & mask
    while true {
      let entry = places[place]
      if entry == 0 { return nil }
      if entry >> 32 == half, isMeant(Self.slot(entry)) { return place }
      place = (place + 1) & mask
    }
  }

  private mutating func put(_ entry: UInt64) {
    var place = Self.home(entry) & mask
    while places[place] != 0 { place = (place + 1) & mask }
    places[place] = entry
  }

  private mutating func grow() {
    let old = places
    mask = (mask + 1) * 2 - 1
    places = ChunkedArray(repeating: 0, count: mask + 1, chunkBits: Self.chunkBits)
    for place in 0..<old.count where old[place] != 0 { put(old[place]) }
  }

  private static func slot(_ entry: UInt64) -> Int { Int(entry & 0xffff_ffff) - 1 }
  private static func home(_ entry: UInt64) -> Int { Int(entry >> 32) }
}
