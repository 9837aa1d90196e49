import Testing

@testable import Roll

/// The raw values are an interface: metrics, API, status page and users' alerting rules contain them.
@Suite("Raw values")
struct ReasonTests {
  @Test func reasonsAreExactlyThese() {
    let names = [
      "NoAgent", "AgentUnreachable", "AgentTimeout", "PidNotFound", "PermissionDenied", "ExporterUnreachable", "ExporterTimeout",
      "CollectorFailed",
      "EndpointUnreachable", "EndpointTimeout", "BadExposition", "TooLarge", "NotInResponse", "StaleData", "NotScraped", "NodeNotReady",
      "Unknown",
    ]
    #expect(Reason.allCases.map(\.rawValue) == names)
  }

  @Test func exemptionsAreExactlyThese() {
    #expect(Exemption.allCases.map(\.rawValue) == ["HostProcess", "NotRunning", "Starting", "Ignored"])
  }

  @Test func sourcesAreExactlyThese() {
    #expect(Source.allCases.map(\.rawValue) == ["linux", "windows", "virtual"])
  }
}
