/// How agents are called.
package struct AgentSettings: Hashable, Sendable {
  /// The agent's port for the roll, behind mutual TLS.
  package var port = 9754
  /// The name in the agent's certificate; nodes have too many addresses to put them there.
  package var serverName = "rollcall-agent"
  /// For one call from connecting to the last byte.
  package var deadline: Duration = .seconds(10)
  package var connectTimeout: Duration = .seconds(3)
  /// A report has about 30 bytes a container, more where it says why one was missed.
  package var maximumReportBytes = 4 << 20

  package init() {}
}
