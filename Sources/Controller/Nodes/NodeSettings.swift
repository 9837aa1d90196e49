package import Collector

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
