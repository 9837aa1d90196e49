import JSON
import Testing

@testable import Simulator

@Suite struct CoveragePolicyRulesTests {
  private func problems(_ selector: JSONValue, _ effects: JSONValue) -> [String] {
    var object: JSONValue = ["metadata": ["name": "p"], "spec": ["selector": selector, "effects": effects]]
    CoveragePolicyRules.settle(&object, rules: ServerRules())
    return CoveragePolicyRules.validate(object, old: nil, rules: ServerRules()).map(\.description)
  }

  private static let effects: JSONValue = ["threshold": "5m"]

  @Test func `R124: what the definition does not have is dropped, and what it defaults is added`() {
    var object: JSONValue = [
      "metadata": ["name": "p"], "extra": 1,
      "spec": [
        "selector": ["workloads": [["name": "web"], ["kind": "Job"]], "colour": "red"], "effects": ["threshold": "5m", "size": 3],
      ],
    ]
    CoveragePolicyRules.settle(&object, rules: ServerRules())
    #expect(
      object == [
        "metadata": ["name": "p"],
        "spec": [
          "priority": 0, "selector": ["workloads": [["kind": "*", "name": "web"], ["kind": "Job", "name": "*"]]],
          "effects": ["threshold": "5m"],
        ],
      ])
    #expect(CoveragePolicyRules.validate(object, old: nil, rules: ServerRules()).isEmpty)
    #expect(CoveragePolicyRules.validate(["metadata": [:]], old: nil, rules: ServerRules()).map(\.description) == ["spec: Required value"])
  }

  @Test func `R124: lists are limited, and have no element twice`() {
    let many = JSONValue.array((0..<10_000).map { .string("class-\($0)") })
    #expect(
      problems(["runtimeClasses": many], Self.effects) == ["spec.selector.runtimeClasses: Too many: 10000: must have at most 256 items"])
    #expect(
      problems(["sources": ["linux", "linux"]], Self.effects) == [#"spec.selector.sources[1]: Duplicate value: "linux""#])
    #expect(problems(["workloads": [["name": "a"], ["name": "a", "kind": "*"]]], Self.effects).count == 1)
    #expect(problems(["workloads": [["name": "a"], ["name": "a", "kind": "Job"]]], Self.effects).isEmpty)
  }

  @Test func `R124: selectors of labels are checked`() {
    for (expression, isValid): (JSONValue, Bool) in [
      (["key": "a", "operator": "In", "values": ["b"]], true), (["key": "a", "operator": "In"], false),
      (["key": "a", "operator": "Exists"], true), (["key": "a", "operator": "Exists", "values": ["b"]], false),
      (["key": "a", "operator": "NotIn", "values": []], false), (["operator": "Exists"], false), (["key": "a", "operator": "Like"], false),
    ] {
      for part in ["pods", "nodes"] {
        let found = problems([part: ["matchExpressions": [expression]]], Self.effects)
        #expect(found.isEmpty == isValid, "\(part) \(expression): \(found)")
      }
    }
    #expect(!problems(["pods": [:]], Self.effects).isEmpty && !problems(["namespaces": [:]], Self.effects).isEmpty)
  }

  @Test(arguments: [
    ("5m", true), ("1h30m", true), ("7d", true), ("90s", true), ("0s", false), ("00m", false), ("5", false), ("m", false), ("", false),
    ("5m1h", false), ("1.5h", false), ("-5m", false), ("5ms", false), (" 5m", false), ("10s", true),
  ])
  func `R124: a threshold is a time of more than nothing`(text: String, isValid: Bool) {
    #expect(problems([:], ["threshold": .string(text)]).isEmpty == isValid)
  }

  @Test func `R124: labels of alerts are names of Prometheus labels that Rollcall does not set`() {
    for (label, isValid) in [
      ("team", true), ("_x9", true), ("9x", false), ("__x", false), ("a-b", false), ("", false), ("pod", false), ("é", false),
    ] {
      #expect(problems([:], ["alerts": ["labels": [label: "x"]]]).isEmpty == isValid, "\(label)")
    }
    #expect(problems([:], ["alerts": [:]]).count == 1)
  }
}
