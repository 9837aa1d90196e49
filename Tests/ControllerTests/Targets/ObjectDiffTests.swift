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

  @Test func `a previously applied field that is no longer desired is a difference`() {
    #expect(!isAsDesired(live(ownedBy: "rollcall", operation: "Apply")))
    #expect(isAsDesired(live(ownedBy: "kubectl", operation: "Apply")))
    #expect(isAsDesired(live(ownedBy: "rollcall", operation: "Update")))
  }
}
