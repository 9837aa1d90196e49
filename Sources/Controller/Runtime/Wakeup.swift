internal import Synchronization

/// A signal from many to one loop. Signals that come while the loop works are kept as one: a loop that looks at the whole state each
/// time needs to know that something changed, not how often.
package final class Wakeup: Sendable {
  private struct State {
    var isSet = false
    var waiter: CheckedContinuation<Bool, Never>?
  }

  private let state = Mutex(State())

  package init() {}

  package func signal() {
    let waiter = state.withLock { state in
      let waiter = state.waiter
      state.waiter = nil
      state.isSet = waiter == nil
      return waiter
    }
    waiter?.resume(returning: true)
  }

  /// Waits for the next signal; returns at once if there was one since the last wait. For one loop at a time.
  /// - Returns: `false` if the task was cancelled before there was a signal.
  package func wait() async -> Bool {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let result: Bool? = state.withLock { state in
          if state.isSet {
            state.isSet = false
            return true
          }
          if Task.isCancelled || state.waiter != nil { return false }
          state.waiter = continuation
          return nil
        }
        if let result { continuation.resume(returning: result) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(returning: false)
    }
  }

  /// Waits for the next signal, for `duration` by `clock` at most.
  /// - Returns: whether there was a signal.
  package func wait(atMost duration: Duration, clock: some Clock<Duration>) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
      group.addTask { await self.wait() }
      group.addTask {
        // A sleep that is cancelled is no failure: the caller looks for cancellation itself.
        try? await clock.sleep(for: duration)
        return false
      }
      var wasSignalled = await group.next() ?? false
      group.cancelAll()
      for await result in group where result { wasSignalled = true }
      return wasSignalled
    }
  }
}
