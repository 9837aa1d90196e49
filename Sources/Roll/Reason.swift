/// Why a container on the roll was not collected, or is not scraped. Metrics, API, status page and documentation use these names.
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

  // Why a container that asks to be scraped is not: the links from the request to the samples, in order.

  /// A declared port has the name of a metrics port, and nothing selects the pod.
  case noMonitor = "NoMonitor"
  /// The port that the monitor names does not exist.
  case portNotFound = "PortNotFound"
  /// The Service does not have the pod as an endpoint, in the role in which the monitor looks.
  case noEndpoint = "NoEndpoint"
  /// No Prometheus object selects the monitor.
  case monitorNotAdopted = "MonitorNotAdopted"
  /// The Prometheus Operator refuses the monitor.
  case rejected = "Rejected"
  /// No scraper has the scrape pool.
  case notLoaded = "NotLoaded"
  /// A relabel rule drops the target.
  case dropped = "Dropped"
  /// No scraper has the target, and no rule is known to drop it.
  case notDiscovered = "NotDiscovered"
  /// The last scrape failed.
  case scrapeFailing = "ScrapeFailing"
  /// The last scrape is too old.
  case staleScrape = "StaleScrape"
  /// Metric relabelling drops every sample.
  case noSamples = "NoSamples"
}

extension Reason {
  /// The reasons of a container that asks to be scraped and is not, in the order of the chain from the request to the samples.
  package static let ofScrapes = allCases.filter(\.isOfScrapes)

  /// Whether scrapers and the objects that direct them give the reason, and not a call of the roll.
  package var isOfScrapes: Bool {
    switch self {
    case .noMonitor, .portNotFound, .noEndpoint, .monitorNotAdopted, .rejected, .notLoaded, .dropped, .notDiscovered, .scrapeFailing,
      .staleScrape, .noSamples:
      true
    default: false
    }
  }

  /// Whether a monitor is the cause, so that all containers of a workload have the reason in common.
  package var isOfMonitor: Bool {
    switch self {
    case .noMonitor, .portNotFound, .monitorNotAdopted, .rejected, .notLoaded, .noSamples: true
    default: false
    }
  }
}

extension Reason {
  /// Whether the miss can mean that the container is gone: not found where the roll says it is.
  package func dependsOnRoll(_ source: Source) -> Bool {
    switch self {
    case .pidNotFound, .notInResponse, .wrongNode, .rollStale: true
    // The pod itself is the endpoint.
    case .endpointUnreachable, .endpointTimeout: source == .virtual
    case .noAgent, .agentUnreachable, .agentTimeout, .permissionDenied, .exporterUnreachable, .exporterTimeout, .collectorFailed,
      .badExposition, .tooLarge, .staleData, .notScraped, .nodeNotReady, .restarting, .unknown, .noMonitor, .portNotFound, .noEndpoint,
      .monitorNotAdopted, .rejected, .notLoaded, .dropped, .notDiscovered, .scrapeFailing, .staleScrape, .noSamples:
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
  /// A CoveragePolicy exempts the container, and says why.
  case policy = "Policy"
  /// No agent runs on the node by design, for example on Fargate.
  case noAgentExpected = "NoAgentExpected"
  /// The container's processes are hidden from the node, for example by gVisor or Kata Containers.
  case sandboxedRuntime = "SandboxedRuntime"
}
