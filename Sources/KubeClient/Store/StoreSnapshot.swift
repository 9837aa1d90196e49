package import Primitives

/// All records of a store as of one moment. A value: it stays what it was while the store goes on, and costs what has changed since.
public struct StoreSnapshot<Value: Record>: Sendable, Sequence {
  var table = RecordTable<Value>(indexing: .ofType)

  /// The record of that object, if there is one.
  public subscript(key: ObjectKey) -> Value? { table[key] }
  /// How many records there are.
  public var count: Int { table.count }
  /// Whether there is no record at all.
  public var isEmpty: Bool { table.count == 0 }

  /// The records in no particular order.
  public func makeIterator() -> Iterator { Iterator(table: table) }
  public var underestimatedCount: Int { table.count }

  /// Goes over the records of a snapshot.
  public struct Iterator: IteratorProtocol {
    let table: RecordTable<Value>
    var slot = 0

    public mutating func next() -> Value? {
      while slot < table.slotCount {
        defer { slot += 1 }
        if let record = table.record(inSlot: slot) { return record }
      }
      return nil
    }
  }
}

extension StoreSnapshot where Value == PodRecord {
  /// The Pods on a node in no particular order, found without looking at others.
  public func pods(onNode node: String) -> PodsOnNode { pods(onNode: Name(node)) }

  /// The Pods on a node in no particular order, found without looking at others.
  package func pods(onNode node: Name) -> PodsOnNode { PodsOnNode(table: table, first: table.firstSlot(onNode: node)) }

  /// The Pod that has this container, running or not. The ID may come with its runtime's name, `containerd://…`, or without.
  public func pod(withContainer id: String) -> PodRecord? { pod(withContainer: ContainerID(id)) }

  package func pod(withContainer id: ContainerID) -> PodRecord? {
    id.isEmpty ? nil : table.record(withContainer: id)
  }

  /// The Pod of that name, by the bytes of the texts.
  func pod(named name: UnsafeRawBufferPointer, in namespace: UnsafeRawBufferPointer) -> PodRecord? {
    table.record(keyHash(namespace: namespace, name: name)) { $0.identity.isNamed(name, in: namespace) }
  }
}

/// The Pods on one node, as of one moment.
public struct PodsOnNode: Sequence, Sendable {
  let table: RecordTable<PodRecord>
  let first: Int?

  public func makeIterator() -> Iterator { Iterator(table: table, slot: first) }

  /// Goes over the Pods on one node.
  public struct Iterator: IteratorProtocol {
    let table: RecordTable<PodRecord>
    var slot: Int?

    public mutating func next() -> PodRecord? {
      guard let slot else { return nil }
      self.slot = table.slot(after: slot)
      return table.record(inSlot: slot)
    }
  }
}
