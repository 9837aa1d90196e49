/// The objects of one kind and their latest changes.
struct ObjectCollection: Sendable {
  private(set) var objects: [String: StoredObject] = [:]
  private(set) var log: EventLog

  /// The keys in order, brought up to date only when a list needs them: filling the store would otherwise move them about for every object.
  private var sortedKeys: [String] = []
  private var keysAreSorted = true

  /// The states that lists in pages are in the middle of, the newest last.
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

  /// Removes the object, of which `last` is the state at the version of the deletion.
  mutating func remove(_ last: StoredObject) {
    guard let previous = objects.removeValue(forKey: last.key) else { return }
    keysAreSorted = false
    log.append(StoreEvent(version: last.version, change: .deleted, object: last, previous: previous))
  }

  mutating func compact(through version: UInt64) {
    log.compact(through: version)
    snapshots.removeAll { $0.version < version }
  }

  /// Keeps a state for the next pages of a list: to work it out again for every page would take as long as the whole list.
  mutating func keep(_ objects: [StoredObject], prefix: String, version: UInt64) {
    if snapshots.contains(where: { $0.version == version && $0.prefix == prefix }) { return }
    if snapshots.count == Self.maximumSnapshots { snapshots.removeFirst() }
    snapshots.append(Snapshot(version: version, prefix: prefix, objects: objects))
  }

  /// The objects whose keys begin with the prefix and come after `start`, in order.
  mutating func ordered(prefix: String, after start: String?) -> [StoredObject] {
    slice(of: currentKeys(), prefix: prefix, after: start).compactMap { objects[$0] }
  }

  /// As `ordered`, in the state of the version.
  /// - Returns: `nil` if the log has forgotten changes since then.
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

  /// The state of the version, which the log still reaches.
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
      // Mostly in order already, which the standard library's sort takes advantage of.
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

extension Array {
  /// The place of the first element for which the predicate holds, given that it holds for all that follow.
  fileprivate func partitioningIndex(where belongs: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if belongs(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
