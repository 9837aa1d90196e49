internal import KubeClient
internal import Logging
internal import Roll

/// Publishes the targets whenever rolls change.
struct TargetPublication: Sendable {
  let reconciler: TargetReconciler
  let rolls: RollStore
  let time: any TimeSource
  let logger: Logger

  /// Runs until the task is cancelled.
  func run() async {
    let wakeup = Wakeup()
    let loop = ReconcileLoop(reconciler, keys: Source.allCases, wakeup: wakeup, time: time, logger: logger)
    await withTaskGroup { group in
      group.addTask { await loop.run() }
      group.addTask {
        await rolls.withSubscription { subscription in
          while await subscription.next() != nil { wakeup.signal() }
        }
      }
    }
  }
}
