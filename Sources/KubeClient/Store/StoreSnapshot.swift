package import Primitives

/// All records of a store at one point in time. Immutable; shares unchanged records with the store.
public struct StoreSnapshot<Value: Record>: Sendable, Sequence {
  var table = RecordTable<Value>(indexing: .ofType)

  init() {}

  /// A snapshot of these records, without a store.
  package init(_ records: some Sequence<Value>) {
    for record in records { _ = table.put(record) }
  }

  public subscript(key: ObjectKey) -> Value? { table[key] }
  public var count: Int { table.count }
  public var isEmpty: Bool { table.count == 0 }

  /// Iterates in no particular order.
  public func makeIterator() -> Iterator { Iterator(table: table) }
  public var underestimatedCount: Int { table.count }

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
  /// The Pods on a node, in no particular order, by index.
  public func pods(onNode node: String) -> PodsOnNode { pods(onNode: Name(node)) }

  /// The Pods on a node, in no particular order, by index.
  package func pods(onNode node: Name) -> PodsOnNode { PodsOnNode(table: table, first: table.firstSlot(onNode: node)) }

  /// The Pod with this container, whatever its state. The ID may have a runtime prefix such as `containerd://`.
  public func pod(withContainer id: String) -> PodRecord? { pod(withContainer: ContainerStatusID(id)) }

  package func pod(withContainer id: ContainerStatusID) -> PodRecord? {
    id.isEmpty ? nil : table.record(withContainer: id)
  }

  /// The Pod with this name, given as UTF-8.
  func pod(named name: UnsafeRawBufferPointer, in namespace: UnsafeRawBufferPointer) -> PodRecord? {
    table.record(keyHash(namespace: namespace, name: name)) { $0.identity.isNamed(name, in: namespace) }
  }
}

/// The Pods on one node at one point in time.
public struct PodsOnNode: Sequence, Sendable {
  let table: RecordTable<PodRecord>
  let first: Int?

  public func makeIterator() -> Iterator { Iterator(table: table, slot: first) }

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
