import JSON
import Testing

@testable import Simulator

/// A manager applies a configuration.
struct ApplyStep: Sendable {
  var manager: String
  var configuration: JSONValue
  var isForced = false
}

/// Steps with the expected object, without common metadata, or the fields in conflict.
struct ApplyCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var steps: [ApplyStep]
  var expected: JSONValue
  var conflicts: [String] = []
}

@Suite struct ServerSideApplyTests {
  private static let services = ResourceTable.services

  private static func ports(_ ports: [JSONValue]) -> JSONValue { ["spec": ["ports": .array(ports)]] }

  static let cases: [ApplyCase] = [
    ApplyCase(
      testDescription: "two managers own different members",
      steps: [
        ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]), ApplyStep(manager: "b", configuration: ["data": ["y": "2"]]),
      ],
      expected: ["data": ["x": "1", "y": "2"]]),
    ApplyCase(
      testDescription: "a field that its manager no longer applies is removed",
      steps: [
        ApplyStep(manager: "a", configuration: ["data": ["x": "1", "y": "2"]]),
        ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]),
      ],
      expected: ["data": ["x": "1"]]),
    ApplyCase(
      testDescription: "an object without fields is removed",
      steps: [ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]), ApplyStep(manager: "a", configuration: [:])],
      expected: [:]),
    ApplyCase(
      testDescription: "a field with a second owner stays",
      steps: [
        ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]), ApplyStep(manager: "b", configuration: ["data": ["x": "1"]]),
        ApplyStep(manager: "a", configuration: ["data": ["y": "1"]]),
      ],
      expected: ["data": ["x": "1", "y": "1"]]),
    ApplyCase(
      testDescription: "a different value for a field of another manager is a conflict",
      steps: [
        ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]), ApplyStep(manager: "b", configuration: ["data": ["x": "2"]]),
      ],
      expected: ["data": ["x": "1"]], conflicts: [".data.x"]),
    ApplyCase(
      testDescription: "force takes over a field, and its former owner no longer removes it",
      steps: [
        ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]),
        ApplyStep(manager: "b", configuration: ["data": ["x": "2"]], isForced: true), ApplyStep(manager: "a", configuration: [:]),
      ],
      expected: ["data": ["x": "2"]]),
    ApplyCase(
      testDescription: "elements of a list merge by key, including its default",
      steps: [
        ApplyStep(manager: "a", configuration: ports([["port": 80, "name": "http"]])),
        ApplyStep(
          manager: "b", configuration: ports([["port": 80, "protocol": "TCP", "appProtocol": "h2"], ["port": 443, "name": "https"]])),
      ],
      expected: ports([["port": 80, "name": "http", "protocol": "TCP", "appProtocol": "h2"], ["port": 443, "name": "https"]])),
    ApplyCase(
      testDescription: "an element that its only owner no longer applies is removed",
      steps: [
        ApplyStep(manager: "a", configuration: ports([["port": 80, "name": "http"], ["port": 443, "name": "https"]])),
        ApplyStep(manager: "a", configuration: ports([["port": 443, "name": "https"]])),
      ],
      expected: ports([["port": 443, "name": "https"]])),
    ApplyCase(
      testDescription: "a conflict inside an element names the element",
      steps: [
        ApplyStep(manager: "a", configuration: ports([["port": 80, "name": "http"]])),
        ApplyStep(manager: "b", configuration: ports([["port": 80, "name": "web"]])),
      ],
      expected: ports([["port": 80, "name": "http"]]), conflicts: [".spec.ports[port=80,protocol=\"TCP\"].name"]),
    ApplyCase(
      testDescription: "an atomic object is one value",
      steps: [
        ApplyStep(manager: "a", configuration: ["spec": ["selector": ["app": "web"]]]),
        ApplyStep(manager: "b", configuration: ["spec": ["selector": ["app": "web", "tier": "x"]]]),
      ],
      expected: ["spec": ["selector": ["app": "web"]]], conflicts: [".spec.selector"]),
    ApplyCase(
      testDescription: "a set has the scalars of both",
      steps: [
        ApplyStep(manager: "a", configuration: ["metadata": ["finalizers": ["a.io/x", "a.io/y"]]]),
        ApplyStep(manager: "b", configuration: ["metadata": ["finalizers": ["b.io/z"]]]),
        ApplyStep(manager: "a", configuration: ["metadata": ["finalizers": ["a.io/y"]]]),
      ],
      expected: ["metadata": ["finalizers": ["a.io/y", "b.io/z"]]]),
    ApplyCase(
      testDescription: "a list without markers is one value",
      steps: [
        ApplyStep(manager: "a", configuration: ["spec": ["things": [1, 2]]]),
        ApplyStep(manager: "a", configuration: ["spec": ["things": [3]]]),
      ],
      expected: ["spec": ["things": [3]]]),
  ]

  @Test(arguments: cases) func `configurations merge`(_ test: ApplyCase) throws {
    var live: JSONValue?
    var conflicts: [String] = []
    for (index, step) in test.steps.enumerated() {
      let manager = ManagedFields.Manager(name: step.manager, operation: .apply, apiVersion: "v1", subresource: "")
      let apply = ServerSideApply(manager: manager, force: step.isForced, schema: Self.services.schema, now: "t\(index)")
      do {
        live = try apply.applying(step.configuration, to: live)
      } catch {
        #expect(error.code == 409 && error.reason == "Conflict")
        #expect(index == test.steps.count - 1, "only the last step may conflict: \(error)")
        conflicts = (error.details["causes"]?.array ?? []).compactMap { $0["field"]?.string }
      }
    }
    #expect(conflicts == test.conflicts)
    var result = try #require(live)
    result["metadata"]?["managedFields"] = nil
    if result["metadata"] == [:] { result["metadata"] = nil }
    #expect(result == test.expected)
  }

  @Test func `fieldsV1 has the format of the real server`() throws {
    let configuration: JSONValue = [
      "metadata": ["name": "x", "labels": ["app": "web"], "finalizers": ["a.io/b"]],
      "spec": ["ports": [["port": 80]], "selector": ["app": "web"], "empty": [:]],
    ]
    let set = FieldSet.named(in: configuration, schema: Self.services.schema).manageable
    let expected = try Sample.object(
      #"""
      {"f:metadata":{"f:labels":{"f:app":{}},"f:finalizers":{"v:\"a.io/b\"":{}}},
       "f:spec":{"f:empty":{},"f:selector":{},"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}
      """#)
    #expect(set.json == expected)
    #expect(FieldSet(json: set.json) == set)
  }

  @Test func `apply creates an object, then changes nothing, then conflicts with an update`() throws {
    let kind = ResourceTable.configMaps
    var store = Sample.store()
    func apply(_ data: JSONObject, force: Bool = false, after seconds: Double) throws -> (object: StoredObject, isNew: Bool) {
      try store.apply(
        Sample.configMap("a", data: data), kind: kind, namespace: "default", name: "a", force: force,
        context: Sample.context("rollcall", after: seconds))
    }
    let (created, isNew) = try apply(["x": "1"], after: 0)
    #expect(isNew)
    let (again, isNewAgain) = try apply(["x": "1"], after: 60)
    #expect(!isNewAgain && again.version == created.version)

    _ = try store.modify(kind, namespace: "default", name: "a", context: Sample.context("kubectl-edit", after: 70)) { live in
      var live = live
      live["data"]?["x"] = "2"
      return live
    }
    let failure = #expect(throws: APIFailure.self) { try apply(["x": "1"], after: 80) }
    #expect(failure?.message == "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .data.x")
    let (forced, _) = try apply(["x": "1"], force: true, after: 90)
    let managers = ManagedFields(of: try forced.decoded(as: kind)).entries
    #expect(managers.map(\.key.name) == ["rollcall"])
  }

  @Test func `an empty map is owned but not stored`() throws {
    let kind = ResourceTable.configMaps
    var store = Sample.store()
    func apply(_ manager: String, force: Bool = false) throws -> StoredObject {
      try store.apply(Sample.configMap("a"), kind: kind, namespace: "default", name: "a", force: force, context: Sample.context(manager))
        .object
    }
    let created = try apply("one")
    let value = try created.decoded(as: kind)
    #expect(value["data"] == nil && value["metadata"]?["labels"] == nil)
    #expect(value["metadata"]?["managedFields"]?[0]?["fieldsV1"] == ["f:data": [:], "f:metadata": ["f:labels": [:]]])
    #expect(try apply("one").version == created.version)
    let failure = #expect(throws: APIFailure.self) { try apply("two") }
    #expect(failure?.message == "Apply failed with 2 conflicts: conflicts with \"one\":\n- .data\n- .metadata.labels")
    let managers = ManagedFields(of: try apply("two", force: true).decoded(as: kind)).entries
    #expect(managers.map(\.key.name) == ["two"])
  }

  @Test func `empty structs are stored`() throws {
    let kind = ResourceTable.pods
    var pod = Sample.pod("a")
    pod["spec"]?["volumes"] = [["name": "scratch", "emptyDir": [:]]]
    pod["spec"]?["nodeSelector"] = [:]
    pod["spec"]?["tolerations"] = []
    var store = Sample.store()
    let specification = try store.create(pod, kind: kind, namespace: "default", context: Sample.context()).decoded(as: kind)["spec"]
    #expect(specification?["volumes"]?[0]?["emptyDir"] == [:])
    #expect(specification?["nodeSelector"] == nil && specification?["tolerations"] == nil)
  }

  @Test func `apply with an outdated resourceVersion conflicts`() throws {
    let kind = ResourceTable.configMaps
    var store = Sample.store()
    _ = try store.create(Sample.configMap("a"), kind: kind, namespace: "default", context: Sample.context())
    var configuration = Sample.configMap("a")
    configuration.setMetadata("resourceVersion", "1")
    let failure = #expect(throws: APIFailure.self) {
      try store.apply(configuration, kind: kind, namespace: "default", name: "a", force: true, context: Sample.context())
    }
    #expect(failure?.code == 409)
  }

  @Test func `the status is applied separately`() throws {
    let kind = ResourceTable.nodes
    var store = Sample.store()
    _ = try store.put(Sample.node("n"), kind: kind, context: Sample.context(nil, part: .everything))
    let configuration = try Sample.object(
      #"{"metadata":{"name":"n","labels":{"x":"y"}},"status":{"conditions":[{"type":"Silent","status":"True"}]}}"#)
    let (stored, _) = try store.apply(
      configuration, kind: kind, namespace: "", name: "n", force: false, context: Sample.context("probe", part: .status))
    let value = try stored.decoded(as: kind)
    #expect(value["status"]?["conditions"]?.array?.compactMap { $0["type"]?.string } == ["Ready", "Silent"])
    #expect(value.labels["x"] == nil)
    #expect(ManagedFields(of: value).entries.keys.first?.subresource == "status")
  }
}
