internal import AsyncPrimitives
package import Collector
internal import HTTPTransport
internal import ServiceLifecycle

/// How /probe relays an exporter's metrics.
package enum ExporterRelayMode: String, CaseIterable, Sendable {
  /// Adds the node and the names of containers.
  case relabel
  case passThrough = "pass-through"
}

/// Settings of the relay.
package struct RelaySettings: Hashable, Sendable {
  /// Concurrent scrapes; further ones wait.
  package var maximumProbes: Int
  package var windows: WindowsSettings
  package var windowsSource: WindowsSource
  package var mode: ExporterRelayMode
  package var annotations: AnnotationLimits
  /// Whether `/probe` serves the summary of Linux nodes.
  package var probesLinux: Bool

  package init(
    maximumProbes: Int, windows: WindowsSettings, windowsSource: WindowsSource, mode: ExporterRelayMode,
    annotations: AnnotationLimits = AnnotationLimits(), probesLinux: Bool = false
  ) {
    self.maximumProbes = maximumProbes
    self.windows = windows
    self.windowsSource = windowsSource
    self.mode = mode
    self.annotations = annotations
    self.probesLinux = probesLinux
  }
}

/// Relays the metrics of nodes to Prometheus. Every replica does so, leader or not, and fetches on request.
package final class NodeRelay: Service {
  let mode: ExporterRelayMode
  let exporter: ExporterProxy
  let summary: SummaryProxy
  let probesLinux: Bool
  private let configured: WindowsNode
  private let limits: AnnotationLimits
  private let annotations: @Sendable (_ node: String) -> [String: String]
  private let exporterFetches: SharedFetches<ExporterScrapeRequest>
  private let summaryFetches: SharedFetches<SummaryScrapeRequest>

  /// - Parameters:
  ///   - transport: allows `maximumProbes` concurrent transfers, and is not shared with node tasks.
  ///   - annotations: the annotations of a Node; empty for an unknown Node.
  ///   - isOnHostNetwork: whether a pod uses the host's network.
  ///   - names: the current names of a node's containers.
  init(
    settings: RelaySettings, transport: HTTPTransport, summary: SummarySource,
    annotations: @escaping @Sendable (String) -> [String: String],
    isOnHostNetwork: @escaping @Sendable (_ namespace: String, _ pod: String) -> Bool, names: @escaping @Sendable (String) -> ContainerNames
  ) {
    mode = settings.mode
    probesLinux = settings.probesLinux
    limits = settings.annotations
    configured = WindowsNode(endpoint: settings.windows.endpoint, source: settings.windowsSource)
    self.annotations = annotations
    let slots = AsyncSemaphore(settings.maximumProbes)
    exporterFetches = SharedFetches(slots: slots)
    summaryFetches = SharedFetches(slots: slots)
    exporter = ExporterProxy(transport: transport, settings: settings.windows, fetches: exporterFetches, names: names)
    self.summary = SummaryProxy(source: summary, fetches: summaryFetches, isOnHostNetwork: isOnHostNetwork)
  }

  /// How a Windows node is read.
  func windowsNode(_ name: String) -> WindowsNode {
    WindowsNode(annotations(name), configured: configured, limits: limits)
  }

  /// Requests and fetches, by the source of the metrics.
  var statistics: [WindowsSource: FetchStatistics] {
    [.exporter: exporterFetches.statistics, .summary: summaryFetches.statistics]
  }

  /// Fetches until the task is cancelled or the service group shuts down.
  package func run() async {
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        group.addTask { await self.exporterFetches.run() }
        group.addTask { await self.summaryFetches.run() }
      }
    }
  }
}
