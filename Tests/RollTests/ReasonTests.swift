import Testing

@testable import Roll

/// The raw values are an interface: metrics, API, status page and users' alerting rules contain them.
@Suite struct ReasonTests {
  @Test func `the set of reasons is fixed`() {
    let names = [
      "NoAgent", "AgentUnreachable", "AgentTimeout", "PidNotFound", "PermissionDenied", "ExporterUnreachable", "ExporterTimeout",
      "CollectorFailed",
      "EndpointUnreachable", "EndpointTimeout", "BadExposition", "TooLarge", "NotInResponse", "StaleData", "NotScraped", "NodeNotReady",
      "Unknown",
    ]
    #expect(Reason.allCases.map(\.rawValue) == names)
  }

  @Test func `the set of exemptions is fixed`() {
    #expect(Exemption.allCases.map(\.rawValue) == ["HostProcess", "NotRunning", "Starting", "Ignored"])
  }

  @Test func `the set of sources is fixed`() {
    #expect(Source.allCases.map(\.rawValue) == ["linux", "windows", "virtual"])
  }
}
