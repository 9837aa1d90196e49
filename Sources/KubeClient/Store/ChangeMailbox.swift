internal import Synchronization

/// Collects changes for one consumer until it fetches them; posting never waits.
final class ChangeMailbox: Sendable {
  /// Past so many keys a consumer is told to look at everything: at about 100 bytes a key, a mailbox holds at most 400 KB.
  static let maximumKeys = 4096

  private struct State {
    var keys: Set<ObjectKey> = []
    var isAll = false
    var waiter: CheckedContinuation<StoreChange?, Never>?
    /// Set where the cancellation came before its wait.
    var isCancelled = false

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

  func post(_ change: StoreChange) {
    let delivery = state.withLock { state -> (CheckedContinuation<StoreChange?, Never>, StoreChange)? in
      state.add(change)
      guard state.waiter != nil, let merged = state.takeAll(), let waiter = state.waiter.take() else { return nil }
      return (waiter, merged)
    }
    if let (waiter, change) = delivery { waiter.resume(returning: change) }
  }

  /// What was posted since the last call; waits for something, and gives `nil` if the task is cancelled.
  func take() async -> StoreChange? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let (isOver, change) = state.withLock { state in
          if state.isCancelled { return (true, StoreChange?.none) }
          let change = state.takeAll()
          if change == nil { state.waiter = continuation }
          return (change != nil, change)
        }
        if isOver { continuation.resume(returning: change) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.isCancelled = true
        return state.waiter.take()
      }
      waiter?.resume(returning: nil)
    }
  }
}
