/// One change of one object.
struct StoreEvent: Sendable {
  enum Change: Sendable { case added, modified, deleted }

  var version: UInt64
  var change: Change
  /// The object after the change; for a deletion, as it last was, at the version of the deletion.
  var object: StoredObject
  var previous: StoredObject?
}

/// The latest changes of one kind, at most `capacity` of them: what watches and continued lists are served from.
struct EventLog: Sendable {
  private let capacity: Int
  private var ring: [StoreEvent] = []
  private var start = 0

  /// The newest version of which the log has forgotten the change; watches from an older one miss something.
  private(set) var compactedVersion: UInt64

  init(capacity: Int, compactedVersion: UInt64 = 0) {
    self.capacity = max(capacity, 1)
    self.compactedVersion = compactedVersion
  }

  var count: Int { ring.count }

  /// The event at this place, counted from the oldest.
  subscript(index: Int) -> StoreEvent { ring[(start + index) % ring.count] }

  mutating func append(_ event: StoreEvent) {
    if ring.count < capacity {
      ring.append(event)
    } else {
      compactedVersion = ring[start].version
      ring[start] = event
      start = (start + 1) % capacity
    }
  }

  /// Forgets everything up to and including the version.
  mutating func compact(through version: UInt64) {
    let kept = (firstIndex(after: version)..<count).map { self[$0] }
    ring = kept
    start = 0
    compactedVersion = max(compactedVersion, version)
  }

  /// The place of the oldest event that is newer than the version.
  func firstIndex(after version: UInt64) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle].version <= version { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
