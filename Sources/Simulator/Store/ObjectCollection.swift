import Primitives

/// The objects of one kind and their latest changes.
struct ObjectCollection: Sendable {
  private(set) var objects: [String: StoredObject] = [:]
  private(set) var log: EventLog

  /// Sorted only when a list needs them; sorted insertion would move keys for every object while the store fills.
  private var sortedKeys: [String] = []
  private var keysAreSorted = true

  /// The states of unfinished paged lists, the newest last.
  private var snapshots: [Snapshot] = []
  private static let maximumSnapshots = 4

  private struct Snapshot: Sendable {
    var version: UInt64
    var prefix: String
    var objects: [StoredObject]
  }

  init(eventHistory: Int, compactedVersion: UInt64 = 0) {
    log = EventLog(capacity: eventHistory, compactedVersion: compactedVersion)
  }

  mutating func store(_ object: StoredObject) {
    let previous = objects.updateValue(object, forKey: object.key)
    if previous == nil {
      sortedKeys.append(object.key)
      keysAreSorted = false
    }
    log.append(
      StoreEvent(version: object.version, change: previous == nil ? .added : .modified, object: object, previous: previous))
  }

  /// - Parameter last: the last state of the object, with the version of the deletion.
  mutating func remove(_ last: StoredObject) {
    guard let previous = objects.removeValue(forKey: last.key) else { return }
    keysAreSorted = false
    log.append(StoreEvent(version: last.version, change: .deleted, object: last, previous: previous))
  }

  mutating func compact(through version: UInt64) {
    log.compact(through: version)
    snapshots.removeAll { $0.version < version }
  }

  /// Keeps a state for the next pages of a list; computing it again for each page would take as long as the whole list.
  mutating func keep(_ objects: [StoredObject], prefix: String, version: UInt64) {
    if snapshots.contains(where: { $0.version == version && $0.prefix == prefix }) { return }
    if snapshots.count == Self.maximumSnapshots { snapshots.removeFirst() }
    snapshots.append(Snapshot(version: version, prefix: prefix, objects: objects))
  }

  /// The objects with this key prefix after the key `start`, in key order.
  mutating func ordered(prefix: String, after start: String?) -> [StoredObject] {
    slice(of: currentKeys(), prefix: prefix, after: start).compactMap { objects[$0] }
  }

  /// The same at an older version.
  /// - Returns: `nil` if the log no longer has all changes since that version.
  mutating func ordered(prefix: String, after start: String?, at version: UInt64) -> ArraySlice<StoredObject>? {
    guard version >= log.compactedVersion else { return nil }
    if let snapshot = snapshots.first(where: { $0.version == version && $0.prefix == prefix }) {
      guard let start else { return snapshot.objects[...] }
      return snapshot.objects[snapshot.objects.partitioningIndex { $0.key > start }...]
    }
    let objects = rolledBack(prefix: prefix, to: version)
    keep(objects, prefix: prefix, version: version)
    guard let start else { return objects[...] }
    return objects[objects.partitioningIndex { $0.key > start }...]
  }

  /// - Precondition: the log has all changes since the version.
  private mutating func rolledBack(prefix: String, to version: UInt64) -> [StoredObject] {
    var before: [String: StoredObject?] = [:]
    for index in log.firstIndex(after: version)..<log.count {
      let event = log[index]
      if before[event.object.key] == nil { before[event.object.key] = .some(event.previous) }
    }
    if before.isEmpty { return ordered(prefix: prefix, after: nil) }
    let gone = before.keys.filter { objects[$0] == nil }
    let keys = gone.isEmpty ? currentKeys() : (currentKeys() + gone).sorted()
    return slice(of: keys, prefix: prefix, after: nil).compactMap { key in
      if let then = before[key] { then } else { objects[key] }
    }
  }

  private mutating func currentKeys() -> [String] {
    if !keysAreSorted {
      var seen: Set<String> = []
      sortedKeys = sortedKeys.filter { objects[$0] != nil && seen.insert($0).inserted }
      // The keys are mostly sorted already, which the standard library's sort exploits.
      sortedKeys.sort()
      keysAreSorted = true
    }
    return sortedKeys
  }

  private func slice(of keys: [String], prefix: String, after start: String?) -> ArraySlice<String> {
    let first = start.map { max(prefix, $0) } ?? prefix
    var low = keys.partitioningIndex { $0 >= first }
    if let start, low < keys.count, keys[low] == start { low += 1 }
    let high = prefix.isEmpty ? keys.count : keys.partitioningIndex { $0 >= prefix && !$0.hasPrefix(prefix) }
    return keys[low..<max(low, high)]
  }
}

/// One change of one object.
struct StoreEvent: Sendable {
  enum Change: Sendable { case added, modified, deleted }

  var version: UInt64
  var change: Change
  /// The object after the change; after a deletion its last state, with the version of the deletion.
  var object: StoredObject
  var previous: StoredObject?
}

/// The latest changes of one kind, at most `capacity`. Watches and continued lists read it.
struct EventLog: Sendable {
  private let capacity: Int
  private var ring: [StoreEvent] = []
  private var start = 0

  /// The version of the newest dropped change; a watch from an older version would miss changes.
  private(set) var compactedVersion: UInt64

  init(capacity: Int, compactedVersion: UInt64 = 0) {
    self.capacity = max(capacity, 1)
    self.compactedVersion = compactedVersion
  }

  var count: Int { ring.count }

  /// The event at this index, from the oldest.
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

  /// Drops the changes up to and including the version.
  mutating func compact(through version: UInt64) {
    let kept = (firstIndex(after: version)..<count).map { self[$0] }
    ring = kept
    start = 0
    compactedVersion = max(compactedVersion, version)
  }

  /// The index of the oldest event newer than the version.
  func firstIndex(after version: UInt64) -> Int {
    (0..<count).partitioningIndex { self[$0].version > version }
  }
}
