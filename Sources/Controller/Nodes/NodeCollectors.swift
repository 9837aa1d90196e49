package import Collector
internal import HTTPTransport
internal import Logging
package import Roll

/// Which collector calls the nodes of a source. Each collector serves any number of nodes at once.
package struct NodeCollectors: Sendable {
  package var collector: @Sendable (Source) -> any NodeCollector
  /// Called when a node is gone, to free what is remembered about it.
  package var forget: @Sendable (String) -> Void

  package init(collector: @escaping @Sendable (Source) -> any NodeCollector, forget: @escaping @Sendable (String) -> Void = { _ in }) {
    self.collector = collector
    self.forget = forget
  }

  /// The real collectors.
  /// - Parameters:
  ///   - nodeCount: how many nodes there are now; with few, connections to agents are kept between calls.
  ///   - virtual: also the source of the metrics that are served for virtual nodes.
  ///   - exporters: records the outcome of each call of a windows_exporter.
  ///   - annotations: of a Node.
  ///   - logger: for pods of virtual nodes that fail or recover.
  ///   - tls: our side of the mutual TLS with agents; `nil` until there are certificates.
  ///   - sockets: receives the sockets of a Linux node's pods; without it agents are not asked for them.
  init(
    settings: NodeSettings, transport: NodeTransport, nodeCount: @escaping @Sendable () -> Int, virtual: VirtualCollector,
    exporters: ExporterStatusStore, summary: SummarySource, annotations: @escaping @Sendable (_ node: String) -> [String: String],
    logger: Logger, tls: @escaping @Sendable () -> TLSOptions?, sockets: (@Sendable (_ pods: [PodSockets], _ node: String) -> Void)?
  ) {
    let agent = AgentCollector(
      transport: transport.http, settings: settings.agent, tls: tls,
      keepsConnections: { nodeCount() <= transport.keptConnections }, sockets: sockets)

    let configured = WindowsNode(endpoint: settings.windows.endpoint, source: settings.windowsSource)
    let windows = WindowsNodeCollector(
      exporter: WindowsCollector(transport: transport.http, settings: settings.windows, statuses: exporters) { node in
        WindowsNode(annotations(node), configured: configured).endpoint
      },
      summary: SummaryCollector(source: summary), exporters: exporters
    ) { node in
      WindowsNode(annotations(node), configured: configured).source
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

/// How nodes are called.
package struct NodeSettings: Hashable, Sendable {
  package var interval: Duration
  package var maximumCalls: Int
  /// Up to how many nodes the connections to agents are kept between calls.
  package var keptConnections: Int
  package var agent: AgentCollectorSettings
  package var windows: WindowsSettings
  package var windowsSource: WindowsSource
  package var summary: SummarySettings
  package var virtual: VirtualSettings

  package init(
    interval: Duration, maximumCalls: Int, keptConnections: Int, agent: AgentCollectorSettings, windows: WindowsSettings,
    windowsSource: WindowsSource, summary: SummarySettings, virtual: VirtualSettings
  ) {
    self.interval = interval
    self.maximumCalls = maximumCalls
    self.keptConnections = keptConnections
    self.agent = agent
    self.windows = windows
    self.windowsSource = windowsSource
    self.summary = summary
    self.virtual = virtual
  }
}
