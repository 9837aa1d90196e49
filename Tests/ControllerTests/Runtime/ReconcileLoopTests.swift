import AsyncPrimitives
import Synchronization
import TestSupport
import Testing

@testable import Controller

@Suite struct ReconcileLoopTests {
  /// Counts reconciliations and returns scripted outcomes.
  private final class Scripted: Reconciler {
    struct Failure: Error {}
    let passes = Mutex<[String: Int]>([:])
    let failing = Mutex<Set<String>>([])

    func end() {}

    func reconcile(_ key: String) async throws -> ReconcileOutcome {
      passes.withLock { $0[key, default: 0] += 1 }
      if failing.withLock({ $0.contains(key) }) { throw Failure() }
      return .settled
    }

    func count(_ key: String) -> Int { passes.withLock { $0[key] ?? 0 } }
  }

  private func run(
    _ reconciler: Scripted, policy: ReconcilePolicy, _ body: (Wakeup) async throws -> Void
  ) async throws {
    let wakeup = Wakeup()
    let loop = ReconcileLoop(reconciler, keys: ["a", "b"], wakeup: wakeup, policy: policy, time: SystemTime(), logger: .silent)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await loop.run() }
      try await body(wakeup)
      group.cancelAll()
    }
  }

  @Test func `every key is reconciled at startup and on each signal`() async throws {
    let reconciler = Scripted()
    try await run(reconciler, policy: ReconcilePolicy(debounce: .zero, resync: .seconds(3600))) { wakeup in
      try await eventually("first pass") { reconciler.count("a") == 1 && reconciler.count("b") == 1 }
      wakeup.signal()
      try await eventually("second pass") { reconciler.count("a") == 2 && reconciler.count("b") == 2 }
    }
  }

  @Test func `keys are reconciled periodically without a signal`() async throws {
    let reconciler = Scripted()
    try await run(reconciler, policy: ReconcilePolicy(debounce: .zero, resync: .milliseconds(5))) { _ in
      try await eventually("several passes") { reconciler.count("a") > 3 }
    }
  }

  @Test func `a failing key is retried and blocks no other`() async throws {
    let reconciler = Scripted()
    reconciler.failing.withLock { $0 = ["a"] }
    let policy = ReconcilePolicy(debounce: .zero, resync: .seconds(3600), firstBackoff: .milliseconds(1))
    try await run(reconciler, policy: policy) { _ in
      try await eventually("a is retried") { reconciler.count("a") > 3 }
      #expect(reconciler.count("b") == 1)
    }
  }

  @Test func `signals do not shorten the back-off of a failing key`() async throws {
    let reconciler = Scripted()
    reconciler.failing.withLock { $0 = ["a"] }
    let policy = ReconcilePolicy(debounce: .zero, resync: .seconds(7200), firstBackoff: .seconds(3600))
    try await run(reconciler, policy: policy) { wakeup in
      for pass in 1...5 {
        try await eventually("pass \(pass) of b") { reconciler.count("b") >= pass }
        wakeup.signal()
      }
      #expect(reconciler.count("a") == 1)
    }
  }
}
