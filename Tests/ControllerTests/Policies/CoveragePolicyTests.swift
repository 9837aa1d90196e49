import JSON
import Primitives
import Roll
import Testing

@testable import Controller
@testable import Simulator

@Suite struct CoveragePolicyTests {
  // MARK: Names

  @Test(arguments: [
    ("web", "web", true), ("web", "web-0", false), ("*", "", true), ("*", "anything", true), ("web-*", "web-", true),
    ("web-*", "web", false),
    ("*-web", "my-web", true), ("a*b*c", "a-b-b-c", true), ("a*b*c", "acb", false), ("**", "x", true), ("a*a", "a", false),
    ("a*a", "aa", true),
    ("*ab", "aab", true), ("x.y", "xzy", false),
  ])
  func `R124: a star in a name stands for any characters, and nothing else does`(pattern: String, name: String, matches: Bool) {
    #expect(NamePattern(pattern).matches(name) == matches)
  }

  // MARK: Objects

  @Test func `R124: a policy has all parts of its object`() throws {
    let policy = try policy(
      "all", priority: 7,
      [
        "namespaces": ["names": ["shop", "team-*"], "labels": ["matchLabels": ["tier": "prod"]]],
        "pods": [
          "matchExpressions": [["key": "app", "operator": "In", "values": ["web", "api"]], ["key": "old", "operator": "DoesNotExist"]]
        ],
        "workloads": [["kind": "DaemonSet"], ["name": "log-*"]], "nodes": ["matchLabels": ["pool": "batch"]],
        "runtimeClasses": ["kata*"], "sources": ["linux", "virtual"],
      ],
      [
        "threshold": "1h30m", "grace": "0s", "scraping": "NotRequired", "collection": "Required",
        "alerts": ["severity": "critical", "labels": ["team": "payments"]],
      ])
    #expect(policy.name == "all" && policy.priority == 7)
    let selector = policy.selector
    #expect(selector.namespaceNames.map(\.description) == ["shop", "team-*"] && selector.namespaceLabels?.description == "tier=prod")
    #expect(selector.podLabels?.description == "app in (web,api),!old" && selector.nodeLabels?.description == "pool=batch")
    #expect(selector.workloads.map { "\($0.kind)/\($0.name)" } == ["DaemonSet/*", "*/log-*"])
    #expect(selector.runtimeClasses.map(\.description) == ["kata*"] && selector.sources == [.linux, .virtual])
    #expect(selector.specificity == 6)
    let effects = policy.effects
    #expect(effects.threshold == .seconds(5400) && effects.grace == .zero && effects.scraping == .notRequired)
    #expect(effects.collection == .required && effects.alerts == AlertTerms(severity: "critical", labels: ["team": "payments"]))
    #expect(
      effects.text
        == "collection Required, threshold 1h30m, grace 0s, scraping NotRequired, severity critical, label team=payments")
  }

  @Test func `R124: all characters that names and labels may have are those of a policy, too`() throws {
    let policy = try policy(
      "a.b-9",
      [
        "namespaces": ["names": ["0-a"]], "pods": ["matchLabels": ["ex-ample.com/A_b-9.c": "Z_y-8.x", "empty": ""]],
        "workloads": [["kind": "VMAgent9", "name": "0.web-1"]], "runtimeClasses": ["kata.v2-x"],
      ],
      ["alerts": ["severity": "P1 – ü", "labels": ["_Team9": "a\"b\\c\n"]]])
    #expect(policy.selector.podLabels?.matches(["ex-ample.com/A_b-9.c": "Z_y-8.x", "empty": ""]) == true)
    #expect(policy.selector.podLabels?.matches(["ex-ample.com/A_b-9.c": "Z_y-8.x"]) == false)
    #expect(policy.effects.alerts == AlertTerms(severity: "P1 – ü", labels: ["_Team9": "a\"b\\c\n"]))
  }

  private struct Mistake: Sendable {
    var spec: JSONValue
    var problem: String
  }

  private static let mistakes = [
    Mistake(spec: [:], problem: "spec.selector: is required"),
    Mistake(spec: ["selector": [:]], problem: "spec.effects: is required"),
    Mistake(spec: ["selector": "all", "effects": exempt], problem: "spec.selector: is no object"),
    Mistake(spec: ["selector": [:], "effects": [:]], problem: "spec.effects: is empty"),
    Mistake(spec: ["selector": ["namespace": "shop"], "effects": exempt], problem: "spec.selector.namespace: is not known here"),
    Mistake(
      spec: ["selector": ["namespaces": ["names": ["Shop"]]], "effects": exempt], problem: "spec.selector.namespaces.names[0]: is no name"),
    Mistake(spec: ["selector": ["namespaces": [:]], "effects": exempt], problem: "spec.selector.namespaces: is empty"),
    Mistake(spec: ["selector": ["namespaces": ["names": []]], "effects": exempt], problem: "is no list with items"),
    Mistake(
      spec: ["selector": ["runtimeClasses": .array((0..<10_000).map { .string("class-\($0)") })], "effects": exempt],
      problem: "spec.selector.runtimeClasses: has 10000 items, of which 256 are allowed"),
    Mistake(
      spec: ["selector": ["pods": ["matchLabels": ["a b": "c"]]], "effects": exempt], problem: "spec.selector.pods: is no label selector"),
    Mistake(
      spec: ["selector": ["pods": ["matchExpressions": [["key": "a", "operator": "Exists", "values": ["b"]]]]], "effects": exempt],
      problem: "spec.selector.pods: is no label selector"),
    Mistake(
      spec: ["selector": ["pods": ["matchExpressions": [["key": "a", "operator": "Like"]]]], "effects": exempt],
      problem: "spec.selector.pods.matchExpressions[0].operator: is not one of In, NotIn, Exists, DoesNotExist"),
    Mistake(spec: ["selector": ["sources": ["macos"]], "effects": exempt], problem: "spec.selector.sources[0]: is not one of linux"),
    Mistake(
      spec: ["selector": [:], "effects": ["collection": "Exempt"]], problem: "spec.effects.reason: is required with collection: Exempt"),
    Mistake(spec: ["selector": [:], "effects": ["collection": "Never", "reason": "x"]], problem: "is neither Required nor Exempt"),
    Mistake(spec: ["selector": [:], "effects": ["threshold": "1m", "reason": "x"]], problem: "has no meaning without collection: Exempt"),
    Mistake(
      spec: ["selector": [:], "effects": ["collection": "Exempt", "reason": "x", "threshold": "1m"]],
      problem: "which an exempt container cannot have"),
    Mistake(spec: ["selector": [:], "effects": ["threshold": "0s"]], problem: "spec.effects.threshold: is no time"),
    Mistake(spec: ["selector": [:], "effects": ["threshold": "8d"]], problem: "at most 7d"),
    Mistake(spec: ["selector": [:], "effects": ["threshold": 60]], problem: "is no time"),
    Mistake(spec: ["selector": [:], "effects": ["scraping": "Maybe"]], problem: "is neither Required nor NotRequired"),
    Mistake(spec: ["selector": [:], "effects": ["alerts": ["labels": ["pod": "x"]]]], problem: "pod says what an alert is about"),
    Mistake(spec: ["selector": [:], "effects": ["alerts": ["labels": ["shard": "x"]]]], problem: "shard says what an alert is about"),
    Mistake(spec: ["selector": [:], "effects": ["alerts": ["labels": ["1st": "x"]]]], problem: "\"1st\" is no name of a Prometheus label"),
    Mistake(spec: ["priority": 1.5, "selector": [:], "effects": exempt], problem: "spec.priority: is no whole number"),
  ]

  @Test(arguments: mistakes.indices)
  func `R124: what is wrong with a policy is said with its field`(index: Int) throws {
    let mistake = Self.mistakes[index]
    let object: JSONValue = ["metadata": ["name": "p"], "spec": mistake.spec]
    let problem = try #require(throws: PolicyProblem.self) { try CoveragePolicy(object) }
    #expect("\(problem)".contains(mistake.problem), "\(problem)")
  }

  @Test func `R124: what the API server refuses is refused here as well, and what it takes is taken`() {
    func labels(_ count: Int, _ value: String = "x") -> JSONValue {
      ["alerts": ["labels": .object(JSONObject((0..<count).map { ("label_\($0)", .string(value)) }))]]
    }
    func named(_ name: String) -> JSONValue { ["namespaces": ["names": [.string(name)]]] }
    let (long, umlauts) = (String(repeating: "a", count: 254), String(repeating: "ü", count: 256))
    let cases: [(selector: JSONValue, effects: JSONValue, isValid: Bool)] = [
      ([:], labels(32), true), ([:], labels(33), false), ([:], labels(0), false), ([:], labels(1, umlauts), true),
      ([:], labels(1, umlauts + "ü"), false), ([:], ["alerts": ["severity": .string(umlauts)]], true),
      ([:], ["alerts": ["severity": .string(umlauts + "ü")]], false), ([:], ["alerts": ["labels": ["shard": "x"]]], false),
      (["workloads": [["kind": "Dep*9", "name": "web.*-0"]]], exempt, true), (["workloads": [["kind": "Deploy-ment"]]], exempt, false),
      (["workloads": [["kind": ""]]], exempt, false), (["workloads": [["name": "Web"]]], exempt, false),
      (["workloads": [["name": .string(long)]]], exempt, false), (["workloads": [["kind": .string(long)]]], exempt, false),
      (["workloads": [["name": "a"], ["kind": "*", "name": "a"]]], exempt, false), (["sources": ["linux", "linux"]], exempt, false),
      (["runtimeClasses": ["kata", "kata"]], exempt, false), (named("shop-*"), exempt, true), (named("a_b"), exempt, false),
      (named(""), exempt, false), (named(long), exempt, false),
      (["pods": ["matchExpressions": [["key": "a", "operator": "In", "values": ["b"]]]]], exempt, true),
      (["pods": ["matchExpressions": [["key": "a", "operator": "In", "values": "b"]]]], exempt, false),
      (["pods": ["matchExpressions": [["key": "a", "operator": "In", "values": [1]]]]], exempt, false),
      (["pods": ["matchLabels": ["a": .string(String(repeating: "b", count: 64))]]], exempt, false),
      ([:], ["threshold": "5m"], true), ([:], ["threshold": "90000ms"], false), ([:], ["threshold": "0000300s"], false),
      ([:], ["grace": "0s"], true), ([:], ["grace": "0"], false), ([:], ["grace": "1s1h"], false),
    ]
    for (selector, effects, isValid) in cases {
      let object = policyObject("p", selector, effects)
      var settled = object
      CoveragePolicyRules.settle(&settled, rules: ServerRules())
      let refusals = CoveragePolicyRules.validate(settled, old: nil, rules: ServerRules())
      #expect(refusals.isEmpty == isValid, "the API server: \(selector) \(effects): \(refusals)")
      #expect(((try? CoveragePolicy(object)) != nil) == isValid, "the controller: \(selector) \(effects)")
    }
    for (name, isValid) in [("a.b-9", true), ("A", false), ("-a", false), ("a..b", false), ("a_b", false), (long, false)] {
      #expect(NamePolicy.subdomain.problems(in: name).isEmpty == isValid, "the API server: \(name)")
      #expect(((try? policy(name, [:], exempt)) != nil) == isValid, "the controller: \(name)")
    }
  }

  @Test func `R124: a threshold that the interval does not allow is not accepted`() throws {
    let settings = PolicySettings(leastThreshold: .seconds(90))
    let short = PolicyRecord(policyObject("p", [:], ["threshold": "89s"]))
    let problem = try #require(throws: PolicyProblem.self) { try short.checked(settings).get() }
    #expect(problem.reason == .thresholdTooShort && "\(problem)".contains("89s is less than 1m30s") == false)
    #expect("\(problem)".contains("1m29s is less than 1m30s"))
    #expect(try PolicyRecord(policyObject("p", [:], ["threshold": "90s"])).checked(settings).get().effects.threshold == .seconds(90))
  }

  // MARK: Precedence

  @Test func `R125: priority comes first, then the parts of the selector, then the name`() throws {
    let policies = [
      try policy("z", priority: 1, [:], exempt), try policy("b", ["sources": ["linux"], "nodes": ["matchLabels": ["a": "b"]]], exempt),
      try policy("c", ["sources": ["linux"]], exempt), try policy("d", ["sources": ["windows"]], exempt), try policy("a", [:], exempt),
      try policy("first", priority: -1, ["sources": ["linux"], "nodes": ["matchLabels": ["a": "b"]]], exempt),
    ]
    for _ in 0..<10 { #expect(PolicySet(policies.shuffled()).policies.map(\.name) == policies.map(\.name)) }
    #expect(policies[2].isLevel(with: policies[3]) && !policies[2].isLevel(with: policies[4]))
  }

  @Test func `R125: each effect is decided by the first policy that says something about it`() throws {
    let decision = PolicyDecision([
      try policy("one", [:], ["threshold": "10m", "alerts": ["labels": ["team": "a"]]]),
      try policy("two", [:], ["threshold": "20m", "grace": "1m", "alerts": ["severity": "info", "labels": ["team": "b", "tier": "c"]]]),
    ])
    #expect(decision.policies == ["one", "two"])
    #expect(decision.threshold == .init(value: .seconds(600), policy: "one") && decision.grace == .init(value: .seconds(60), policy: "two"))
    #expect(decision.severity == .init(value: "info", policy: "two"))
    #expect(decision.labels == ["team": .init(value: "a", policy: "one"), "tier": .init(value: "c", policy: "two")])
    #expect(decision.terms?.alerts == AlertTerms(severity: "info", labels: ["team": "a", "tier": "c"]))
    #expect(decision.collection == nil && decision.exemption == nil && PolicyDecision.none.terms == nil)
  }
}
