import JSON
import KubeClient
import Testing

@testable import Controller

@Suite struct ObjectSelectorTests {
  private func selector(_ json: JSONValue) throws -> ObjectSelector { try #require(ObjectSelector(json)) }

  private func expression(_ key: String, _ operator: String, _ values: JSONValue? = nil) -> JSONValue {
    var expression: JSONValue = ["key": .string(key), "operator": .string(`operator`)]
    expression["values"] = values
    return ["matchExpressions": [expression]]
  }

  @Test func `R114: a missing selector is none, and an empty one takes everything`() throws {
    #expect(ObjectSelector(nil as JSONValue?) == nil && ObjectSelector(.null) == nil)
    let everything = try selector([:])
    #expect(everything.matches(PackedLabels(), as: .labels) && everything.matches(PackedLabels(["a": "b"]), as: .relabeling))
  }

  @Test func `R114: of a relabeling, a dot in a value takes any character`() throws {
    for json: JSONValue in [["matchLabels": ["ver": "1.2"]], expression("ver", "In", ["0", "1.2"])] {
      let selector = try selector(json)
      for (value, isRelabeled) in [("1.2", true), ("1x2", true), ("1.20", false), ("12", false)] {
        #expect(selector.matches(PackedLabels(["ver": value]), as: .relabeling) == isRelabeled, "\(value)")
        #expect(selector.matches(PackedLabels(["ver": value]), as: .labels) == (value == "1.2"), "\(value)")
      }
    }
    let none = try selector(expression("ver", "NotIn", ["1.2"]))
    #expect(!none.matches(PackedLabels(["ver": "1x2"]), as: .relabeling) && none.matches(PackedLabels(["ver": "1x2"]), as: .labels))
    #expect(none.matches(PackedLabels(), as: .relabeling), "a missing label is none of the values")
  }

  @Test func `R114: of a relabeling, keys are those of Prometheus's labels`() throws {
    let labels = PackedLabels(["x_y": "1"])
    for key in ["x.y", "x/y", "x-y", "x_y"] {
      let isSame = key == "x_y"
      #expect(try selector(["matchLabels": [key: "1"]]).matches(labels, as: .relabeling))
      #expect(try selector(["matchLabels": [key: "1"]]).matches(labels, as: .labels) == isSame)
      #expect(try selector(expression(key, "Exists")).matches(labels, as: .relabeling))
      #expect(try !selector(expression(key, "DoesNotExist")).matches(labels, as: .relabeling))
      #expect(try selector(expression(key, "DoesNotExist")).matches(labels, as: .labels) != isSame)
    }
    #expect(try !selector(["matchLabels": ["x.z": "1"]]).matches(labels, as: .relabeling))
  }

  @Test func `R114: an empty value is a value`() throws {
    let selector = try selector(["matchLabels": ["a": ""]])
    for mechanism in [ObjectSelector.Mechanism.labels, .relabeling] {
      #expect(selector.matches(PackedLabels(["a": ""]), as: mechanism))
      #expect(!selector.matches(PackedLabels(), as: mechanism) && !selector.matches(PackedLabels(["a": "b"]), as: mechanism))
    }
  }

  @Test(
    arguments: [
      ["matchLabels": ["a": "no spaces"]], ["matchLabels": ["-": "x"]], ["matchExpressions": [["key": "a", "operator": "Like"]]],
      ["matchExpressions": [["key": "a", "operator": "In", "values": []]]],
      ["matchExpressions": [["key": "a", "operator": "Exists", "values": ["x"]]]],
    ] as [JSONValue])
  func `R114: a selector that cannot be takes nothing`(json: JSONValue) throws {
    let selector = try selector(json)
    #expect(!selector.isValid)
    #expect(!selector.matches(PackedLabels(["a": "x"]), as: .labels) && !selector.matches(PackedLabels(), as: .relabeling))
  }

  @Test func `R114: what is not met is named, with the label as it is`() throws {
    let selector = try selector([
      "matchLabels": ["app": "web", "tier": "front"], "matchExpressions": [["key": "old", "operator": "DoesNotExist"]],
    ])
    #expect(
      selector.unmet(by: PackedLabels(["app": "web", "tier": "back", "old": "yes"])) == [
        UnmetRequirement(key: "tier", operator: .isIn, values: ["front"], actual: "back"),
        UnmetRequirement(key: "old", operator: .doesNotExist, values: [], actual: "yes"),
      ])
    #expect(
      selector.unmet(by: PackedLabels(["app": "web"])) == [UnmetRequirement(key: "tier", operator: .isIn, values: ["front"], actual: nil)])
  }
}
