internal import Primitives

/// The records of a store in numbered slots, with indexes by key, node and container.
///
/// A value with structural sharing: a change after a copy duplicates only a few kilobytes around the changed slots.
struct RecordTable<Value: Record>: Sendable {
  private static var none: UInt32 { .max }

  private let indexing: RecordIndexing<Value>
  private var records = ChunkedArray<Value?>(chunkBits: 7)
  private var keys: SlotTable
  /// The first slot of each node; `next` links the others.
  private var nodes = SlotTable()
  private var containers = SlotTable()
  /// The neighbours of a slot in the list of its node. For a free slot, `next` is the next free slot.
  private var next = ChunkedArray<UInt32>(chunkBits: 10)
  private var previous = ChunkedArray<UInt32>(chunkBits: 10)
  private var free: UInt32 = none

  init(indexing: RecordIndexing<Value>, minimumCapacity: Int = 0) {
    self.indexing = indexing
    keys = SlotTable(minimumCapacity: minimumCapacity)
  }

  var count: Int { keys.count }

  subscript(key: ObjectKey) -> Value? {
    record(key.storeHash) { indexing.isOf($0, key) }
  }

  /// The record of the same object.
  func storedRecord(for record: Value) -> Value? {
    self.record(indexing.hash(record)) { indexing.isSameObject($0, record) }
  }

  /// The matching record with this key hash.
  func record(_ hash: Int, where matches: (Value) -> Bool) -> Value? {
    keys.first(hash) { records[$0].map(matches) ?? false }.flatMap { records[$0] }
  }

  /// Inserts the record, or updates the record of the same object.
  /// - Returns: The slot, and the node of the old record.
  @discardableResult
  @specialized(where Value == PodRecord)
  mutating func put(_ record: Value) -> (slot: Int, oldNode: Name?) {
    let hash = indexing.hash(record)
    if let slot = keys.first(hash, where: { isSameObject($0, record) }) { return (slot, update(slot, to: record)) }
    let slot = takeSlot()
    records[slot] = record
    keys.insert(hash, slot)
    link(slot, to: indexing.node(record))
    for container in containerHashes(of: record) { containers.insert(container, slot) }
    return (slot, nil)
  }

  /// - Returns: The node of the old record.
  @specialized(where Value == PodRecord)
  private mutating func update(_ slot: Int, to record: Value) -> Name? {
    let node = indexing.node(record)
    if records[slot] == record { return node }
    // Moved out of the table, so that it has one owner and can be changed in place.
    guard var known = records.update(slot, { $0.take() }) else { return nil }
    let oldNode = indexing.node(known)
    if oldNode != node { unlink(slot, from: oldNode) }
    if !indexing.haveSameContainers(known, record) {
      for container in containerHashes(of: known) { containers.remove(container, slot) }
      for container in containerHashes(of: record) { containers.insert(container, slot) }
    }
    indexing.update(&known, record)
    records[slot] = known
    if oldNode != node { link(slot, to: node) }
    return oldNode
  }

  /// - Returns: The removed record.
  @discardableResult
  @specialized(where Value == PodRecord)
  mutating func remove(_ key: ObjectKey) -> Value? {
    guard let slot = keys.first(key.storeHash, where: { isOf($0, key) }) else { return nil }
    return remove(slot: slot)
  }

  /// Replaces all records. Does not touch equal records, so they are neither copied nor moved.
  @specialized(where Value == PodRecord)
  mutating func replaceAll(with list: [Value]) {
    if count == 0 { self = RecordTable(indexing: indexing, minimumCapacity: list.count) }
    var isListed = [Bool](repeating: false, count: records.count + list.count)
    for record in list { isListed[put(record).slot] = true }
    for slot in 0..<records.count where !isListed[slot] { remove(slot: slot) }
  }

  @discardableResult
  private mutating func remove(slot: Int) -> Value? {
    guard let old = records[slot] else { return nil }
    keys.remove(indexing.hash(old), slot)
    unlink(slot, from: indexing.node(old))
    for container in containerHashes(of: old) { containers.remove(container, slot) }
    records[slot] = nil
    next[slot] = free
    free = UInt32(slot)
    return old
  }

  private func isOf(_ slot: Int, _ key: ObjectKey) -> Bool { records[slot].map { indexing.isOf($0, key) } ?? false }

  private func isSameObject(_ slot: Int, _ record: Value) -> Bool {
    records[slot].map { indexing.isSameObject($0, record) } ?? false
  }

  private mutating func takeSlot() -> Int {
    guard free == Self.none else {
      let slot = Int(free)
      free = next[slot]
      return slot
    }
    records.append(nil)
    next.append(Self.none)
    previous.append(Self.none)
    return records.count - 1
  }
}

// MARK: By node

extension RecordTable {
  func firstSlot(onNode node: Name) -> Int? {
    nodes.first(node.hashValue) { slot in records[slot].map { indexing.node($0) == node } ?? false }
  }

  /// The next slot of the same node.
  func slot(after slot: Int) -> Int? { next[slot] == Self.none ? nil : Int(next[slot]) }

  private mutating func link(_ slot: Int, to node: Name?) {
    previous[slot] = Self.none
    next[slot] = Self.none
    guard let node else { return }
    guard let first = nodes.first(node.hashValue, where: { $0 != slot && records[$0].flatMap(indexing.node) == node }) else {
      nodes.insert(node.hashValue, slot)
      return
    }
    // Inserted second, so that `nodes` does not change.
    let second = next[first]
    next[first] = UInt32(slot)
    previous[slot] = UInt32(first)
    next[slot] = second
    if second != Self.none { previous[Int(second)] = UInt32(slot) }
  }

  private mutating func unlink(_ slot: Int, from node: Name?) {
    guard let node else { return }
    let (before, after) = (previous[slot], next[slot])
    if after != Self.none { previous[Int(after)] = before }
    if before != Self.none {
      next[Int(before)] = after
    } else if after != Self.none {
      nodes.replace(node.hashValue, slot, with: Int(after))
    } else {
      nodes.remove(node.hashValue, slot)
    }
  }
}

// MARK: By container

extension RecordTable {
  /// The record with this container, regardless of the runtime prefix.
  func record(withContainer id: ContainerStatusID) -> Value? {
    let bare = id.bare
    return containers.first(bare.hashValue) { slot in
      guard let record = records[slot] else { return false }
      var isFound = false
      indexing.containers(record) { if $0.bare == bare { isFound = true } }
      return isFound
    }.flatMap { records[$0] }
  }

  private func containerHashes(of record: Value) -> [Int] {
    var hashes: [Int] = []
    indexing.containers(record) { if !$0.isEmpty { hashes.append($0.bare.hashValue) } }
    return hashes
  }

  /// Slots are numbered from 0. Some are free.
  var slotCount: Int { records.count }

  func record(inSlot slot: Int) -> Value? { records[slot] }
}
