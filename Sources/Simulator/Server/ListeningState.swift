import Synchronization

/// The port of a server that starts, and the tasks that wait for it.
final class ListeningState: Sendable {
  private struct State {
    var outcome: Result<Int, any Error>?
    var nextID = 0
    var waiters: [Int: CheckedContinuation<Int, any Error>] = [:]
  }

  private let state = Mutex(State())

  var currentPort: Int? { try? state.withLock { $0.outcome }?.get() }

  func settle(_ outcome: Result<Int, any Error>) {
    let waiters = state.withLock { state in
      state.outcome = outcome
      defer { state.waiters.removeAll() }
      return Array(state.waiters.values)
    }
    for waiter in waiters { waiter.resume(with: outcome) }
  }

  func port() async throws -> Int {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome: Result<Int, any Error>? = state.withLock { state in
          if let outcome = state.outcome { return outcome }
          if Task.isCancelled { return .failure(CancellationError()) }
          state.waiters[id] = continuation
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
  }
}
