import JSON
import Testing

@testable import Controller

@Suite struct ObjectDiffTests {
  private let desired: JSONValue = ["metadata": ["labels": ["a": "1"]], "spec": ["ports": [["port": 80]]]]

  private func isAsDesired(_ live: JSONValue) -> Bool {
    Controller.isAsDesired(live: live, desired: desired, fieldManager: "rollcall")
  }

  @Test func `fields added by the server or by others are ignored`() {
    #expect(
      isAsDesired([
        "metadata": ["labels": ["a": "1", "theirs": "2"], "uid": "7"], "spec": ["ports": [["port": 80, "protocol": "TCP"]], "type": "x"],
      ]))
  }

  @Test(
    arguments: [
      ["metadata": ["labels": ["a": "2"]], "spec": ["ports": [["port": 80]]]],
      ["metadata": ["labels": [:]], "spec": ["ports": [["port": 80]]]],
      ["metadata": ["labels": ["a": "1"]], "spec": ["ports": [["port": 80], ["port": 81]]]],
      ["metadata": ["labels": ["a": "1"]], "spec": ["ports": []]],
      ["metadata": ["labels": ["a": "1"]], "spec": ["ports": "none"]],
      ["metadata": ["labels": ["a": "1"]]],
    ] as [JSONValue])
  func `any deviation from the desired fields is a difference`(live: JSONValue) {
    #expect(!isAsDesired(live))
  }

  private func live(ownedBy manager: String, operation: String) -> JSONValue {
    [
      "metadata": [
        "labels": ["a": "1", "release": "old"],
        "managedFields": [
          [
            "manager": .string(manager), "operation": .string(operation),
            "fieldsV1": [
              "f:metadata": ["f:labels": ["f:a": [:], "f:release": [:]]], "f:spec": ["f:ports": ["k:{\"port\":80}": [".": [:]]]],
            ],
          ]
        ],
      ],
      "spec": ["ports": [["port": 80]]],
    ]
  }

  @Test(
    arguments: [
      (["metadata": ["labels": ["a": "1", "b": "2"]], "spec": ["ports": [["port": 80, "protocol": "TCP"]]]], []),
      (["metadata": ["labels": ["a": "1"]]], ["spec"]),
      (["metadata": ["labels": ["a": "2"]], "spec": ["ports": [["port": 80]]]], ["metadata.labels.a"]),
      (["metadata": ["labels": [:]], "spec": ["ports": [["port": 81]]]], ["metadata.labels.a", "spec.ports[0].port"]),
      (["metadata": ["labels": ["a": "1"]], "spec": ["ports": []]], ["spec.ports"]),
    ] as [(JSONValue, [String])])
  func `R83: fields that the server did not store are found`(stored: JSONValue, paths: [String]) {
    #expect(fields(of: desired, notIn: stored) == paths)
  }

  /// An edited object: the label `a` is no longer ours.
  private func plan(managers: [(name: String, operation: String, fields: JSONValue)]) -> ChangePlan {
    var live: JSONValue = ["kind": "Service", "metadata": ["name": "s", "labels": ["a": "2"]], "spec": ["ports": [["port": 80]]]]
    live["metadata"]?["managedFields"] = .array(
      managers.map { ["manager": .string($0.name), "operation": .string($0.operation), "fieldsV1": $0.fields] })
    var desired = desired
    desired["kind"] = "Service"
    desired["metadata"]?["name"] = "s"
    let object = DesiredObject.json(desired)
    return ChangePlan(known: [object.name: KnownObject(read: live)], desired: [object]) { _ in desired }
  }

  @Test func `R84: an edit is taken back`() {
    let edit: JSONValue = ["f:metadata": ["f:labels": ["f:a": [:]]]]
    let other: JSONValue = ["f:metadata": ["f:labels": [".": [:], "f:team": [:]]], "f:spec": ["f:type": [:]]]
    #expect(plan(managers: [("kubectl-edit", "Update", edit)]).apply.map(\.force) == [true])
    #expect(plan(managers: [("kubectl-edit", "Update", edit), ("flux", "Apply", other)]).apply.map(\.force) == [true])
  }

  @Test func `R34: fields that another manager has applied are left to it`() {
    let shared: JSONValue = ["f:metadata": ["f:labels": ["f:a": [:]]]]
    #expect(plan(managers: [("flux", "Apply", shared)]).apply.map(\.force) == [false])
    #expect(plan(managers: [("flux", "Apply", ["f:spec": ["f:ports": [:]]])]).apply.map(\.force) == [false])
  }

  @Test func `an object that was not read is not taken from others`() {
    let object = DesiredObject.json(desired)
    #expect(ChangePlan(known: [:], desired: [object]) { _ in self.desired }.apply.map(\.force) == [false])
  }

  @Test func `a previously applied field that is no longer desired is a difference`() {
    #expect(!isAsDesired(live(ownedBy: "rollcall", operation: "Apply")))
    #expect(isAsDesired(live(ownedBy: "kubectl", operation: "Apply")))
    #expect(isAsDesired(live(ownedBy: "rollcall", operation: "Update")))
  }
}
