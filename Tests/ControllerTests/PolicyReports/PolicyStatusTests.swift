import JSON
import KubeClient
import Primitives
import Roll
import Testing

@testable import Controller
@testable import Simulator

@Suite struct PolicyStatusTests {
  private let settings = PolicySettings(leastThreshold: .seconds(90))

  /// A roll with this many containers called, and the containers that each combination of policies selects.
  private func roll(called: Int, _ selections: [[String]: Int]) -> NodeRoll {
    var roll = nodeRoll((0..<called).map { rollEntry("c\($0)") })
    roll.selections = selections
    return roll
  }

  private func statuses(
    _ objects: [JSONValue], _ rolls: [NodeRoll], gaps: [String: PolicyGaps] = [:], judgesScrapes: Bool = true,
    shard: NodeShard = .all
  ) -> [PolicyStatus] {
    let records = objects.map { PolicyRecord($0) }
    let set = PolicySet(records.compactMap { try? $0.checked(settings).get() })
    let survey = PolicySurvey(set, rolls: rolls, gaps: gaps, judgesScrapes: judgesScrapes, shard: shard)
    return records.map { survey.status(of: $0, $0.checked(settings)) }
  }

  @Test func `R128: a status counts containers, exemptions and gaps`() {
    let gap = cartGap("cart-0", detail: "refused", since: 100)
    let found = statuses(
      [policyObject("a", [:], exempt, generation: 3), policyObject("b", [:], ["threshold": "5m"])],
      [roll(called: 2, [["a", "b"]: 3, ["b"]: 2]), roll(called: 1, [["b"]: 1])], gaps: ["b": PolicyGaps(count: 2, newest: gap)])
    #expect(found.map(\.containers) == [3, 6] && found.map(\.exempt) == [3, 0] && found.map { $0.gaps?.count } == [nil, 2])
    #expect(found.map(\.generation) == [3, 1] && found.allSatisfy { $0.accepted.isTrue && $0.applied.reason == "Applied" })
    let record = PolicyRecord(policyObject("b", [:], ["threshold": "5m"]))
    let object = found[1].object(over: record, at: ClockReading(moment: moment(400), unixMilliseconds: 1_700_000_400_000))
    #expect(object["metadata"] == ["name": "b"] && object["status"]?["gaps"] == 2 && object["status"]?["containers"] == 6)
    let problem = object["status"]?["newestProblem"]
    #expect(problem?["message"] == "shop/cart-0/cart: AgentUnreachable (refused)" && problem?["since"] == "2023-11-14T22:15:00Z")
    #expect(object["status"]?["conditions"]?[0]?["lastTransitionTime"] == "2023-11-14T22:20:00Z")
  }

  @Test func `R128: a condition keeps the time of its last transition`() {
    var object = policyObject("b", [:], ["threshold": "5m"])
    object["status"] = [
      "conditions": [
        ["type": "Accepted", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"],
        ["type": "Applied", "status": "False", "lastTransitionTime": "2020-01-01T00:00:00Z"],
      ]
    ]
    let status = statuses([object], [roll(called: 1, [["b"]: 1])])[0]
    let written = status.object(over: PolicyRecord(object), at: ClockReading(moment: moment(0), unixMilliseconds: 1_700_000_000_000))
    let times = written["status"]?["conditions"]?.array?.compactMap { $0["lastTransitionTime"]?.string }
    #expect(times == ["2020-01-01T00:00:00Z", "2023-11-14T22:13:20Z"])
  }

  @Test func `R128: what nobody may have meant is a reason of its own`() {
    func reasons(_ objects: [JSONValue], _ rolls: [NodeRoll], judgesScrapes: Bool = true) -> [String] {
      statuses(objects, rolls, judgesScrapes: judgesScrapes).map { "\($0.applied.isTrue) \($0.applied.reason)" }
    }
    #expect(reasons([policyObject("a", ["sources": ["windows"]], exempt)], [roll(called: 1, [:])]) == ["false SelectsNothing"])
    #expect(reasons([policyObject("a", [:], exempt)], [roll(called: 0, [["a"]: 5])]) == ["true ExemptsEverything"])
    #expect(reasons([policyObject("a", [:], exempt)], [roll(called: 1, [["a"]: 5])]) == ["true Applied"])
    let ten = policyObject("ten", priority: 1, [:], ["threshold": "10m"])
    #expect(
      reasons([policyObject("a", [:], ["threshold": "5m"]), ten], [roll(called: 1, [["ten", "a"]: 1])]) == [
        "false Overridden", "true Applied",
      ])
    #expect(
      reasons([policyObject("a", [:], ["threshold": "5m"]), ten], [roll(called: 2, [["ten", "a"]: 1, ["a"]: 1])])
        == ["true Applied", "true Applied"], "a priority is meant")
    let level = [
      policyObject("a", [:], ["threshold": "5m"]), policyObject("b", [:], ["threshold": "10m", "grace": "1m"]),
      policyObject("c", [:], ["threshold": "5m", "alerts": ["severity": "info"]]),
    ]
    #expect(reasons(level, [roll(called: 1, [["a", "b", "c"]: 1])]) == ["true Contradicted", "true Contradicted", "true Contradicted"])
    #expect(reasons([level[0], level[2]], [roll(called: 1, [["a", "c"]: 1])]) == ["true Applied", "true Applied"], "both say the same")
    let scraped = policyObject("a", [:], ["scraping": "Required"])
    #expect(reasons([scraped], [roll(called: 1, [["a"]: 1])], judgesScrapes: false) == ["true ScrapesNotJudged"])
    #expect(reasons([policyObject("a", [:], ["threshold": "1m"])], [roll(called: 1, [:])]) == ["false NotAccepted"])
  }

  @Test func `R128: a status has room for the words about the longest policy`() {
    let names = (0..<256).map { JSONValue.string("\(String(repeating: "n", count: 240))-\($0)") }
    let object = policyObject("long", ["namespaces": ["names": .array(names)]], exempt)
    let status = statuses([object], [roll(called: 1, [:])])[0]
    #expect(status.applied.message.unicodeScalars.count == 1024 && status.applied.message.hasSuffix("…"))
    let written = status.object(over: PolicyRecord(object), at: ClockReading(moment: moment(0), unixMilliseconds: 1_700_000_000_000))
    #expect(CoveragePolicyRules.status.problems(in: written["status"] ?? .null, at: "status").isEmpty)
  }

  @Test func `R128: one shard does not say that a policy is applied nowhere`() throws {
    func conditions(_ objects: [JSONValue], _ rolls: [NodeRoll]) throws -> [PolicyStatus.Condition] {
      statuses(objects, rolls, shard: try #require(NodeShard(0, of: 4))).map(\.applied)
    }
    let nothing = try conditions([policyObject("a", ["sources": ["windows"]], exempt)], [roll(called: 1, [:])])[0]
    #expect(nothing.isTrue && nothing.message.hasPrefix("shard 0 of 4 has no container in sources windows"))
    let everything = try conditions([policyObject("a", [:], exempt)], [roll(called: 0, [["a"]: 5])])[0]
    #expect(everything.reason == "ExemptsEverything" && everything.message.hasPrefix("no container of shard 0 is collected"))
    let ten = policyObject("ten", priority: 1, [:], ["threshold": "10m"])
    let overridden = try conditions([policyObject("a", [:], ["threshold": "5m"]), ten], [roll(called: 1, [["ten", "a"]: 1])])[0]
    #expect(overridden.isTrue && overridden.message == "in shard 0 what it says is decided by ten")
  }

  @Test func `R128: new words are written at once, new numbers seldom, and many policies in turns`() {
    var schedule = PolicyStatusSchedule()
    var status = statuses([policyObject("a", [:], ["threshold": "5m"])], [roll(called: 1, [["a"]: 1])])[0]
    #expect(schedule.due([status], at: moment(0)) == [status])
    schedule.wrote(status, at: moment(0))
    #expect(schedule.due([status], at: moment(500)).isEmpty)
    status.containers = 2
    schedule.wrote(status, at: moment(500))
    status.containers = 3
    #expect(schedule.due([status], at: moment(529)).isEmpty && schedule.due([status], at: moment(530)) == [status])
    status.generation = 2
    #expect(schedule.due([status], at: moment(500)).isEmpty && schedule.due([status], at: moment(501)) == [status])
    schedule.failed(status, at: moment(600))
    #expect(schedule.due([status], at: moment(600)).isEmpty && schedule.due([status], at: moment(601)) == [status])
    #expect(
      schedule.due([], at: moment(602)).isEmpty && schedule.due([status], at: moment(602)) == [status], "one that was deleted is forgotten")
    let many = (0..<50).map { number in
      var other = status
      other.name = "p\(number)"
      return other
    }
    var written: Set<String> = []
    for second in 0..<3 {
      for one in schedule.due(many, at: moment(Double(700 + second))) {
        schedule.wrote(one, at: moment(Double(700 + second)))
        written.insert(one.name)
      }
    }
    #expect(written.count == 50)
  }
}
