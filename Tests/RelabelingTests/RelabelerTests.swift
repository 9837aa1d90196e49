import Testing

@testable import Relabeling

@Suite struct RelabelerTests {
  private func labels(
    _ rule: RelabelRule, _ labels: [String: String], dialect: RelabelDialect = .current
  ) throws -> [String: String]? {
    guard case .kept(let result) = try Relabeler([rule], dialect: dialect).relabel(labels) else { return nil }
    return result
  }

  // MARK: Keep and drop

  @Test(arguments: [("shop", true), ("shopping", false), ("workshop", false), ("", false)])
  func `R117: expressions are anchored at both ends`(value: String, isKept: Bool) throws {
    let rule = RelabelRule(.keep, sourceLabels: ["ns"], regex: "shop")
    #expect(try (labels(rule, ["ns": value]) != nil) == isKept)
    var drop = rule
    drop.action = .drop
    #expect(try (labels(drop, ["ns": value]) == nil) == isKept)
  }

  @Test func `R117: a missing label is empty, and the separator stays`() throws {
    let rule = RelabelRule(.keep, sourceLabels: ["a", "b"], regex: "x;")
    #expect(try labels(rule, ["a": "x"]) != nil)
    #expect(try labels(rule, ["b": "x"]) == nil)
    #expect(try labels(RelabelRule(.keep, sourceLabels: ["a"], regex: "(x|)"), [:]) != nil)
  }

  @Test func `R117: the first rule that drops is named, and later ones are not applied`() throws {
    let rules = [
      RelabelRule(sourceLabels: ["pod"], targetLabel: "copy"),
      RelabelRule(.drop, sourceLabels: ["copy"], regex: "web-.*"),
      RelabelRule(.drop, regex: ".*"),
    ]
    #expect(try Relabeler(rules).relabel(["pod": "web-0"]) == .dropped(rule: 1))
    #expect(try Relabeler(rules).relabel(["pod": "db-0"]) == .dropped(rule: 2))
  }

  @Test(arguments: [(nil, nil, true, false), ("x", nil, false, true), (nil, "x", false, true), ("x", "x", true, false)])
  func `R117: keepequal and dropequal compare with a missing label as with an empty one`(
    source: String?, target: String?, isKept: Bool, survivesDrop: Bool
  ) throws {
    var given: [String: String] = ["other": "y"]
    given["source"] = source
    given["target"] = target
    #expect(try (labels(RelabelRule(.keepequal, sourceLabels: ["source"], targetLabel: "target"), given) != nil) == isKept)
    #expect(try (labels(RelabelRule(.dropequal, sourceLabels: ["source"], targetLabel: "target"), given) != nil) == survivesDrop)
  }

  // MARK: Replace

  @Test(
    arguments: [
      ("$1", "a-b"), ("${1}", "a-b"), ("$2.$3", "a.b"), ("$$1", "$1"), ("$1x", ""), ("${1}x", "a-bx"), ("$name", "a"), ("${name}!", "a!"),
      ("$9", ""), ("$", "$"), ("${1", "${1"), ("$-", "$-"), ("$01", ""), ("plain", "plain"),
    ])
  func `R117: templates expand as in Go`(template: String, expected: String) throws {
    let rule = RelabelRule(sourceLabels: ["in"], regex: "((?P<name>[a-z])-([a-z]))", targetLabel: "out", replacement: template)
    #expect(try labels(rule, ["in": "a-b"])?["out"] ?? "" == expected)
  }

  @Test func `R117: a rule that does not match changes nothing, and an empty result deletes the label`() throws {
    #expect(try labels(RelabelRule(sourceLabels: ["in"], regex: "y", targetLabel: "out"), ["in": "x", "out": "1"])?["out"] == "1")
    #expect(try labels(RelabelRule(sourceLabels: ["in"], targetLabel: "out"), ["out": "1"])?["out"] == nil)
  }

  @Test func `R117: a target that expands to nothing or to an invalid name changes nothing`() throws {
    let nameless = RelabelRule(sourceLabels: ["in"], regex: "(x)?.*", targetLabel: "$1", replacement: "1")
    #expect(try labels(nameless, ["in": "y"]) == ["in": "y"])
    let dotted = RelabelRule(sourceLabels: ["in"], targetLabel: "a.$1", replacement: "1")
    #expect(try labels(dotted, ["in": "b"])?["a.b"] == "1")
    #expect(try labels(dotted, ["in": "b"], dialect: RelabelDialect(major: 2, minor: 55)) == ["in": "b"])
  }

  @Test func `R117: before 2.50 an empty result does not delete what the target expands to`() throws {
    let rule = RelabelRule(sourceLabels: ["in"], targetLabel: "${1}_copy", replacement: "$2")
    let given = ["in": "a", "a_copy": "1"]
    #expect(try labels(rule, given)?["a_copy"] == nil)
    #expect(try labels(rule, given, dialect: RelabelDialect(major: 2, minor: 42))?["a_copy"] == "1")
  }

  @Test func `R117: a dot matches a line feed since 3.0`() throws {
    let rule = RelabelRule(.keep, sourceLabels: ["in"], regex: "a.b")
    #expect(try labels(rule, ["in": "a\nb"]) != nil)
    #expect(try labels(rule, ["in": "a\nb"], dialect: RelabelDialect(major: 2, minor: 42)) == nil)
  }

  // MARK: Other actions

  @Test(arguments: [
    (["foo", "bar"], 1_000_000_007, "373787688"), ([], 1_000_000_007, "493334464"), (["foo"], 1 << 63, "7921661662980252888"),
  ])
  func `R117: hashmod takes the last eight bytes of MD5`(values: [String], modulus: UInt64, expected: String) throws {
    let names = values.indices.map { "l\($0)" }
    let given = Dictionary(uniqueKeysWithValues: zip(names, values))
    let rule = RelabelRule(.hashmod, sourceLabels: names, modulus: modulus, targetLabel: "hash")
    #expect(try labels(rule, given)?["hash"] == expected)
  }

  @Test func `R117: letter case changes code point by code point`() throws {
    #expect(try labels(RelabelRule(.lowercase, sourceLabels: ["in"], targetLabel: "out"), ["in": "ÄÖÜẞİΣ"])?["out"] == "äöüßiσ")
    #expect(try labels(RelabelRule(.uppercase, sourceLabels: ["in"], targetLabel: "out"), ["in": "äöüßıςŉᾀᾳ"])?["out"] == "ÄÖÜßIΣŉᾈᾼ")
    #expect(try labels(RelabelRule(.lowercase, sourceLabels: ["in"], targetLabel: "out"), ["out": "1"])?["out"] == nil)
  }

  @Test func `R117: labelmap reads the labels before the rule, and the last source in the order of names wins`() throws {
    let rule = RelabelRule(.labelmap, regex: "meta_(?:a|b|c)(_.*)?", replacement: "meta$1")
    let result = try labels(rule, ["meta_a": "1", "meta_c": "3", "meta_b": "2", "meta_a_a": "4"])
    #expect(result?["meta"] == "3")
    #expect(result?["meta_a"] == "4")
  }

  @Test func `R117: labeldrop and labelkeep take names, also those of Prometheus itself`() throws {
    let given = ["__address__": "10.0.0.1:80", "pod": "web-0", "pod_ip": "10.0.0.1"]
    #expect(try labels(RelabelRule(.labeldrop, regex: "pod"), given)?.keys.sorted() == ["__address__", "pod_ip"])
    #expect(try labels(RelabelRule(.labelkeep, regex: "pod.*"), given)?.keys.sorted() == ["pod", "pod_ip"])
  }

  // MARK: Bad rules

  @Test(arguments: ["(", "a{2000}", "[z-a]", "(?!x)", #"\1"#])
  func `R117: an expression that RE2 refuses is an error that names the rule`(regex: String) {
    let error = #expect(throws: RelabelError.self) { try Relabeler([RelabelRule(), RelabelRule(.keep, regex: regex)]) }
    #expect(error?.rule == 1)
    #expect(error?.description.contains("\"\(regex)\"") == true)
  }

  @Test func `R117: an expression whose program is too large is an error`() {
    #expect(throws: RelabelError.self) { try Relabeler([RelabelRule(.keep, regex: "((\\pL{200}){200}){20}")]) }
  }

  @Test func `R117: an expression that makes backtracking engines hang takes linear time`() throws {
    let rule = RelabelRule(.keep, sourceLabels: ["in"], regex: "(a+)+b")
    #expect(try labels(rule, ["in": String(repeating: "a", count: 50_000)]) == nil)
  }

  @Test func `R117: both forms of a named group are read`() throws {
    let rule = RelabelRule(
      sourceLabels: ["in"], regex: #"(?<first>[(?<]+)\(?<(?P<second>.*)"#, targetLabel: "out", replacement: "$first|$second")
    #expect(try labels(rule, ["in": "?((<x"])?["out"] == "?((|x")
  }
}
