import JSON
import Testing

@testable import Simulator

@Suite struct EventRulesTests {
  private static let event: JSONValue = [
    "apiVersion": "v1", "kind": "Event", "metadata": ["name": "web-1.1", "namespace": "default"], "type": "Warning",
    "eventTime": "2026-03-01T12:00:00.000000Z", "reportingComponent": "rollcall.dev/controller", "reportingInstance": "rollcall-0",
    "action": "CallingRoll", "reason": "NotCollected", "message": "nobody answers",
    "involvedObject": ["kind": "Pod", "namespace": "default", "name": "web-1"],
  ]

  struct Case: Sendable, CustomTestStringConvertible {
    var field: String
    var value: JSONValue?
    var problems: [String]
    /// Whether the core group rejects it as well.
    var isCommon = true
    var testDescription: String { "\(field): \(value.map { "\($0)" } ?? "absent")" }
  }

  private static let long: JSONValue = .string(String(repeating: "x", count: 129))
  static let cases: [Case] = [
    Case(field: "reason", problems: ["reason"]), Case(field: "reason", value: long, problems: ["reason"]),
    Case(field: "action", problems: ["action"]), Case(field: "reportingInstance", problems: ["reportingInstance"]),
    Case(field: "reportingInstance", value: long, problems: ["reportingInstance"]),
    Case(field: "reportingComponent", problems: ["reportingController", "reportingController", "reportingController"]),
    Case(field: "reportingComponent", value: "not a name", problems: ["reportingController"]),
    Case(field: "message", value: .string(String(repeating: "x", count: 1_025)), problems: ["message"]),
    Case(field: "message", value: .string(String(repeating: "x", count: 1_024)), problems: []),
    Case(field: "involvedObject", value: ["kind": "Node", "name": "n"], problems: []),
    Case(field: "type", value: "Bad", problems: ["type"], isCommon: false), Case(field: "type", problems: ["type"], isCommon: false),
    Case(field: "eventTime", problems: ["eventTime"], isCommon: false),
    Case(field: "firstTimestamp", value: "2026-03-01T12:00:00Z", problems: ["firstTimestamp"], isCommon: false),
    Case(field: "count", value: 2, problems: ["count"], isCommon: false),
    Case(field: "source", value: ["component": "x"], problems: ["source"], isCommon: false),
    Case(field: "series", value: ["count": 1], problems: ["series.count", "series.lastObservedTime"], isCommon: false),
    Case(field: "series", value: ["count": 2, "lastObservedTime": "2026-03-01T12:01:00.000000Z"], problems: []),
  ]

  @Test(arguments: cases) func `invalid Events are rejected`(_ test: Case) {
    var event = Self.event
    event[test.field] = test.value
    #expect(EventRules.validate(event, old: nil, rules: rules("events.k8s.io")).map(\.field) == test.problems)
    #expect(EventRules.validate(event, old: nil, rules: rules("")).map(\.field) == (test.isCommon ? test.problems : []))
  }

  @Test func `an Event must be in the namespace of its object`() {
    var event = Self.event
    event.setMetadata("namespace", "kube-system")
    event["involvedObject"] = ["kind": "Node", "name": "n"]
    #expect(EventRules.validate(event, old: nil, rules: rules("events.k8s.io")).isEmpty)
    event.setMetadata("namespace", "other")
    #expect(EventRules.validate(event, old: nil, rules: rules("events.k8s.io")).map(\.field) == ["involvedObject.namespace"])
  }

  @Test func `only the series of an Event can change`() {
    var event = Self.event
    event["series"] = ["count": 2, "lastObservedTime": "2026-03-01T12:01:00.000000Z"]
    #expect(EventRules.validate(event, old: Self.event, rules: rules("events.k8s.io")).isEmpty)
    event["message"] = "another"
    event["reason"] = "Another"
    #expect(EventRules.validate(event, old: Self.event, rules: rules("events.k8s.io")).map(\.field) == ["reason", "message"])
    #expect(EventRules.validate(event, old: Self.event, rules: rules("")).isEmpty)
  }

  private func rules(_ group: String) -> ServerRules { ServerRules(requestedGroup: group) }
}
