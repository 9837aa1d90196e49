import Foundation
import JSON
import Testing
import YAML

@testable import Simulator

/// The definition in the manifests, and what the simulator knows of it by hand.
@Suite struct PolicyDefinitionTests {
  /// The schema as the definition would have it, without texts, formats and defaults.
  private func written(_ schema: ValueSchema) -> JSONValue {
    var json: JSONValue = [:]
    func set(_ key: String, _ number: Int, unless usual: Int = 0) { if number != usual { json[key] = .integer(Int64(number)) } }
    func set(_ rules: [ValueSchema.Rule]) {
      if !rules.isEmpty { json["x-kubernetes-validations"] = .array(rules.map { .string($0.message) }) }
    }
    switch schema {
    case .object(let members, let required, let atLeast, let rules):
      json["type"] = "object"
      json["properties"] = .object(members.reduce(into: JSONObject()) { $0[$1.key] = written($1.value) })
      if !required.isEmpty { json["required"] = .array(required.sorted().map { .string($0) }) }
      set("minProperties", atLeast)
      set(rules)
    case .map(let value, let atLeast, let atMost, let rules):
      json["type"] = "object"
      json["additionalProperties"] = written(value)
      set("minProperties", atLeast)
      set("maxProperties", atMost)
      set(rules)
    case .list(let element, let type, let atLeast, let atMost):
      json["type"] = "array"
      json["items"] = written(element)
      set("minItems", atLeast)
      set("maxItems", atMost, unless: .max)
      switch type {
      case .atomic: json["x-kubernetes-list-type"] = "atomic"
      case .set: json["x-kubernetes-list-type"] = "set"
      case .map(let keys):
        json["x-kubernetes-list-type"] = "map"
        json["x-kubernetes-list-map-keys"] = .array(keys.map { .string($0) })
      }
    case .text(let atLeast, let atMost, let pattern, let rules):
      json["type"] = "string"
      set("minLength", atLeast)
      set("maxLength", atMost, unless: .max)
      json["pattern"] = pattern.map { .string($0.text) }
      set(rules)
    case .oneOf(let values):
      json["type"] = "string"
      json["enum"] = .array(values.map { .string($0) })
    case .integer(let range):
      json["type"] = "integer"
      if range.lowerBound != .min { json["minimum"] = .integer(range.lowerBound) }
      if range.upperBound != .max { json["maximum"] = .integer(range.upperBound) }
    case .anything: break
    }
    return json
  }

  /// The same of a schema in the definition.
  private func bare(_ schema: JSONValue) -> JSONValue {
    var json = schema
    for member in ["description", "format", "default", "x-kubernetes-map-type"] { json[member] = nil }
    if let properties = json["properties"]?.object { json["properties"] = .object(properties.mapValues(bare)) }
    for member in ["items", "additionalProperties"] { json[member] = json[member].map(bare) }
    if let required = json["required"]?.array { json["required"] = .array(required.compactMap(\.string).sorted().map { .string($0) }) }
    if let rules = json["x-kubernetes-validations"]?.array { json["x-kubernetes-validations"] = .array(rules.compactMap { $0["message"] }) }
    return json
  }

  private func definition(_ path: String) throws -> JSONValue {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try YAMLNode(parsing: Data(contentsOf: root.appending(path: path)), file: path).jsonValue
  }

  @Test func `R124: the simulator refuses what the definition in the manifests refuses`() throws {
    let definition = try definition("manifests/default/crd.yaml")
    let kind = ResourceTable.coveragePolicies
    let names = definition["spec"]?["names"]
    #expect(definition["metadata"]?["name"]?.string == kind.qualifiedPlural && definition["spec"]?["scope"] == "Cluster")
    #expect(names?["kind"]?.string == kind.kind && names?["singular"]?.string == kind.singular)
    #expect(names?["shortNames"]?.array?.compactMap(\.string) == kind.shortNames)
    let version = try #require(definition["spec"]?["versions"]?[0])
    #expect(version["name"]?.string == kind.version && version["subresources"]?["status"] == [:])
    #expect(["Name"] + (version["additionalPrinterColumns"]?.array ?? []).compactMap { $0["name"]?.string } == kind.columns.map(\.name))
    let properties = version["schema"]?["openAPIV3Schema"]?["properties"]
    let specification = try #require(properties?["spec"])
    let status = try #require(properties?["status"])
    #expect(written(CoveragePolicyRules.specification) == bare(specification))
    #expect(written(CoveragePolicyRules.status) == bare(status))
  }

  @Test func `R124: the chart has the definition of the manifests`() throws {
    #expect(try definition("charts/rollcall/crds/coveragepolicies.yaml") == definition("manifests/default/crd.yaml"))
  }
}
