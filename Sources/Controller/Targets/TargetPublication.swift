import KubeClient
import Logging
import Roll

/// Publishes the targets whenever rolls change.
struct TargetPublication: Sendable {
  private let reconciler: TargetReconciler
  private let rolls: RollStore
  private let logger: Logger

  init(settings: ControllerSettings, cluster: Cluster, view: ControllerView, logger: Logger, isLeading: @escaping @Sendable () -> Bool) {
    reconciler = TargetReconciler(
      client: cluster.client,
      settings: TargetSettings(
        namespace: cluster.namespace, allowsLoopback: settings.allowsLoopbackTargets,
        serviceMonitors: settings.serviceMonitors, extraLabels: settings.serviceMonitorLabels,
        scrapeInterval: settings.interval, bodyLimit: settings.serviceMonitorBodyLimit, sampleLimit: settings.serviceMonitorSampleLimit,
        endpoints: settings.endpoints,
        probeAddress: settings.probeAddress(namespace: cluster.namespace), agentTLSSecret: settings.agentMetricsTLSSecret),
      logger: logger, isLeading: isLeading, snapshot: { view.targets() })
    rolls = view.rolls
    self.logger = logger
  }

  var reports: [Source: TargetStatus] {
    Dictionary(uniqueKeysWithValues: Source.allCases.map { ($0, reconciler.report(of: $0)) })
  }

  /// Runs until the task is cancelled.
  func run() async {
    let wakeup = Wakeup()
    let loop = ReconcileLoop(reconciler, keys: Source.allCases, wakeup: wakeup, logger: logger)
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
