internal import Synchronization

/// A value that is set once and that any number of tasks wait for, before and after: the result of work that several tasks share, or a port
/// that is known later.
package final class Promise<Value: Sendable>: Sendable {
  private struct State {
    var value: Value?
    var waiters: [CheckedContinuation<Value, Never>] = []
    var cancellableWaiters: [Int: CheckedContinuation<Value?, Never>] = [:]
    var lastNumber = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// Sets the value and resumes all that wait. Only the first value counts.
  package func fulfill(_ value: Value) {
    let (waiters, cancellableWaiters) = state.withLock { state in
      if state.value == nil { state.value = value }
      defer { (state.waiters, state.cancellableWaiters) = ([], [:]) }
      return (state.waiters, state.cancellableWaiters)
    }
    for waiter in waiters { waiter.resume(returning: value) }
    for waiter in cancellableWaiters.values { waiter.resume(returning: value) }
  }

  /// The value, if it is set.
  package var current: Value? { state.withLock { $0.value } }

  /// The number of tasks that wait.
  package var waiting: Int { state.withLock { $0.waiters.count + $0.cancellableWaiters.count } }

  /// Waits for the value, even if the task is cancelled.
  package func value() async -> Value {
    await withCheckedContinuation { continuation in
      let value = state.withLock { state in
        if state.value == nil { state.waiters.append(continuation) }
        return state.value
      }
      if let value { continuation.resume(returning: value) }
    }
  }

  /// Waits for the value. `nil` if the task was cancelled before it was set.
  @discardableResult
  package func valueUnlessCancelled() async -> Value? {
    let number = state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let (isOver, value) = state.withLock { state in
          if state.value == nil, !Task.isCancelled {
            state.cancellableWaiters[number] = continuation
            return (false, Value?.none)
          }
          return (true, state.value)
        }
        if isOver { continuation.resume(returning: value) }
      }
    } onCancel: {
      state.withLock { $0.cancellableWaiters.removeValue(forKey: number) }?.resume(returning: nil)
    }
  }
}
