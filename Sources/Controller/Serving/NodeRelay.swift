package import Collector
package import HTTPTransport
import ServiceLifecycle

/// The pages of nodes that are handed on to Prometheus: fetched when they are asked for, by every replica, whoever leads.
package final class NodeRelay: Service {
  let settings: ControllerSettings
  let exporter: ExporterProxy
  let summary: SummaryProxy
  /// What the Node of that name is annotated with; empty where it is not known.
  let annotations: @Sendable (_ node: String) -> [String: String]
  private let exporterFetches: SharedFetches<ExporterScrape>
  private let summaryFetches: SharedFetches<SummaryScrape>

  /// - Parameters:
  ///   - transport: for these pages alone, with as many transfers at once as the settings allow.
  ///   - summary: how kubelets' summaries are read.
  ///   - annotations: of a Node.
  ///   - isOnHostNetwork: whether a pod has no network of its own.
  ///   - names: what the containers of a node are called now.
  package init(
    settings: ControllerSettings, transport: HTTPTransport, summary: SummarySource,
    annotations: @escaping @Sendable (String) -> [String: String],
    isOnHostNetwork: @escaping @Sendable (_ namespace: String, _ pod: String) -> Bool, names: @escaping @Sendable (String) -> ContainerNames
  ) {
    self.settings = settings
    self.annotations = annotations
    let places = CallSlots(settings.maximumProbes)
    exporterFetches = SharedFetches(places: places)
    summaryFetches = SharedFetches(places: places)
    exporter = ExporterProxy(transport: transport, settings: WindowsSettings(settings), fetches: exporterFetches, names: names)
    self.summary = SummaryProxy(source: summary, fetches: summaryFetches, isOnHostNetwork: isOnHostNetwork)
  }

  /// What was asked for and fetched, by where it came from.
  package var statistics: [ControllerSettings.WindowsSource: FetchStatistics] {
    [.exporter: exporterFetches.statistics, .summary: summaryFetches.statistics]
  }

  /// Fetches until the task is cancelled or the service group shuts it down.
  package func run() async {
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        group.addTask { await self.exporterFetches.run() }
        group.addTask { await self.summaryFetches.run() }
      }
    }
  }
}
