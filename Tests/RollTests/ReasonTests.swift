import Testing

@testable import Roll

/// The raw values are an interface: metrics, API, status page and users' alerting rules contain them.
struct ReasonTests {
  @Test func `the reasons have fixed names`() {
    let names = [
      "NoAgent", "AgentUnreachable", "AgentTimeout", "PidNotFound", "PermissionDenied", "ExporterUnreachable", "ExporterTimeout",
      "CollectorFailed",
      "EndpointUnreachable", "EndpointTimeout", "BadExposition", "TooLarge", "NotInResponse", "StaleData", "NotScraped", "NodeNotReady",
      "WrongNode", "Restarting", "RollStale", "Unknown", "NoMonitor", "PortNotFound", "NoEndpoint", "MonitorNotAdopted", "Rejected",
      "NotLoaded", "Dropped", "NotDiscovered", "ScrapeFailing", "StaleScrape", "NoSamples",
    ]
    #expect(Reason.allCases.map(\.rawValue) == names)
  }

  @Test func `the exemptions have fixed names`() {
    let names = [
      "HostProcess", "NotRunning", "Restarting", "Terminating", "TerminationOverdue", "Starting", "Ignored", "Policy",
      "NoAgentExpected", "SandboxedRuntime",
    ]
    #expect(Exemption.allCases.map(\.rawValue) == names)
  }

  @Test func `the sources have fixed names`() {
    #expect(Source.allCases.map(\.rawValue) == ["linux", "windows", "virtual"])
  }
}
