internal import AsyncPrimitives
internal import Collector
internal import KubeClient
internal import Logging
internal import Primitives
internal import Roll

/// Reconciles the published targets when rolls change, and when others change or delete the objects (R84).
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
      group.addTask { await reconciler.watch { wakeup.signal() } }
      group.addTask {
        await rolls.withSubscription { subscription in
          while await subscription.next() != nil { wakeup.signal() }
        }
      }
    }
  }
}

/// The current targets, from the rolls, the status of exporters and the leaders' addresses.
struct CurrentTargets: Sendable {
  let rolls: RollStore
  let exporters: ExporterStatusStore
  /// Port, path and scheme by source. A source without an entry has no targets.
  let endpoints: [Source: ScrapeEndpoint]
  var shard = NodeShard.all
  /// For each shard, the IP address of the replica that serves the metrics of its virtual nodes; `nil` while it is unknown.
  let virtualAddresses: @Sendable () -> [String?]

  /// The targets of every source and shard; `nil` until the rolls are complete (R36).
  func snapshot() -> [Target]? {
    let rolls = rolls.snapshot()
    guard rolls.isComplete else { return nil }
    let exporters = exporters.snapshot()
    let builder = TargetBuilder(endpoints: endpoints, virtualAddresses: virtualAddresses(), shard: shard)
    return builder.targets(of: rolls.inOrder + rolls.foreign.values).map { target in
      guard target.source == .windows, exporters[target.node]?.failure == .exporterUnreachable else { return target }
      var target = target
      target.ready = false
      return target
    }
  }
}
