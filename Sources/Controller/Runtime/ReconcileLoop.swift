package import Logging

/// When a loop looks again.
package struct ReconcilePolicy: Hashable, Sendable {
  /// How long changes are gathered before they are looked at: the pods of a node that is drained go one by one within seconds.
  package var debounce: Duration
  /// A full pass without any signal, for what others changed behind our back.
  package var resync: Duration
  /// The first wait after a failure; it doubles with each up to `resync`.
  package var firstBackoff: Duration

  package init(debounce: Duration = .seconds(1), resync: Duration = .seconds(300), firstBackoff: Duration = .seconds(1)) {
    self.debounce = debounce
    self.resync = resync
    self.firstBackoff = firstBackoff
  }
}

/// Runs a reconciler over its keys: all of them at the start, at every signal, and now and then; a key that failed after a back-off of
/// its own.
package struct ReconcileLoop<R: Reconciler, C: Clock<Duration>>: Sendable {
  private let reconciler: R
  private let keys: [R.Key]
  private let wakeup: Wakeup
  private let policy: ReconcilePolicy
  private let clock: C
  private let logger: Logger

  /// - Parameter wakeup: to be signalled whenever what the reconciler looks at may have changed.
  package init(
    _ reconciler: R, keys: [R.Key], wakeup: Wakeup, policy: ReconcilePolicy = ReconcilePolicy(), clock: C = ContinuousClock(),
    logger: Logger
  ) {
    self.reconciler = reconciler
    self.keys = keys
    self.wakeup = wakeup
    self.policy = policy
    self.clock = clock
    self.logger = logger
  }

  private struct KeyStatus {
    var due: C.Instant
    var failures = 0
    var problem: String?
  }

  /// Works until the task is cancelled. To be run by the leader alone.
  package func run() async {
    reconciler.begin()
    var statuses: [R.Key: KeyStatus] = [:]
    for key in keys { statuses[key] = KeyStatus(due: clock.now) }

    while !Task.isCancelled {
      for key in keys {
        guard var status = statuses[key], status.due <= clock.now, !Task.isCancelled else { continue }
        await reconcile(key, &status)
        statuses[key] = status
      }
      let next = statuses.values.map(\.due).min() ?? clock.now.advanced(by: policy.resync)
      guard await wakeup.wait(atMost: max(clock.now.duration(to: next), .zero), clock: clock) else { continue }
      // Cancellation ends the sleep; the loop's condition sees it.
      try? await clock.sleep(for: policy.debounce)
      // A key that fails keeps to its back-off, whatever changes meanwhile.
      for key in keys where statuses[key]?.failures == 0 { statuses[key]?.due = clock.now }
    }
  }

  private func reconcile(_ key: R.Key, _ status: inout KeyStatus) async {
    do {
      let outcome = try await reconciler.reconcile(key)
      status.failures = 0
      switch outcome {
      case .settled: status.due = clock.now.advanced(by: policy.resync)
      case .again(let delay): status.due = clock.now.advanced(by: min(delay, policy.resync))
      }
      if status.problem != nil {
        logger.info("reconciled again", metadata: ["key": "\(key)"])
        status.problem = nil
      }
    } catch {
      guard !Task.isCancelled else { return }
      status.failures += 1
      let backoff = min(policy.firstBackoff * (1 << min(status.failures - 1, 16)), policy.resync)
      status.due = clock.now.advanced(by: backoff)
      let problem = "\(error)"
      if problem != status.problem {
        logger.warning("cannot reconcile; trying again with a back-off", metadata: ["key": "\(key)", "error": "\(problem)"])
        status.problem = problem
      }
    }
  }
}

/// Brings the world to the state that it should have, one key at a time. It takes a key and never an event: what happened is read
/// from the world, so a missed or a doubled signal does no harm.
package protocol Reconciler: Sendable {
  associatedtype Key: Hashable & Sendable

  /// Called when a loop begins to work with it: what was known of the world from an earlier time no longer holds.
  func begin()

  /// - Throws: whatever kept the state from being reached; the loop then tries the key again after a back-off.
  func reconcile(_ key: Key) async throws -> ReconcileOutcome
}

/// How a reconciliation that did not fail ended.
package enum ReconcileOutcome: Hashable, Sendable {
  /// Nothing to do until something changes, or the next full pass.
  case settled
  /// Done as far as can be; look again after so long.
  case again(after: Duration)
}
