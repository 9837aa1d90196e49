import JSON
import KubeClient
import Roll
import Testing

@testable import Controller

@Suite struct PolicyRollTests {
  private let nodes = Records([nodeRecord("w1"), nodeRecord("w2", address: "10.0.0.2", labels: ["pool": "batch"])])

  private func roll(
    _ pods: [PodRecord], _ policies: [CoveragePolicy], on node: String = "w1", ignoring: Set<String> = []
  ) throws -> NodeRoll {
    var builder = RollBuilder(settings: RollSettings(grace: .zero, virtualNodes: []))
    var rules = ExemptionRules()
    rules.ignoredNamespaces = ignoring
    _ = builder.update(
      nodes: nodes, nodeChange: .all, pods: Records(pods), podChange: .all, rules: rules, policies: PolicySet(policies),
      at: ClockReading(moment: moment(1000), unixMilliseconds: 1_000_000))
    return try #require(builder.rolls[node])
  }

  private func web(_ name: String = "web-0", on node: String = "w1", annotations: [String: String] = [:]) -> PodRecord {
    podRecord(name, on: node, annotations: annotations, [containerRecord("app"), containerRecord("side")])
  }

  @Test func `R126: a policy exempts containers, and the others stay`() throws {
    let roll = try roll([web(), web("web-1")], [try policy("p", ["workloads": [["name": "web-1"]]], exempt)])
    #expect(roll.entries.references.map(\.pod) == ["web-0", "web-0"])
    #expect(roll.exempt.map(\.exemption) == [.policy, .policy] && roll.selections == [["p"]: 2])
    #expect(roll.terms.isEmpty && roll.exemption == nil)
  }

  @Test func `R126: a policy that demands collection comes before annotations, settings and later policies`() throws {
    let ignored = web(annotations: ["rollcall.dev/ignore": "true"])
    #expect(try roll([ignored], []).entries.isEmpty)
    let required = try policy("a", priority: 1, [:], ["collection": "Required"])
    let roll = try roll([ignored], [required, try policy("b", [:], exempt)], ignoring: ["shop"])
    #expect(roll.entries.count == 2 && roll.exempt.isEmpty && roll.selections == [["a", "b"]: 2])
    #expect(try self.roll([ignored], [try policy("b", [:], exempt)]).exempt.map(\.exemption) == [.policy, .policy])
  }

  @Test func `R126: terms are those of each container, and without any a roll is as before`() throws {
    let batch = try policy("batch", ["nodes": ["matchLabels": ["pool": "batch"]]], ["threshold": "1h", "scraping": "NotRequired"])
    let pods = [web(), web("job-0", on: "w2"), web("job-1", on: "w2")]
    let plain = try roll(pods, [batch])
    #expect(plain.terms.isEmpty && plain.selections.isEmpty)
    #expect(try roll(pods, []) == plain)
    let roll = try roll(pods, [batch, try policy("one", ["workloads": [["name": "job-1"]]], ["threshold": "2h"])], on: "w2")
    #expect((0..<4).map { roll.terms[$0]?.threshold } == Array(repeating: .seconds(3600), count: 4))
    #expect((0..<4).map { roll.terms[$0]?.policies } == [["batch"], ["batch"], ["batch", "one"], ["batch", "one"]])
    #expect(roll.selections == [["batch"]: 2, ["batch", "one"]: 2])
    #expect(roll.terms.decideScrapes && roll.terms.leastThreshold == .seconds(3600))
    #expect(roll.hash == (try self.roll(pods, [], on: "w2")).hash, "an agent need not hear of it")
  }

  @Test func `R126: a change of policies leaves rolls as if they had been built with them`() throws {
    let names = (0..<6).map { "w\($0)" }
    let nodes = Records(names.enumerated().map { nodeRecord($1, address: "10.0.0.\($0)", labels: $0 > 3 ? ["pool": "batch"] : [:]) })
    let pods = Records(names.flatMap { node in (0..<3).map { web("web-\($0)-on-\(node)", on: node) } })
    let now = ClockReading(moment: moment(1000), unixMilliseconds: 1_000_000)
    let settings = RollSettings(grace: .zero, virtualNodes: [])
    let sets = try [
      [], [policy("a", ["nodes": ["matchLabels": ["pool": "batch"]]], exempt)], [policy("a", [:], ["threshold": "10m"])],
      [policy("a", [:], ["threshold": "10m"]), policy("b", ["workloads": [["name": "web-1-*"]]], exempt)],
      [policy("c", ["workloads": [["name": "*-on-w2"]]], ["alerts": ["severity": "info"]])],
    ].map { PolicySet($0) }
    var builder = RollBuilder(settings: settings)
    _ = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: now)
    for _ in 0..<20 {
      let set = try #require(sets.randomElement())
      let before = builder.rolls
      let changes = builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, policies: set, at: now)
      var fresh = RollBuilder(settings: settings)
      _ = fresh.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, policies: set, at: now)
      #expect(builder.rolls == fresh.rolls)
      #expect(Set(changes.map(\.node)) == Set(names.filter { before[$0] != fresh.rolls[$0] }))
    }
  }

  @Test func `R126: a grace period that a policy changes moves its end, and begins for no container that is due`() throws {
    func pod(_ name: String, startedAt: Int64) -> PodRecord {
      podRecord(name, on: "w1", [containerRecord("app", .running(startedAtUnixMilliseconds: startedAt))])
    }
    let pods = Records([pod("old", startedAt: 0), pod("young", startedAt: 90_000)])
    var builder = RollBuilder(settings: RollSettings(grace: .seconds(60), virtualNodes: []))
    func update(_ policies: [CoveragePolicy]?, at seconds: Int64) -> [String: Exemption?] {
      _ = builder.update(
        nodes: nodes, nodeChange: builder.rolls.isEmpty ? .all : nil, pods: pods, podChange: builder.rolls.isEmpty ? .all : nil,
        policies: policies.map { PolicySet($0) }, at: ClockReading(moment: moment(Double(seconds)), unixMilliseconds: seconds * 1000))
      return Dictionary(uniqueKeysWithValues: builder.rolls["w1"]?.entries.map { ($0.reference.pod, $0.notDue) } ?? [])
    }
    #expect(update([], at: 100) == ["old": nil, "young": .starting])
    let longer = try policy("p", [:], ["grace": "10m"])
    #expect(update([longer], at: 110) == ["old": nil, "young": .starting])
    #expect(update(nil, at: 160) == ["old": nil, "young": .starting], "60 s would have been over")
    #expect(update(nil, at: 691) == ["old": nil, "young": nil])
    #expect(update([try policy("p", [:], ["grace": "20m"])], at: 700) == ["old": nil, "young": nil])
    builder = RollBuilder(settings: RollSettings(grace: .seconds(600), virtualNodes: []))
    #expect(update([], at: 100) == ["old": .starting, "young": .starting])
    #expect(update([try policy("p", ["workloads": [["name": "young"]]], ["grace": "0s"])], at: 101) == ["old": .starting, "young": nil])
  }
}
