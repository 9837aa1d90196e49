import Testing

@testable import Roll

/// The words are an interface: metrics, API, pages and other people's alert rules have them.
@Suite("The words of the design")
struct ReasonTests {
  @Test func reasonsAreExactlyThese() {
    let words = [
      "NoAgent", "AgentUnreachable", "AgentTimeout", "PidNotFound", "PermissionDenied", "ExporterUnreachable", "ExporterTimeout",
      "CollectorFailed",
      "EndpointUnreachable", "EndpointTimeout", "BadExposition", "TooLarge", "NotInResponse", "StaleData", "NotScraped", "NodeNotReady",
      "Unknown",
    ]
    #expect(Reason.allCases.map(\.rawValue) == words)
  }

  @Test func exemptionsAreExactlyThese() {
    #expect(Exemption.allCases.map(\.rawValue) == ["HostProcess", "NotRunning", "Starting", "Ignored"])
  }

  @Test func sourcesAreExactlyThese() {
    #expect(Source.allCases.map(\.rawValue) == ["linux", "windows", "virtual"])
  }
}
