internal import Primitives

/// The records of a store in numbered slots, with what finds them: by key, by node, by container.
///
/// A value: who keeps a copy has it as it was, and the next change copies a few kilobytes around the changed places instead of all of it.
struct RecordTable<Value: Record>: Sendable {
  private static var none: UInt32 { .max }

  private let indexing: RecordIndexing<Value>
  private var records = ChunkedArray<Value?>(chunkBits: 7)
  private var keys: SlotTable
  /// From a node to the first of the slots on it; the others follow it in `next`.
  private var nodes = SlotTable()
  private var containers = SlotTable()
  /// The neighbours of a slot on its node; of a free slot, `next` is the next free one.
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

  /// The record that stands for the same object.
  func storedRecord(for record: Value) -> Value? {
    self.record(indexing.hash(record)) { indexing.isSameObject($0, record) }
  }

  /// The record under the hash of a key that is meant.
  func record(_ hash: Int, where matches: (Value) -> Bool) -> Value? {
    keys.first(hash) { records[$0].map(matches) ?? false }.flatMap { records[$0] }
  }

  /// Puts a record in, or brings the one of the same object to its content.
  /// - Returns: where it is, and the node that the object was on before.
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

  /// - Returns: the node that the object was on before.
  @specialized(where Value == PodRecord)
  private mutating func update(_ slot: Int, to record: Value) -> Name? {
    let node = indexing.node(record)
    if records[slot] == record { return node }
    // Taken out of the table, so that it has one owner and can change in place.
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

  /// - Returns: what was removed.
  @discardableResult
  @specialized(where Value == PodRecord)
  mutating func remove(_ key: ObjectKey) -> Value? {
    guard let slot = keys.first(key.storeHash, where: { isOf($0, key) }) else { return nil }
    return remove(slot: slot)
  }

  /// Puts all of these in, and removes what is not among them. What is equal is not touched, and so neither copied nor moved.
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

  /// The slot after this one on the same node.
  func slot(after slot: Int) -> Int? { next[slot] == Self.none ? nil : Int(next[slot]) }

  private mutating func link(_ slot: Int, to node: Name?) {
    previous[slot] = Self.none
    next[slot] = Self.none
    guard let node else { return }
    guard let first = nodes.first(node.hashValue, where: { $0 != slot && records[$0].flatMap(indexing.node) == node }) else {
      nodes.insert(node.hashValue, slot)
      return
    }
    // Second, so that the table of nodes stays as it is.
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

// MARK: By container, and all

extension RecordTable {
  /// The record that has the container, whichever way its runtime is named.
  func record(withContainer id: ContainerID) -> Value? {
    let bare = id.bare
    return containers.first(bare.hashValue) { slot in
      guard let record = records[slot] else { return false }
      var isThere = false
      indexing.containers(record) { if $0.bare == bare { isThere = true } }
      return isThere
    }.flatMap { records[$0] }
  }

  private func containerHashes(of record: Value) -> [Int] {
    var hashes: [Int] = []
    indexing.containers(record) { if !$0.isEmpty { hashes.append($0.bare.hashValue) } }
    return hashes
  }

  /// Slots are numbered from 0; some are free.
  var slotCount: Int { records.count }

  func record(inSlot slot: Int) -> Value? { records[slot] }
}
