internal import Synchronization

/// A coalescing wake-up for one loop: any number of signals while the loop is busy wake it once. The loop reads the whole state each time,
/// so it only needs to know that something changed.
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

  /// Waits for the next signal; returns at once if there was one since the last wait. Only one task may wait at a time.
  /// - Returns: `false` if the task was cancelled first.
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

  /// Waits for the next signal, but not longer than `duration`.
  /// - Returns: whether there was a signal.
  package func wait(atMost duration: Duration, clock: some Clock<Duration>) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
      group.addTask { await self.wait() }
      group.addTask {
        // The caller checks for cancellation.
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
