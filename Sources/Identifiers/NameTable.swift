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
    var place = place(of: bytes)
    if let name = places[place] { return name }
    if count >= sweepAt {
      sweep()
      place = self.place(of: bytes)
    }
    let name = Name(bytes: bytes)
    places[place] = name
    count += 1
    return name
  }

  /// Where the name is, or the empty place where it belongs.
  private func place(of bytes: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: bytes)
    let mask = places.count - 1
    var place = hasher.finalize() & mask
    while let name = places[place] {
      if name.withBytes({ isEqual($0, bytes) }) { break }
      place = (place + 1) & mask
    }
    return place
  }

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
    for name in kept { places[name.withBytes { place(of: $0) }] = name }
  }
}
