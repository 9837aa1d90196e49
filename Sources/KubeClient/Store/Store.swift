internal import Primitives
internal import Synchronization

/// The newest known records of one resource: one writer, any number of readers.
///
/// A reader takes a snapshot, which stays as it was; the writer changes what is under a mutex that is held for the change of one batch. A
/// reader never waits for a decoder. A lock was chosen over an atomic pointer since reclaiming an old snapshot is then the language's own
/// reference count.
public final class Store<Value: Record>: Sendable {
  struct State {
    let indexing = RecordIndexing<Value>.ofType
    var snapshot = StoreSnapshot<Value>()
    var isSynced = false
    var subscribers = Subscribers()
  }
  let state = Mutex(State())

  init() {}

  /// All records as of one moment. Costs a few reference counts, whatever the number of records.
  public func snapshot() -> StoreSnapshot<Value> { state.withLock { $0.snapshot } }

  /// Whether a whole list has been received; once true it stays so, also while the watch is broken.
  public var isSynced: Bool { state.withLock { $0.isSynced } }

  /// Which records changed, from now on.
  ///
  /// A consumer is given what has changed since it last asked, in one batch; what it does not fetch in time is merged and becomes
  /// `StoreChange.all` past a limit, so that a slow consumer costs bounded memory and holds up nobody. A store that is in sync already
  /// gives `all` at once. Iteration ends when the consuming task is cancelled.
  public var changes: StoreChanges<Value> { StoreChanges(store: self, kind: .keys) }

  /// On which nodes records changed, from now on: as `changes`, but the keys are those of the Nodes that the changed records are on, or were
  /// on before. Records that were on no node before nor after are left out.
  public var changesByNode: StoreChanges<Value> { StoreChanges(store: self, kind: .nodes) }
}

/// The one who may change a store. It cannot be copied, so that there is one.
struct StoreWriter<Value: Record>: ~Copyable, Sendable {
  let store: Store<Value>

  init(store: Store<Value>) { self.store = store }

  /// Puts a whole list in place of what there was: readers see all of the old or all of the new, and what the list lacks is gone.
  ///
  /// A copy of the table is brought to the new state beside what readers see, and then put in its place. The copy shares what it does not change,
  /// and where the list brings nothing new that is all of it.
  @specialized(where Value == PodRecord)
  borrowing func replaceAll(with records: [Value]) {
    var replacement = store.snapshot()
    replacement.table.replaceAll(with: records)
    // The old snapshot is let go after the lock, since freeing many records takes its time.
    let old = store.state.withLock { state in
      let old = state.snapshot
      state.snapshot = replacement
      state.isSynced = true
      state.subscribers.post(.all)
      return old
    }
    _ = consume old
  }

  /// Applies a batch of changes: readers see none or all of it.
  @specialized(where Value == PodRecord)
  borrowing func apply(_ changes: [RecordChange<Value>]) {
    guard !changes.isEmpty else { return }
    store.state.withLock { state in
      var keys: Set<ObjectKey> = []
      var nodes: Set<Name> = []
      let (wantsKeys, wantsNodes) = state.subscribers.wishes
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
  /// The same record as it is in memory already, if there is one that is equal. Whoever reads a whole list passes each record through this as
  /// it comes, so that old and new are never there twice.
  func reusing(_ record: Value) -> Value {
    guard let known = table.storedRecord(for: record), known == record else { return record }
    return known
  }
}

/// One change of a record, as a watch reports it.
enum RecordChange<Value: Record>: Equatable, Sendable {
  /// There is this record now, whether or not there was one before.
  case put(Value)
  case remove(ObjectKey)
}
