internal import Synchronization

/// Limits how many tasks do something at the same time. Tasks get permits in the order of their requests.
package final class AsyncSemaphore: Sendable {
  /// A permit, given back when this is released.
  package final class Permit: Sendable {
    private let semaphore: AsyncSemaphore

    fileprivate init(of semaphore: AsyncSemaphore) {
      self.semaphore = semaphore
    }

    deinit { semaphore.giveBack() }
  }

  /// One wait; its identity finds it again when it is cancelled.
  private final class Waiter: Sendable {
    let continuation = Mutex<CheckedContinuation<Bool, Never>?>(nil)
  }

  private struct State {
    var free: Int
    var waiters: [Waiter] = []
  }

  /// The number of permits.
  package let count: Int
  private let state: Mutex<State>

  /// - Parameter count: less than 1 counts as 1.
  package init(_ count: Int) {
    self.count = max(count, 1)
    state = Mutex(State(free: max(count, 1)))
  }

  /// Waits for a permit and runs `body` with it. `nil` if the task was cancelled while it waited.
  package func withPermit<Value: Sendable>(_ body: () async -> Value) async -> Value? {
    guard await acquire() else { return nil }
    defer { giveBack() }
    return await body()
  }

  /// Waits for a permit. `nil` if none was free by `deadline`, or if the task was cancelled.
  package func permit(until deadline: ContinuousClock.Instant) async -> Permit? {
    if let permit = permitIfFree() { return permit }
    let isAcquired = await withTaskGroup(of: Bool.self) { group in
      group.addTask { await self.acquire() }
      group.addTask {
        // Cancellation ends the sleep, and the wait.
        try? await Task.sleep(until: deadline, clock: .continuous)
        return false
      }
      var isAcquired = await group.next() == true
      group.cancelAll()
      // The permit may have come between the deadline and the cancellation of the wait.
      for await other in group { isAcquired = isAcquired || other }
      return isAcquired
    }
    return isAcquired ? Permit(of: self) : nil
  }

  /// A permit, if one is free now.
  package func permitIfFree() -> Permit? {
    let isAcquired = state.withLock { state in
      guard state.free > 0 else { return false }
      state.free -= 1
      return true
    }
    return isAcquired ? Permit(of: self) : nil
  }

  private func acquire() async -> Bool {
    let waiter = Waiter()
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let result = state.withLock { state -> Bool? in
          // A task is marked as cancelled before its handler runs: either this sees it, or the handler finds the waiter.
          if Task.isCancelled { return false }
          if state.free > 0 {
            state.free -= 1
            return true
          }
          waiter.continuation.withLock { $0 = continuation }
          state.waiters.append(waiter)
          return nil
        }
        if let result { continuation.resume(returning: result) }
      }
    } onCancel: {
      let isWaiting = state.withLock { state in
        guard let index = state.waiters.firstIndex(where: { $0 === waiter }) else { return false }
        state.waiters.remove(at: index)
        return true
      }
      if isWaiting { waiter.continuation.withLock { $0.take() }?.resume(returning: false) }
    }
  }

  private func giveBack() {
    let next = state.withLock { state -> Waiter? in
      guard !state.waiters.isEmpty else {
        state.free += 1
        return nil
      }
      return state.waiters.removeFirst()
    }
    next?.continuation.withLock { $0.take() }?.resume(returning: true)
  }
}
