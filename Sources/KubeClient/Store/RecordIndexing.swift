internal import Primitives

/// How a store looks up records of one type: by key, node and container.
struct RecordIndexing<Value: Record>: Sendable {
  /// The hash of a record's key, equal to `ObjectKey.storeHash`.
  var hash: @Sendable (Value) -> Int = { $0.key.storeHash }
  /// Whether both records are of one object.
  var isSameObject: @Sendable (Value, Value) -> Bool = { $0.key == $1.key }
  /// Whether the record has this key.
  var isOf: @Sendable (Value, ObjectKey) -> Bool = { $0.key == $1 }
  /// The node of the object.
  var node: @Sendable (Value) -> Name? = { _ in nil }
  /// Calls the function with each non-empty container ID.
  var containers: @Sendable (Value, (ContainerStatusID) -> Void) -> Void = { _, _ in }
  /// Whether both records have the same container IDs in the same order.
  var haveSameContainers: @Sendable (Value, Value) -> Bool = { _, _ in true }
  /// Makes the first record equal to the second, a record of the same object. Reuses the first one's memory if possible.
  var update: @Sendable (inout Value, Value) -> Void = { $0 = $1 }

  /// The indexing of `Value`.
  static var ofType: RecordIndexing {
    guard let type = Value.self as? any IndexedRecord.Type else { return RecordIndexing() }
    func indexing<Indexed: IndexedRecord>(_ type: Indexed.Type) -> Any { type.indexing }
    return indexing(type) as? RecordIndexing ?? RecordIndexing()
  }
}

/// A record with indexes other than its key.
protocol IndexedRecord: Record {
  static var indexing: RecordIndexing<Self> { get }
}

extension PodRecord: IndexedRecord {
  static var indexing: RecordIndexing<PodRecord> {
    RecordIndexing(
      hash: { pod in pod.identity.withNameBytes { name in pod.identity.namespace.withBytes { keyHash(namespace: $0, name: name) } } },
      isSameObject: { $0.identity.isNamed(as: $1.identity) },
      isOf: { pod, key in key.withBytes { namespace, name in pod.identity.isNamed(name, in: namespace) } },
      node: \.node,
      containers: { pod, body in pod.forEachContainerID(body) },
      haveSameContainers: { $0.hasSameContainerIDs(as: $1) },
      update: { $0.update(to: $1) })
  }
}

extension NodeRecord: IndexedRecord {
  static var indexing: RecordIndexing<NodeRecord> {
    RecordIndexing(
      hash: { node in node.sharedName.withBytes { keyHash(namespace: UnsafeRawBufferPointer(start: nil, count: 0), name: $0) } },
      isSameObject: { $0.sharedName == $1.sharedName })
  }
}

/// `Hasher` is seeded per process, so names cannot be chosen to collide.
func keyHash(namespace: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer) -> Int {
  var hasher = Hasher()
  hasher.combine(bytes: namespace)
  hasher.combine(UInt8(ascii: "/"))
  hasher.combine(bytes: name)
  return hasher.finalize()
}

extension ObjectKey {
  var storeHash: Int { withBytes { keyHash(namespace: $0, name: $1) } }

  /// Calls `body` with the UTF-8 of namespace and name.
  fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result) -> Result {
    var (namespace, name) = (namespace, name)
    return namespace.withUTF8 { namespace in
      name.withUTF8 { body(UnsafeRawBufferPointer(namespace), UnsafeRawBufferPointer($0)) }
    }
  }
}
