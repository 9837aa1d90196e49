import JSON
import KubeClient
import Roll
import Testing

@testable import Controller

@Suite struct PolicyTrialTests {
  private let nodes = [nodeRecord("w1"), nodeRecord("w2", address: "10.0.0.2")]
  private let pods = [
    podRecord("web-0", on: "w1", [containerRecord("app"), containerRecord("side")]), podRecord("web-1", on: "w2", [containerRecord("app")]),
    podRecord("new-0", on: "w2", [containerRecord("app", .running(startedAtUnixMilliseconds: 990_000))]),
  ]
  private let settings = RollSettings(grace: .seconds(60), virtualNodes: [])
  private let now = ClockReading(moment: moment(1000), unixMilliseconds: 1_000_000)

  /// What a change of policies changes, where `web-0/app` has a gap since 400 s.
  private func changes(from old: [CoveragePolicy] = [], to new: [CoveragePolicy], limit: Int = 10) async throws -> PolicyChanges {
    var builder = RollBuilder(settings: settings)
    _ = builder.update(
      nodes: Records(nodes), nodeChange: .all, pods: Records(pods), podChange: .all, policies: PolicySet(old), at: now)
    var ledger = Ledger(threshold: .seconds(300))
    for roll in builder.rolls.values { _ = ledger.update(roll, at: moment(600)) }
    for roll in builder.rolls.values {
      let answers = roll.entries.map { entry -> Answer in
        entry.reference == containerReference("app", pod: "web-0") ? .missed(.pidNotFound, detail: "") : .collected(age: .zero)
      }
      _ = ledger.record(RollCall(answers: answers, lastScrape: .notObservable), of: roll, at: moment(999))
    }
    _ = ledger.evaluate(at: moment(1000))
    let before = builder.rolls
    let trial = PolicyTrial(
      nodes: Records(nodes), pods: Records(pods), rolls: before, rules: ExemptionRules(), settings: settings, ledger: ledger)
    return try await trial.changes(
      from: PolicySet(old), to: PolicySet(new), tried: Set(new.map(\.name)).subtracting(old.map(\.name)), limit: limit, at: now)
  }

  private func counts(_ changes: PolicyChanges) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: changes.kinds.filter { $0.kind.count > 0 }.map { ($0.name, $0.kind.count) })
  }

  @Test func `R129: a trial tells what would be exempt, and which gaps would close`() async throws {
    let found = try await changes(to: [try policy("p", ["workloads": [["name": "web-0"]]], exempt)])
    #expect(counts(found) == ["newlyExempt": 2, "gapsClosed": 1] && !found.leavesNothing)
    #expect(found.newlyExempt.examples.map(\.container.container) == ["app", "side"] && found.newlyExempt.examples[0].text == "Policy")
    #expect(found.selected.mapValues(\.containers) == ["p": 2])
    #expect(found.gapsClosed.examples.first?.text == "uncollected: PidNotFound")
  }

  @Test func `R129: a trial tells what would no longer be exempt`() async throws {
    let old = try policy("p", [:], exempt)
    #expect(counts(try await changes(from: [old], to: [])) == ["noLongerExempt": 4])
    let found = try await changes(to: [old])
    #expect(found.leavesNothing && counts(found)["newlyExempt"] == 4)
  }

  @Test func `R129: a trial tells of thresholds and of the gaps that they open and close`() async throws {
    let longer = try await changes(to: [try policy("p", ["workloads": [["name": "web-*"]]], ["threshold": "10m"])])
    #expect(counts(longer) == ["threshold": 3, "gapsClosed": 1])
    #expect(longer.threshold.examples.first?.text == "settings -> 10m")
    let shorter = try await changes(
      from: [try policy("p", [:], ["threshold": "10m"])], to: [try policy("q", priority: 1, [:], ["threshold": "2m"])])
    #expect(counts(shorter) == ["threshold": 4, "gapsOpened": 1])
  }

  @Test func `R129: a trial tells of grace periods, scrapes and alerts, and begins no grace period once more`() async throws {
    #expect(counts(try await changes(to: [try policy("p", [:], ["grace": "0s"])])) == ["grace": 1])
    #expect(try await changes(to: [try policy("p", [:], ["grace": "1h"])]).isEmpty)
    let found = try await changes(to: [try policy("p", [:], ["scraping": "NotRequired", "alerts": ["severity": "info"]])])
    #expect(counts(found) == ["scraping": 4, "alerts": 4] && found.alerts.examples.first?.text == "settings -> severity=info")
  }

  @Test func `R129: nothing changes where another policy decides, and examples are limited`() async throws {
    let first = try policy("first", priority: 1, [:], ["threshold": "10m"])
    let found = try await changes(from: [first], to: [first, try policy("second", [:], ["threshold": "20m"])])
    #expect(found.isEmpty && found.selected["second"]?.overridden == 4)
    let limited = try await changes(to: [try policy("p", [:], exempt)], limit: 1)
    #expect(limited.newlyExempt.count == 4 && limited.newlyExempt.examples.count == 1)
  }
}
