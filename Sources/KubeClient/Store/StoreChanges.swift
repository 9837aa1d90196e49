internal import AsyncPrimitives
internal import Primitives
internal import Synchronization

/// The changes of a store since a consumer's last call.
public enum StoreChange: Hashable, Sendable {
  /// These records were added, modified or removed. Look them up in a snapshot.
  case keys(Set<ObjectKey>)
  /// All records may have changed: a list was received, or there were too many changes.
  case all
}

/// The changes of a store for one consumer.
public struct StoreChanges<Value: Record>: AsyncSequence, Sendable {
  /// What the keys identify.
  enum Kind: Sendable {
    case keys, nodes
  }

  let store: Store<Value>
  let kind: Kind

  /// Starts collecting changes for one consumer, until the iterator is released.
  public func makeAsyncIterator() -> Iterator {
    let mailbox = ChangeMailbox()
    let number = store.state.withLock { state in
      if state.isSynced { mailbox.post(.all) }
      return state.subscribers.add(mailbox, wantsNodes: kind == .nodes)
    }
    return Iterator(subscription: Subscription(store: store, number: number, mailbox: mailbox))
  }

  /// The iterator of one consumer.
  public struct Iterator: AsyncIteratorProtocol {
    let subscription: Subscription

    /// Waits for changes since the last call. Returns `nil` once the task is cancelled.
    public mutating func next() async -> StoreChange? { await subscription.mailbox.take() }

    /// As `next()`, for any isolation.
    public mutating func next(isolation actor: isolated (any Actor)?) async -> StoreChange? { await subscription.mailbox.take() }
  }

  /// Removes the mailbox from the store when the iterator is released.
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
  private var mailboxes: [Int: (mailbox: ChangeMailbox, wantsNodes: Bool)] = [:]
  private var next = 0

  mutating func add(_ mailbox: ChangeMailbox, wantsNodes: Bool) -> Int {
    next += 1
    mailboxes[next] = (mailbox, wantsNodes)
    return next
  }

  mutating func remove(_ number: Int) { mailboxes[number] = nil }

  /// The kinds that any consumer wants.
  var wanted: (keys: Bool, nodes: Bool) {
    (mailboxes.values.contains { !$0.wantsNodes }, mailboxes.values.contains { $0.wantsNodes })
  }

  func post(_ change: StoreChange) {
    for (mailbox, _) in mailboxes.values { mailbox.post(change) }
  }

  /// Posts to each mailbox the keys of its kind.
  func post(keys: Set<ObjectKey>, nodes: Set<Name>) {
    let nodes = Set(nodes.lazy.map { ObjectKey(name: $0.description) })
    for (mailbox, wantsNodes) in mailboxes.values { mailbox.post(.keys(wantsNodes ? nodes : keys)) }
  }
}

/// Collects changes for one consumer. Posting never waits. Unlike an `AsyncStream`, it merges what the consumer has not fetched.
final class ChangeMailbox: Sendable {
  /// Above this number of keys the consumer receives `all`. At about 100 bytes per key, a mailbox uses at most 400 KB.
  static let maximumKeys = 4096

  private struct State {
    var keys: Set<ObjectKey> = []
    var isAll = false

    var isEmpty: Bool { keys.isEmpty && !isAll }

    mutating func add(_ change: StoreChange) {
      guard !isAll else { return }
      if case .keys(let new) = change { keys.formUnion(new) } else { isAll = true }
      if keys.count > ChangeMailbox.maximumKeys { isAll = true }
      if isAll { keys = [] }
    }

    mutating func takeAll() -> StoreChange? {
      defer {
        keys = []
        isAll = false
      }
      return isAll ? .all : keys.isEmpty ? nil : .keys(keys)
    }
  }
  private let state = Mutex(State())
  private let wakeup = Wakeup()

  func post(_ change: StoreChange) {
    let isEmpty = state.withLock { state in
      state.add(change)
      return state.isEmpty
    }
    if !isEmpty { wakeup.signal() }
  }

  /// Returns the changes since the last call, waiting for some; `nil` if the task is cancelled.
  func take() async -> StoreChange? {
    while !Task.isCancelled {
      if let change = state.withLock({ $0.takeAll() }) { return change }
      guard await wakeup.wait() else { return nil }
    }
    return nil
  }
}
