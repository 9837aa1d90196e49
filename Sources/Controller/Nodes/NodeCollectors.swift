package import Collector
package import HTTPTransport
package import Logging
package import Roll

/// Which collector calls the nodes of a source. Each serves any number of nodes at once.
package struct NodeCollectors: Sendable {
  package var collector: @Sendable (Source) -> any NodeCollector
  /// A node is gone: what is remembered of it can be let go.
  package var forget: @Sendable (String) -> Void

  package init(collector: @escaping @Sendable (Source) -> any NodeCollector, forget: @escaping @Sendable (String) -> Void = { _ in }) {
    self.collector = collector
    self.forget = forget
  }

  /// The real ones.
  /// - Parameters:
  ///   - virtual: whose pages are served, too.
  ///   - exporters: told how each call of a windows_exporter went.
  ///   - summary: how kubelets' summaries are read.
  ///   - annotations: of a Node.
  ///   - logger: for pods of virtual nodes that fail or recover.
  ///   - tls: our side of the mutual TLS with agents; `nil` while the certificates are not there yet.
  ///   - keepsConnections: whether connections to agents are kept between calls, now.
  ///   - sockets: told of the sockets of a Linux node's pods; without it agents are not asked for them.
  package init(
    settings: ControllerSettings, transport: HTTPTransport, virtual: VirtualCollector, exporters: ExporterStatusStore,
    summary: SummarySource,
    annotations: @escaping @Sendable (_ node: String) -> [String: String], logger: Logger, tls: @escaping @Sendable () -> TLSOptions?,
    keepsConnections: @escaping @Sendable () -> Bool = { true },
    sockets: (@Sendable (_ pods: [PodSockets], _ node: String) -> Void)? = nil
  ) {
    let connectTimeout = min(settings.deadline, .seconds(3))

    var agentSettings = AgentSettings()
    agentSettings.port = settings.agentRollPort
    agentSettings.deadline = settings.deadline
    agentSettings.connectTimeout = connectTimeout
    let agent = AgentCollector(
      transport: transport, settings: agentSettings, tls: tls, keepsConnections: keepsConnections, sockets: sockets)

    let exporter = WindowsCollector(transport: transport, settings: WindowsSettings(settings), statuses: exporters) { node in
      WindowsNode(settings: settings, annotations: annotations(node)).endpoint
    }
    let windows = WindowsNodeCollector(exporter: exporter, summary: SummaryCollector(source: summary), exporters: exporters) { node in
      WindowsNode(settings: settings, annotations: annotations(node)).source
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
