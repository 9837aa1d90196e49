internal import Synchronization

/// A counting semaphore that bounds concurrent calls. Waiters are served in order of arrival.
package final class CallSlots: Sendable {
  /// A waiting task. Cancellation finds it by identity.
  private final class Waiter: Sendable {
    let continuation: Mutex<CheckedContinuation<Bool, Never>?> = Mutex(nil)
  }

  private struct State {
    var free: Int
    var waiters: [Waiter] = []
  }

  /// The maximum number of concurrent calls.
  package let count: Int
  private let state: Mutex<State>

  package init(_ count: Int) {
    self.count = max(count, 1)
    state = Mutex(State(free: max(count, 1)))
  }

  /// Runs `body` in a slot. Returns `nil` if the task is cancelled while it waits for one.
  package func run<Value: Sendable>(_ body: () async -> Value) async -> Value? {
    guard await acquire() else { return nil }
    defer { release() }
    return await body()
  }

  /// Waits for a slot. Releasing the returned object frees it. `nil` if no slot is free by `deadline`, or the task is cancelled.
  func take(until deadline: ContinuousClock.Instant) async -> CallSlot? {
    if let slot = takeFree() { return slot }
    let isTaken = await withTaskGroup(of: Bool.self) { group in
      group.addTask { await self.acquire() }
      group.addTask {
        // `sleep` throws when the task is cancelled, which ends the wait as well.
        try? await Task.sleep(until: deadline, clock: .continuous)
        return false
      }
      var isTaken = await group.next() == true
      group.cancelAll()
      for await other in group { isTaken = isTaken || other }
      return isTaken
    }
    return isTaken ? CallSlot(of: self) : nil
  }

  /// Takes a slot if one is free.
  func takeFree() -> CallSlot? {
    let isTaken = state.withLock { state in
      guard state.free > 0 else { return false }
      state.free -= 1
      return true
    }
    return isTaken ? CallSlot(of: self) : nil
  }

  private func acquire() async -> Bool {
    let waiter = Waiter()
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isAcquired = state.withLock { state -> Bool? in
          // A task is marked as cancelled before its handler runs: either this check sees it, or the handler finds the waiter.
          if Task.isCancelled { return false }
          if state.free > 0 {
            state.free -= 1
            return true
          }
          waiter.continuation.withLock { $0 = continuation }
          state.waiters.append(waiter)
          return nil
        }
        if let isAcquired { continuation.resume(returning: isAcquired) }
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

  fileprivate func release() {
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

/// Holds a slot of `CallSlots` until it is released.
final class CallSlot: Sendable {
  private let slots: CallSlots

  fileprivate init(of slots: CallSlots) {
    self.slots = slots
  }

  deinit { slots.release() }
}
