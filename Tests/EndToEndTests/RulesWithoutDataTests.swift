import HTTPTransport
import JSON
import KubeClient
import Logging
import TestSupport
import Testing

@testable import Controller

/// Rules whose metrics a real Prometheus has, or has not.
@Suite(.timeLimit(.minutes(3)), .enabled(if: findProgram("prometheus") != nil, "prometheus is not installed"))
struct RulesWithoutDataTests {
  @Test func `R120: rules on metrics that a real Prometheus does not have are found`() async throws {
    let transport = try HTTPTransport()
    // Without anything at the target there are at least the metrics of the scrape itself.
    let configuration = """
      global: {scrape_interval: 1s}
      scrape_configs: [{job_name: away, static_configs: [{targets: ["\(OwnAddress())"]}]}]
      """
    let prometheus = try await Prometheus(configuration: configuration, folder: try TemporaryFolder(), transport: transport)
    defer { prometheus.program.stop() }
    let client = ScraperClient(url: prometheus.url, transport: transport)
    let rules = [
      "Up": "up == 0", "Slow": "sum by (job) (avg_over_time(scrape_duration_seconds[5m])) > 100",
      "Gone": "rate(no_such_metric_total[5m]) > 0 or up == 0", "Meant": "absent(no_such_metric)",
    ]
    let object: JSONValue = [
      "metadata": ["namespace": "shop", "name": "web"],
      "spec": [
        "groups": [
          ["name": "one", "rules": .array(rules.map { ["alert": .string($0.key), "expr": .string($0.value)] })]
        ]
      ],
    ]
    let check = RuleDataCheck(
      list: { () throws(KubeError) in [object] }, scrapers: { RuleScrapers(clients: [client], unreached: []) }, time: SystemTime(),
      logger: Logger(label: "rules") { _ in SwiftLogNoOpLogHandler() })
    var names: [String: Set<String>] = [:]
    try await eventually("only the rule without data is listed") {
      await check.check(&names)
      return check.status.rules.map(\.rule.name) == ["Gone"]
    }
    #expect(check.status.rules.first?.metrics == ["no_such_metric_total"])
    #expect(check.status.checked == 4 && check.status.problem == nil)
  }
}
