internal import Synchronization

/// Collects changes for one consumer until it fetches them; posting never waits.
final class ChangeMailbox: Sendable {
  /// Past so many keys a consumer is told to look at everything: at about 100 bytes a key, a mailbox holds at most 400 KB.
  static let maximumKeys = 4096

  private struct State {
    var pending: StoreChange?
    var waiter: CheckedContinuation<StoreChange?, Never>?
    /// Set where the cancellation came before its wait.
    var isCancelled = false
  }
  private let state = Mutex(State())

  func post(_ change: StoreChange) {
    let delivery = state.withLock { state -> (CheckedContinuation<StoreChange?, Never>, StoreChange)? in
      let merged = Self.merge(state.pending, change)
      guard let waiter = state.waiter.take() else {
        state.pending = merged
        return nil
      }
      state.pending = nil
      return (waiter, merged)
    }
    if let (waiter, change) = delivery { waiter.resume(returning: change) }
  }

  /// What was posted since the last call; waits for something, and gives `nil` if the task is cancelled.
  func take() async -> StoreChange? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> StoreChange?? in
          if state.isCancelled { return .some(nil) }
          if let pending = state.pending.take() { return pending }
          state.waiter = continuation
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.isCancelled = true
        return state.waiter.take()
      }
      waiter?.resume(returning: nil)
    }
  }

  private static func merge(_ old: StoreChange?, _ new: StoreChange) -> StoreChange {
    guard case .keys(let newKeys) = new else { return .all }
    switch old {
    case nil: return newKeys.count > maximumKeys ? .all : new
    case .all: return .all
    case .keys(let oldKeys):
      let union = oldKeys.union(newKeys)
      return union.count > maximumKeys ? .all : .keys(union)
    }
  }
}
