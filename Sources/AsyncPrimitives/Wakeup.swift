internal import Synchronization

/// A coalescing wake-up for one loop: any number of signals while the loop is busy wake it once.
///
/// For loops that look at the whole state each time: they need to know that something changed, not how often.
package final class Wakeup: Sendable {
  private struct State {
    var isSignalled = false
    var waiter: CheckedContinuation<Bool, Never>?
  }

  private let state = Mutex(State())

  package init() {}

  package func signal() {
    let waiter = state.withLock { state in
      let waiter = state.waiter.take()
      state.isSignalled = waiter == nil
      return waiter
    }
    waiter?.resume(returning: true)
  }

  /// Waits for the next signal; returns at once if there was one since the last wait. For one task at a time.
  /// - Returns: `false` if the task was cancelled before a signal.
  package func wait() async -> Bool {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let result: Bool? = state.withLock { state in
          if state.isSignalled {
            state.isSignalled = false
            return true
          }
          if Task.isCancelled || state.waiter != nil { return false }
          state.waiter = continuation
          return nil
        }
        if let result { continuation.resume(returning: result) }
      }
    } onCancel: {
      state.withLock { $0.waiter.take() }?.resume(returning: false)
    }
  }

  /// Waits for the next signal, at most for `duration` on `clock`.
  /// - Returns: whether there was a signal.
  package func wait(atMost duration: Duration, clock: some Clock<Duration>) async -> Bool {
    await wait(orUntil: { try await clock.sleep(for: duration) })
  }

  /// Waits for the next signal, at most until `sleep` returns or throws.
  /// - Returns: whether there was a signal.
  package func wait(orUntil sleep: @escaping @Sendable () async throws -> Void) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
      group.addTask { await self.wait() }
      group.addTask {
        // A cancelled sleep is not a failure: the caller checks for cancellation.
        try? await sleep()
        return false
      }
      var wasSignalled = await group.next() ?? false
      group.cancelAll()
      // A signal may arrive between the timeout and the cancellation of the wait.
      for await result in group where result { wasSignalled = true }
      return wasSignalled
    }
  }
}
