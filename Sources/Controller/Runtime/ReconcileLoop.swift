package import AsyncPrimitives
package import Logging
internal import Primitives
import Roll

/// Intervals of a reconcile loop.
package struct ReconcilePolicy: Hashable, Sendable {
  /// How long to gather changes after the first: the pods of a drained node disappear one by one within seconds.
  package var debounce: Duration
  /// How often every key is reconciled without a signal, to undo changes made by others.
  package var resync: Duration
  /// The delay after the first failure; it doubles with each further one, up to `resync`.
  package var firstBackoff: Duration

  package init(debounce: Duration = .seconds(1), resync: Duration = .seconds(300), firstBackoff: Duration = .seconds(1)) {
    self.debounce = debounce
    self.resync = resync
    self.firstBackoff = firstBackoff
  }
}

/// Reconciles every key at the start, on each signal and on resync. A failed key is retried with a back-off of its own.
package struct ReconcileLoop<R: Reconciler>: Sendable {
  private let reconciler: R
  private let keys: [R.Key]
  private let wakeup: Wakeup
  private let policy: ReconcilePolicy
  private let time: any TimeSource
  private let logger: Logger

  /// - Parameter wakeup: signalled when the reconciler's input may have changed.
  package init(
    _ reconciler: R, keys: [R.Key], wakeup: Wakeup, policy: ReconcilePolicy = ReconcilePolicy(), time: any TimeSource, logger: Logger
  ) {
    self.reconciler = reconciler
    self.keys = keys
    self.wakeup = wakeup
    self.policy = policy
    self.time = time
    self.logger = logger
  }

  private struct KeyStatus {
    var due: Moment
    var backoff: Backoff
    /// The problem that was logged last, if it goes on.
    var problem: String?
  }

  /// Runs until the task is cancelled. Runs on the leader only.
  package func run() async {
    defer { reconciler.end() }
    var statuses: [R.Key: KeyStatus] = [:]
    let backoff = Backoff(min(policy.firstBackoff, policy.resync)...policy.resync)
    for key in keys { statuses[key] = KeyStatus(due: time.now, backoff: backoff) }

    while !Task.isCancelled {
      for key in keys {
        guard var status = statuses[key], status.due <= time.now, !Task.isCancelled else { continue }
        await reconcile(key, &status)
        statuses[key] = status
      }
      let next = statuses.values.map(\.due).min() ?? time.now + policy.resync
      guard await wakeup.wait(until: next, time: time) else { continue }
      await time.pause(for: policy.debounce)
      // A failed key keeps its back-off even if something changes.
      for key in keys where statuses[key]?.backoff.failures == 0 { statuses[key]?.due = time.now }
    }
  }

  private func reconcile(_ key: R.Key, _ status: inout KeyStatus) async {
    do {
      let outcome = try await reconciler.reconcile(key)
      status.backoff.succeeded()
      switch outcome {
      case .settled: status.due = time.now + policy.resync
      case .again(let delay): status.due = time.now + min(delay, policy.resync)
      }
      if status.problem != nil {
        logger.info("reconciled after failure", metadata: ["object": "\(key)"])
        status.problem = nil
      }
    } catch {
      guard !Task.isCancelled else { return }
      status.due = time.now + status.backoff.failed()
      let problem = "\(error)"
      if problem != status.problem {
        logger.warning("cannot reconcile; retrying with back-off", metadata: ["object": "\(key)", "error": "\(problem)"])
        status.problem = problem
      }
    }
  }
}

/// Brings objects to their desired state, one key at a time. It is level-triggered: it gets a key instead of an event and reads the actual
/// state itself, so that a missed or repeated signal does no harm.
package protocol Reconciler: Sendable {
  associatedtype Key: Hashable & Sendable

  /// Called when a loop ends. Discards cached state, and everything that only a leader knows.
  func end()

  /// - Throws: if the desired state was not reached. The loop retries the key with back-off.
  func reconcile(_ key: Key) async throws -> ReconcileOutcome
}

/// The result of a successful reconciliation.
package enum ReconcileOutcome: Hashable, Sendable {
  /// Nothing to do until a change or the next resync.
  case settled
  /// Reconcile again after this time.
  case again(after: Duration)
}
