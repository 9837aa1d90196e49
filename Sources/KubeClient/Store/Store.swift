internal import Primitives
internal import Synchronization

/// The current records of one resource, with one writer and any number of readers.
///
/// A reader takes an immutable snapshot. The writer holds the mutex only while it applies one batch, so readers never wait for decoding. A
/// mutex instead of an atomic pointer leaves the release of old snapshots to reference counting.
public final class Store<Value: Record>: Sendable {
  struct State {
    let indexing = RecordIndexing<Value>.ofType
    var snapshot = StoreSnapshot<Value>()
    var isSynced = false
    var subscribers = Subscribers()
  }
  let state = Mutex(State())

  init() {}

  /// All records at one point in time. Costs a few reference counts, regardless of the number of records.
  public func snapshot() -> StoreSnapshot<Value> { state.withLock { $0.snapshot } }

  /// Whether a complete list has been received. Stays true while the watch is broken.
  public var isSynced: Bool { state.withLock { $0.isSynced } }

  /// The keys of records that change from now on.
  ///
  /// A consumer receives all changes since its last call as one batch. Changes that it does not fetch are merged, and become
  /// `StoreChange.all` above a limit, so a slow consumer uses bounded memory and delays nobody. If the store is already synced, the first
  /// element is `all`. Iteration ends when the consuming task is cancelled.
  public var changes: StoreChanges<Value> { StoreChanges(store: self, kind: .keys) }

  /// As `changes`, but with the keys of the Nodes that the changed records are or were on. Omits records that are on no Node.
  public var changesByNode: StoreChanges<Value> { StoreChanges(store: self, kind: .nodes) }
}

/// The only writer of a store. Noncopyable, so there is only one.
struct StoreWriter<Value: Record>: ~Copyable, Sendable {
  let store: Store<Value>

  init(store: Store<Value>) { self.store = store }

  /// Replaces all records atomically.
  ///
  /// Changes a copy of the table, which shares all unchanged chunks, and then swaps it in.
  @specialized(where Value == PodRecord)
  borrowing func replaceAll(with records: [Value]) {
    var replacement = store.snapshot()
    replacement.table.replaceAll(with: records)
    // The old snapshot is freed outside the lock, since freeing many records is slow.
    let old = store.state.withLock { state in
      let old = state.snapshot
      state.snapshot = replacement
      state.isSynced = true
      state.subscribers.post(.all)
      return old
    }
    _ = consume old
  }

  /// Applies a batch of changes atomically.
  @specialized(where Value == PodRecord)
  borrowing func apply(_ changes: [RecordChange<Value>]) {
    guard !changes.isEmpty else { return }
    store.state.withLock { state in
      var keys: Set<ObjectKey> = []
      var nodes: Set<Name> = []
      let (wantsKeys, wantsNodes) = state.subscribers.wanted
      let indexing = state.indexing
      for change in changes {
        let oldNode: Name?
        switch change {
        case .put(let record):
          if wantsKeys { keys.insert(record.key) }
          if wantsNodes, let node = indexing.node(record) { nodes.insert(node) }
          oldNode = state.snapshot.table.put(record).oldNode
        case .remove(let key):
          if wantsKeys { keys.insert(key) }
          oldNode = state.snapshot.table.remove(key).flatMap(indexing.node)
        }
        if wantsNodes, let oldNode { nodes.insert(oldNode) }
      }
      state.subscribers.post(keys: keys, nodes: nodes)
    }
  }
}

extension StoreSnapshot {
  /// Returns the stored record if it is equal. Readers of a list pass every record through this, so that old and new records do not both
  /// use memory.
  func reusing(_ record: Value) -> Value {
    guard let known = table.storedRecord(for: record), known == record else { return record }
    return known
  }
}

/// A change of a record, reported by a watch.
enum RecordChange<Value: Record>: Equatable, Sendable {
  /// Added or modified.
  case put(Value)
  case remove(ObjectKey)
}
