/// Why a container on the roll was not collected. One closed enumeration, the same in metrics, API, pages and documents.
package enum Reason: String, CaseIterable, Codable, Hashable, Sendable {
  /// No agent is known for the node: it has no usable address.
  case noAgent = "NoAgent"
  /// The agent did not accept a connection, or its TLS handshake failed.
  case agentUnreachable = "AgentUnreachable"
  /// The agent accepted the connection and did not answer in time.
  case agentTimeout = "AgentTimeout"
  /// The agent found no process of the container.
  case pidNotFound = "PidNotFound"
  /// The agent found the process and may not read it.
  case permissionDenied = "PermissionDenied"
  /// The Windows exporter did not accept a connection.
  case exporterUnreachable = "ExporterUnreachable"
  /// The Windows exporter did not answer in time.
  case exporterTimeout = "ExporterTimeout"
  /// The exporter answered, and says that the collector which we need failed.
  case collectorFailed = "CollectorFailed"
  /// The pod's cAdvisor endpoint did not accept a connection, or is at an address that we refuse.
  case endpointUnreachable = "EndpointUnreachable"
  /// The pod's cAdvisor endpoint did not answer in time.
  case endpointTimeout = "EndpointTimeout"
  /// The answer is not a page of metrics: malformed text, or an HTTP status other than 200.
  case badExposition = "BadExposition"
  /// The answer is larger than a limit: bytes, series, labels of a series, or length of a label.
  case tooLarge = "TooLarge"
  /// The answer is sound and does not have the container in it.
  case notInResponse = "NotInResponse"
  /// The answer has the container, with data that stopped moving.
  case staleData = "StaleData"
  /// Collected, and not fetched by Prometheus.
  case notScraped = "NotScraped"
  /// Not collected while the API server says that the node is not ready.
  case nodeNotReady = "NodeNotReady"
  /// None of the above; the detail beside it says what happened.
  case unknown = "Unknown"
}

/// Why a container is not called: it cannot or need not be collected. Never a gap, always visible.
package enum Exemption: String, CaseIterable, Codable, Hashable, Sendable {
  /// A Windows HostProcess container, for which the host compute service keeps no statistics.
  case hostProcess = "HostProcess"
  /// Waiting or terminated.
  case notRunning = "NotRunning"
  /// Running for less than the grace period.
  case starting = "Starting"
  /// The pod carries the annotation `rollcall.dev/ignore`.
  case ignored = "Ignored"
}
