internal import Synchronization

/// Bounds how many calls are made at the same time. Whoever comes first is served first.
package final class CallSlots: Sendable {
  /// One wait; its identity finds it again when it is cancelled.
  private final class Waiter: Sendable {
    let continuation: Mutex<CheckedContinuation<Bool, Never>?> = Mutex(nil)
  }

  private struct State {
    var free: Int
    var waiters: [Waiter] = []
  }

  /// How many calls there may be at once.
  package let count: Int
  private let state: Mutex<State>

  package init(_ count: Int) {
    self.count = max(count, 1)
    state = Mutex(State(free: max(count, 1)))
  }

  /// Waits for a slot, runs `body`, and gives the slot back. `nil` if the task was cancelled while it waited.
  package func run<Value: Sendable>(_ body: () async -> Value) async -> Value? {
    guard await acquire() else { return nil }
    defer { release() }
    return await body()
  }

  /// Waits for a slot, which is free again when what is returned is released. `nil` if none was free by `deadline`, or the task was cancelled.
  func take(until deadline: ContinuousClock.Instant) async -> CallSlot? {
    if let slot = takeFree() { return slot }
    let isTaken = await withTaskGroup(of: Bool.self) { group in
      group.addTask { await self.acquire() }
      group.addTask {
        // Cancellation ends the sleep, and the wait.
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

  /// A slot, if one is free now.
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
        let answer = state.withLock { state -> Bool? in
          // A task is marked as cancelled before its handler runs: either we see it here, or the handler finds the waiter.
          if Task.isCancelled { return false }
          if state.free > 0 {
            state.free -= 1
            return true
          }
          waiter.continuation.withLock { $0 = continuation }
          state.waiters.append(waiter)
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
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

/// A slot that is taken for as long as this is held.
final class CallSlot: Sendable {
  private let slots: CallSlots

  fileprivate init(of slots: CallSlots) {
    self.slots = slots
  }

  deinit { slots.release() }
}
