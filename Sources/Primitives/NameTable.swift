import Synchronization

/// Gives equal names the same storage: the namespaces and nodes of 150,000 Pods are a few thousand texts.
///
/// A name that nobody but the table refers to any more is dropped at the next sweep. Sweeps come when the table has doubled since the last
/// one, so that it never holds more than twice the names in use and `smallest` more, and each name pays for its own sweep.
package final class NameTable: Sendable {
  /// Below so many names nothing is swept.
  static let smallest = 1024

  fileprivate struct State {
    /// Open addressing with linear probing; its size is a power of two, at most half full.
    var places: [Name?] = Array(repeating: nil, count: 4 * NameTable.smallest)
    /// Of the name in each place a part of its hash, so that a name is looked at only where it is most likely the one: it mostly is in no cache.
    var marks: [UInt16] = Array(repeating: 0, count: 4 * NameTable.smallest)
    var count = 0
    var sweepAt = 2 * NameTable.smallest
  }
  private let state = Mutex(State())

  package init() {}

  /// How many names it holds, in use or not yet swept.
  package var count: Int { state.withLock { $0.count } }

  /// The name of these bytes.
  package func name(_ bytes: UnsafeRawBufferPointer) -> Name {
    state.withLock { $0.name(bytes) }
  }
}

extension NameTable.State {
  mutating func name(_ bytes: UnsafeRawBufferPointer) -> Name {
    let hash = Self.hash(bytes)
    if let name = name(bytes, hash: hash) { return name }
    if count >= sweepAt { sweep() }
    let name = Name(bytes: bytes)
    put(name, hash: hash)
    count += 1
    return name
  }

  private func name(_ bytes: UnsafeRawBufferPointer, hash: Int) -> Name? {
    let mark = Self.mark(hash)
    var place = hash & (marks.count - 1)
    while marks[place] != 0 {
      if marks[place] == mark, let name = places[place], name.hasBytes(bytes) { return name }
      place = (place + 1) & (marks.count - 1)
    }
    return nil
  }

  /// Puts in a name that is not there.
  private mutating func put(_ name: Name, hash: Int) {
    var place = hash & (marks.count - 1)
    while marks[place] != 0 { place = (place + 1) & (marks.count - 1) }
    marks[place] = Self.mark(hash)
    places[place] = name
  }

  private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: bytes)
    return hasher.finalize()
  }

  /// The hash's highest bits, of which its place has none; 0 is left to empty places.
  private static func mark(_ hash: Int) -> UInt16 { UInt16(truncatingIfNeeded: hash >> 48) | 1 }

  private mutating func sweep() {
    var kept: [Name] = []
    for place in places.indices {
      guard var name = places[place].take() else { continue }
      if !name.isLastReference() { kept.append(name) }
    }
    count = kept.count
    sweepAt = max(2 * count, 2 * NameTable.smallest)
    var size = 4 * NameTable.smallest
    while size < 2 * sweepAt { size *= 2 }
    places = Array(repeating: nil, count: size)
    marks = Array(repeating: 0, count: size)
    for name in kept { put(name, hash: name.withBytes(Self.hash)) }
  }
}
