import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct OwnThreadTests {
  @Test func `tests that block their thread do not delay each other`() async throws {
    let test = try #require(Test.current)
    // More than the threads that all other code shares.
    let count = ProcessInfo.processInfo.activeProcessorCount * 2 + 2
    let barrier = Barrier(count)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<count {
        group.addTask {
          try await OwnThread.ownThread.provideScope(for: test, testCase: nil) {
            #expect(barrier.arriveAndWait())
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test(.ownThread) func `a test and its child tasks stay on their thread`() async {
    let thread = currentThread()
    await Task.yield()
    #expect(currentThread() == thread)
    async let child = currentThread()
    #expect(await child == thread)
  }
}

/// Blocks the threads that arrive until there are enough of them.
private final class Barrier: Sendable {
  private let count: Int
  private let arrived = Atomic(0)
  private let all = Gate()

  init(_ count: Int) { self.count = count }

  func arriveAndWait() -> Bool {
    if arrived.add(1, ordering: .relaxed).newValue == count { all.open() }
    return all.wait()
  }
}

// Synchronous, because asynchronous code may not ask for its thread.
private func currentThread() -> pthread_t { pthread_self() }
