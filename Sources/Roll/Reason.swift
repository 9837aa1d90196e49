/// Why a container on the roll was not collected. Metrics, API, status page and documentation use these names.
package enum Reason: String, CaseIterable, Codable, Hashable, Sendable {
  /// The node has no usable address for its agent.
  case noAgent = "NoAgent"
  /// The agent did not accept a connection, or its TLS handshake failed.
  case agentUnreachable = "AgentUnreachable"
  /// The agent accepted the connection but did not respond in time.
  case agentTimeout = "AgentTimeout"
  /// The agent found no process of the container.
  case pidNotFound = "PidNotFound"
  /// The agent found the process but is not permitted to read it.
  case permissionDenied = "PermissionDenied"
  /// windows_exporter did not accept a connection.
  case exporterUnreachable = "ExporterUnreachable"
  /// windows_exporter did not respond in time.
  case exporterTimeout = "ExporterTimeout"
  /// windows_exporter responded but reports that a required collector failed.
  case collectorFailed = "CollectorFailed"
  /// The pod's cAdvisor endpoint did not accept a connection, or its address is not allowed.
  case endpointUnreachable = "EndpointUnreachable"
  /// The pod's cAdvisor endpoint did not respond in time.
  case endpointTimeout = "EndpointTimeout"
  /// The response is not a valid exposition: malformed text, or an HTTP status other than 200.
  case badExposition = "BadExposition"
  /// The response exceeds a limit on bytes, series, labels per series or label length.
  case tooLarge = "TooLarge"
  /// The response is valid but does not contain the container.
  case notInResponse = "NotInResponse"
  /// The response contains the container, but its data is no longer updated.
  case staleData = "StaleData"
  /// Collected but not scraped by Prometheus.
  case notScraped = "NotScraped"
  /// Not collected, and the Node is not ready.
  case nodeNotReady = "NodeNotReady"
  /// The agent at the node's address runs on another node.
  case wrongNode = "WrongNode"
  /// The container restarts, and no call found it running.
  case restarting = "Restarting"
  /// Not found, but the roll may be outdated: a watch of the API server is out of sync. Opens no gap.
  case rollStale = "RollStale"
  /// None of the above; see the detail.
  case unknown = "Unknown"
}

extension Reason {
  /// Whether the miss can mean that the container is gone: not found where the roll says it is.
  package func dependsOnRoll(_ source: Source) -> Bool {
    switch self {
    case .pidNotFound, .notInResponse, .wrongNode, .rollStale: true
    // The pod itself is the endpoint.
    case .endpointUnreachable, .endpointTimeout: source == .virtual
    case .noAgent, .agentUnreachable, .agentTimeout, .permissionDenied, .exporterUnreachable, .exporterTimeout, .collectorFailed,
      .badExposition, .tooLarge, .staleData, .notScraped, .nodeNotReady, .restarting, .unknown:
      false
    }
  }
}

/// Why nothing is due from a container: it cannot or need not be collected. Opens no gap; metrics and status page count it. A container
/// that starts, restarts or terminates is called nevertheless (`RollEntry.notDue`), any other is not.
package enum Exemption: String, CaseIterable, Codable, Hashable, Sendable {
  /// A Windows HostProcess container. The Host Compute Service keeps no statistics for it.
  case hostProcess = "HostProcess"
  /// Waiting for its first start, or terminated for good.
  case notRunning = "NotRunning"
  /// Stopped, and the kubelet will start it again.
  case restarting = "Restarting"
  /// The pod is being deleted.
  case terminating = "Terminating"
  /// The pod is being deleted, and the container still runs after the pod's grace period.
  case terminationOverdue = "TerminationOverdue"
  /// Running for less than the grace period since its first start.
  case starting = "Starting"
  /// A user exempts the pod, its namespace or its node, by the annotation `rollcall.dev/ignore` or by the settings.
  case ignored = "Ignored"
  /// No agent runs on the node by design, for example on Fargate.
  case noAgentExpected = "NoAgentExpected"
  /// The container's processes are hidden from the node, for example by gVisor or Kata Containers.
  case sandboxedRuntime = "SandboxedRuntime"
}
