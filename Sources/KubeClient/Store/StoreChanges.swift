internal import Synchronization

/// What changed in a store since the last time a consumer asked.
public enum StoreChange: Hashable, Sendable {
  /// These records were added, replaced or removed: look them up in a snapshot.
  case keys(Set<ObjectKey>)
  /// A whole list came in, or more changed than is worth telling apart: look at everything.
  case all
}

/// The changes of a store as one consumer sees them.
public struct StoreChanges<Value: Record>: AsyncSequence, Sendable {
  let store: Store<Value>

  /// Begins to collect changes for one consumer, until the iterator is let go.
  public func makeAsyncIterator() -> Iterator {
    let mailbox = ChangeMailbox()
    let number = store.state.withLock { state in
      if state.isSynced { mailbox.post(.all) }
      return state.subscribers.add(mailbox)
    }
    return Iterator(subscription: Subscription(store: store, number: number, mailbox: mailbox))
  }

  /// One consumer's view.
  public struct Iterator: AsyncIteratorProtocol {
    let subscription: Subscription

    /// The changes since the last call; waits for some. `nil` once the task is cancelled.
    public mutating func next() async -> StoreChange? { await subscription.mailbox.take() }

    /// As `next()`, wherever the caller is isolated.
    public mutating func next(isolation actor: isolated (any Actor)?) async -> StoreChange? { await subscription.mailbox.take() }
  }

  /// Ends with the iterator that holds it, and the mailbox leaves the store's list.
  final class Subscription: Sendable {
    let store: Store<Value>
    let number: Int
    let mailbox: ChangeMailbox

    init(store: Store<Value>, number: Int, mailbox: ChangeMailbox) {
      self.store = store
      self.number = number
      self.mailbox = mailbox
    }

    deinit { store.state.withLock { $0.subscribers.remove(number) } }
  }
}

/// The mailboxes of a store's consumers.
struct Subscribers {
  private var mailboxes: [Int: ChangeMailbox] = [:]
  private var next = 0

  mutating func add(_ mailbox: ChangeMailbox) -> Int {
    next += 1
    mailboxes[next] = mailbox
    return next
  }

  mutating func remove(_ number: Int) { mailboxes[number] = nil }

  func post(_ change: StoreChange) {
    for mailbox in mailboxes.values { mailbox.post(change) }
  }
}
