package import Collector
internal import HTTPTransport
internal import Logging
package import Roll

/// The collector for each source. A collector calls any number of nodes concurrently.
package struct NodeCollectors: Sendable {
  package var collector: @Sendable (Source) -> any NodeCollector
  /// Called when a node is deleted. Frees the state that collectors keep for it.
  package var forget: @Sendable (String) -> Void

  package init(collector: @escaping @Sendable (Source) -> any NodeCollector, forget: @escaping @Sendable (String) -> Void = { _ in }) {
    self.collector = collector
    self.forget = forget
  }

  /// The collectors used in production.
  /// - Parameters:
  ///   - nodeCount: returns the current number of nodes. Connections to agents are kept between calls up to `transport.keptConnections`.
  ///   - virtual: also caches the metrics served for virtual nodes.
  ///   - exporters: records the result of each call to a windows_exporter.
  ///   - annotations: returns a Node's annotations.
  ///   - logger: receives pods of virtual nodes that fail or recover.
  ///   - tls: the client side of mutual TLS with agents; `nil` until certificates exist.
  ///   - sockets: receives the socket counts of a Linux node's pods. If `nil`, agents do not report them.
  init(
    settings: NodeSettings, transport: NodeTransport, nodeCount: @escaping @Sendable () -> Int, virtual: VirtualCollector,
    exporters: ExporterStatusStore, summary: SummarySource, annotations: @escaping @Sendable (_ node: String) -> [String: String],
    logger: Logger, tls: @escaping @Sendable () -> TLSOptions?, sockets: (@Sendable (_ pods: [PodSockets], _ node: String) -> Void)?
  ) {
    let agent = AgentCollector(
      transport: transport.http, settings: settings.agent, tls: tls,
      keepsConnections: { nodeCount() <= transport.keptConnections }, sockets: sockets)

    let configured = WindowsNode(endpoint: settings.windows.endpoint, source: settings.windowsSource)
    let limits = settings.annotations
    let windows = WindowsNodeCollector(
      exporter: WindowsCollector(transport: transport.http, settings: settings.windows, statuses: exporters) { node in
        WindowsNode(annotations(node), configured: configured, limits: limits).endpoint
      },
      summary: SummaryCollector(source: summary), exporters: exporters
    ) { node in
      WindowsNode(annotations(node), configured: configured, limits: limits).source
    }

    let virtual = VirtualNodeCollector(virtual, logger: logger)

    self.init { source in
      switch source {
      case .linux: agent
      case .windows: windows
      case .virtual: virtual
      }
    } forget: { node in
      agent.forget(node: node)
      virtual.forget(node: node)
      exporters.forget(node: node)
    }
  }
}

/// Settings for calling nodes.
package struct NodeSettings: Hashable, Sendable {
  package var interval: Duration
  package var maximumCalls: Int
  /// Connections to agents are kept between calls up to this number of nodes.
  package var keptConnections: Int
  package var agent: AgentCollectorSettings
  package var windows: WindowsSettings
  package var windowsSource: WindowsSource
  package var annotations: AnnotationLimits
  package var summary: SummarySettings
  package var virtual: VirtualSettings

  package init(
    interval: Duration, maximumCalls: Int, keptConnections: Int, agent: AgentCollectorSettings, windows: WindowsSettings,
    windowsSource: WindowsSource, annotations: AnnotationLimits = AnnotationLimits(), summary: SummarySettings, virtual: VirtualSettings
  ) {
    self.interval = interval
    self.maximumCalls = maximumCalls
    self.keptConnections = keptConnections
    self.agent = agent
    self.windows = windows
    self.windowsSource = windowsSource
    self.annotations = annotations
    self.summary = summary
    self.virtual = virtual
  }
}
