internal import AsyncPrimitives
internal import JSON
import KubeClient
import Logging
import Roll
internal import Synchronization

/// Watches the objects of all sources, to find changes by others. Our own writes are recognised by the version that they returned.
final class TargetWatches: Sendable {
  /// The objects of one kind that were reported since a source was last asked for.
  private struct Report {
    var names: Set<String> = []
    /// Whether any object may have changed.
    var isOfAll = false
  }

  private let watches: [ObjectWatch]
  /// By kind.
  private let reports = Mutex<[Source: [String: Report]]>([:])
  /// Fulfilled once the API server lists ServiceMonitors.
  private let monitorsExist = Promise<Void>()

  init(client: KubeClient, namespace: String, logger: Logger) {
    watches = [APIResource.services, .endpointSlices, .serviceMonitors].map {
      ObjectWatch($0, namespace: namespace, labels: ObjectNames.allSources, client: client, logger: logger)
    }
  }

  /// Runs until the task is cancelled.
  func run(didChange: @escaping @Sendable () -> Void) async {
    await withTaskGroup { group in
      for watch in watches {
        group.addTask { [self] in
          if watch.resource == .serviceMonitors, await monitorsExist.valueUnlessCancelled() == nil { return }
          await watch.run { names in
            report(names, kind: watch.resource.kind)
            didChange()
          }
        }
      }
    }
  }

  private func report(_ names: Set<String>?, kind: String) {
    reports.withLock { reports in
      for source in Source.allCases {
        reports[source, default: [:]][kind, default: Report()].names.formUnion(names ?? [])
        if names == nil { reports[source]?[kind]?.isOfAll = true }
      }
    }
  }

  /// The API server lists ServiceMonitors: they are watched from now on.
  func serviceMonitorsExist() { monitorsExist.fulfill(()) }

  /// Whether an object that was reported since the last call differs from the known one: changed, deleted or created by others.
  func haveChanged(_ source: Source, since known: [ObjectName: KnownObject]) -> Bool {
    let reports = self.reports.withLock { $0.removeValue(forKey: source) } ?? [:]
    return watches.contains { watch in
      let kind = watch.resource.kind
      guard let report = reports[kind] else { return false }
      var names = report.names
      if report.isOfAll {
        names.formUnion(known.keys.lazy.filter { $0.kind == kind }.map(\.name))
        names.formUnion(watch.objects.lazy.filter { $0.source == source }.map(\.key.name))
      }
      return names.contains { name in
        let watched = watch.object(name).flatMap { $0.source == source ? $0.resourceVersion : nil }
        return watched != known[ObjectName(kind: kind, name: name)]?.version?.string
      }
    }
  }
}
