internal import Synchronization

/// The newest known records of one resource: one writer, any number of readers.
///
/// The records live in a copy-on-write snapshot under a mutex that is held for a retain, or for the change of one batch: a reader never
/// waits for a decoder, and what it got stays as it was. A lock was chosen over an atomic pointer since reclaiming the old snapshot is then
/// the language's own reference count.
public final class Store<Value: Record>: Sendable {
  struct State {
    var snapshot = StoreSnapshot<Value>()
    var isSynced = false
    var subscribers = Subscribers()
  }
  let state = Mutex(State())

  init() {}

  /// All records as of one moment. Costs a reference count, whatever the number of records.
  public func snapshot() -> StoreSnapshot<Value> { state.withLock { $0.snapshot } }

  /// Whether a whole list has been received; once true it stays so, also while the watch is broken.
  public var isSynced: Bool { state.withLock { $0.isSynced } }

  /// Which records changed, from now on.
  ///
  /// A consumer is given what has changed since it last asked, in one batch; what it does not fetch in time is merged and becomes
  /// `StoreChange.all` past a limit, so that a slow consumer costs bounded memory and holds up nobody. A store that is in sync already
  /// gives `all` at once. Iteration ends when the consuming task is cancelled.
  public var changes: StoreChanges<Value> { StoreChanges(store: self) }
}
