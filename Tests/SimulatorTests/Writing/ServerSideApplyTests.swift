import JSON
import Testing

@testable import Simulator

/// One step: a manager applies a configuration, forced or not.
struct ApplyStep: Sendable {
  var manager: String
  var configuration: JSONValue
  var isForced = false
}

/// Steps, and what comes of them: the object without what every object has, or the fields in conflict.
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
      testDescription: "what a manager no longer names goes",
      steps: [
        ApplyStep(manager: "a", configuration: ["data": ["x": "1", "y": "2"]]),
        ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]),
      ],
      expected: ["data": ["x": "1"]]),
    ApplyCase(
      testDescription: "an object that nothing is left of goes",
      steps: [ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]), ApplyStep(manager: "a", configuration: [:])],
      expected: [:]),
    ApplyCase(
      testDescription: "what another owns too stays",
      steps: [
        ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]), ApplyStep(manager: "b", configuration: ["data": ["x": "1"]]),
        ApplyStep(manager: "a", configuration: ["data": ["y": "1"]]),
      ],
      expected: ["data": ["x": "1", "y": "1"]]),
    ApplyCase(
      testDescription: "another value of what another owns is a conflict",
      steps: [
        ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]), ApplyStep(manager: "b", configuration: ["data": ["x": "2"]]),
      ],
      expected: ["data": ["x": "1"]], conflicts: [".data.x"]),
    ApplyCase(
      testDescription: "force takes it over, and the other no longer removes it",
      steps: [
        ApplyStep(manager: "a", configuration: ["data": ["x": "1"]]),
        ApplyStep(manager: "b", configuration: ["data": ["x": "2"]], isForced: true), ApplyStep(manager: "a", configuration: [:]),
      ],
      expected: ["data": ["x": "2"]]),
    ApplyCase(
      testDescription: "elements of a list merge by their key, with its default",
      steps: [
        ApplyStep(manager: "a", configuration: ports([["port": 80, "name": "http"]])),
        ApplyStep(
          manager: "b", configuration: ports([["port": 80, "protocol": "TCP", "appProtocol": "h2"], ["port": 443, "name": "https"]])),
      ],
      expected: ports([["port": 80, "name": "http", "protocol": "TCP", "appProtocol": "h2"], ["port": 443, "name": "https"]])),
    ApplyCase(
      testDescription: "an element that its only owner no longer names goes",
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

  @Test(arguments: cases) func merge(_ test: ApplyCase) throws {
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

  @Test func fieldsRoundTripAsTheRealServerWritesThem() throws {
    let configuration: JSONValue = [
      "metadata": ["name": "x", "labels": ["app": "web"], "finalizers": ["a.io/b"]],
      "spec": ["ports": [["port": 80]], "selector": ["app": "web"], "empty": [:]],
    ]
    let set = FieldSet.named(in: configuration, schema: Self.services.schema).manageable
    let expected = try object(
      #"""
      {"f:metadata":{"f:labels":{"f:app":{}},"f:finalizers":{"v:\"a.io/b\"":{}}},
       "f:spec":{"f:empty":{},"f:selector":{},"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}
      """#)
    #expect(set.json == expected)
    #expect(FieldSet(json: set.json) == set)
  }

  @Test func applyingCreatesThenChangesNothingThenConflictsWithAnUpdate() throws {
    let kind = ResourceTable.configMaps
    var store = makeStore()
    func apply(_ data: [String: JSONValue], force: Bool = false, after seconds: Double) throws -> (object: StoredObject, isNew: Bool) {
      try store.apply(
        configMap("a", data: data), kind: kind, namespace: "default", name: "a", force: force, context: context("rollcall", after: seconds))
    }
    let (created, isNew) = try apply(["x": "1"], after: 0)
    #expect(isNew)
    let (again, isNewAgain) = try apply(["x": "1"], after: 60)
    #expect(!isNewAgain && again.version == created.version)

    _ = try store.modify(kind, namespace: "default", name: "a", context: context("kubectl-edit", after: 70)) { live in
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

  @Test func anEmptyMapIsOwnedAndNotKept() throws {
    let kind = ResourceTable.configMaps
    var store = makeStore()
    func apply(_ manager: String, force: Bool = false) throws -> StoredObject {
      try store.apply(configMap("a"), kind: kind, namespace: "default", name: "a", force: force, context: context(manager)).object
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

  @Test func structsWithoutAMemberAreKept() throws {
    let kind = ResourceTable.pods
    var pod = pod("a")
    pod["spec"]?["volumes"] = [["name": "scratch", "emptyDir": [:]]]
    pod["spec"]?["nodeSelector"] = [:]
    pod["spec"]?["tolerations"] = []
    var store = makeStore()
    let specification = try store.create(pod, kind: kind, namespace: "default", context: context()).decoded(as: kind)["spec"]
    #expect(specification?["volumes"]?[0]?["emptyDir"] == [:])
    #expect(specification?["nodeSelector"] == nil && specification?["tolerations"] == nil)
  }

  @Test func anotherVersionIsAConflict() throws {
    let kind = ResourceTable.configMaps
    var store = makeStore()
    _ = try store.create(configMap("a"), kind: kind, namespace: "default", context: context())
    var configuration = configMap("a")
    configuration.setMetadata("resourceVersion", "1")
    let failure = #expect(throws: APIFailure.self) {
      try store.apply(configuration, kind: kind, namespace: "default", name: "a", force: true, context: context())
    }
    #expect(failure?.code == 409)
  }

  @Test func theStatusIsAppliedOnItsOwn() throws {
    let kind = ResourceTable.nodes
    var store = makeStore()
    _ = try store.put(node("n"), kind: kind, context: context(nil, part: .everything))
    let configuration = try object(
      #"{"metadata":{"name":"n","labels":{"x":"y"}},"status":{"conditions":[{"type":"Silent","status":"True"}]}}"#)
    let (stored, _) = try store.apply(
      configuration, kind: kind, namespace: "", name: "n", force: false, context: context("probe", part: .status))
    let value = try stored.decoded(as: kind)
    #expect(value["status"]?["conditions"]?.array?.compactMap { $0["type"]?.string } == ["Ready", "Silent"])
    #expect(value.labels["x"] == nil)
    #expect(ManagedFields(of: value).entries.keys.first?.subresource == "status")
  }
}
