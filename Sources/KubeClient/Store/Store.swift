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
