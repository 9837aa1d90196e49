internal import Synchronization

/// The one who may change a store. It cannot be copied, so that there is one.
struct StoreWriter<Value: Record>: ~Copyable, Sendable {
  let store: Store<Value>

  init(store: Store<Value>) { self.store = store }

  /// Puts a whole list in place of what there was: readers see all of the old or all of the new, and what the list lacks is gone.
  borrowing func replaceAll(with records: [Value]) {
    var replacement = StoreSnapshot<Value>()
    replacement.records.reserveCapacity(records.count)
    for record in records { replacement.records[record.key] = record }
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
  borrowing func apply(_ changes: [RecordChange<Value>]) {
    guard !changes.isEmpty else { return }
    store.state.withLock { state in
      var keys: Set<ObjectKey> = []
      for change in changes {
        switch change {
        case .put(let record):
          keys.insert(record.key)
          state.snapshot.records[record.key] = record
        case .remove(let key):
          keys.insert(key)
          state.snapshot.records[key] = nil
        }
      }
      state.subscribers.post(.keys(keys))
    }
  }
}

/// One change of a record, as a watch reports it.
enum RecordChange<Value: Record>: Equatable, Sendable {
  /// There is this record now, whether or not there was one before.
  case put(Value)
  case remove(ObjectKey)
}
