import JSON

/// Validation of Events in their stored form. Events of the group events.k8s.io have additional rules.
/// Source: kubernetes/pkg/apis/core/validation/events.go.
enum EventRules {
  private static let maximumLength = 128
  private static let maximumNoteLength = 1_024

  @Sendable static func validate(_ event: JSONValue, old: JSONValue?, rules: ServerRules) -> [FieldProblem] {
    let problems = commonProblems(event)
    guard rules.requestedGroup == ResourceTable.newEvents.group else { return problems }
    guard let old else { return problems + seriesProblems(event) + creationProblems(event) }
    return problems + (event["series"] == old["series"] ? [] : seriesProblems(event)) + changeProblems(event, old)
  }

  /// An Event with an `eventTime` is of the new form and has more required fields.
  private static func commonProblems(_ event: JSONValue) -> [FieldProblem] {
    let (namespace, involved) = (event.namespace, text(event["involvedObject"], "namespace"))
    func mismatch() -> FieldProblem {
      FieldProblem(field: "involvedObject.namespace", reason: .invalid, value: involved, detail: "does not match event.namespace")
    }
    guard isSet(event["eventTime"]) else {
      return involved == namespace || involved.isEmpty && namespace == "default" ? [] : [mismatch()]
    }
    var problems = involved.isEmpty && !["default", "kube-system"].contains(namespace) ? [mismatch()] : []
    let controller = text(event, "reportingComponent")
    if controller.isEmpty { problems.append(FieldProblem(field: "reportingController", reason: .required, detail: "")) }
    problems += MetadataRules.problems(inKey: controller).map {
      FieldProblem(field: "reportingController", reason: .invalid, value: controller, detail: $0)
    }
    for field in ["reportingInstance", "action", "reason"] {
      let value = text(event, field)
      if value.isEmpty { problems.append(FieldProblem(field: field, reason: .required, detail: "")) }
      if value.utf8.count > maximumLength { problems.append(tooLong(field, maximumLength)) }
    }
    if text(event, "message").utf8.count > maximumNoteLength { problems.append(tooLong("message", maximumNoteLength)) }
    return problems
  }

  private static func seriesProblems(_ event: JSONValue) -> [FieldProblem] {
    guard let series = event["series"], series != .null else { return [] }
    var problems: [FieldProblem] = []
    if series["count"]?.integer ?? 0 < 2 { problems.append(invalid("series.count", "should be at least 2")) }
    if !isSet(series["lastObservedTime"]) {
      problems.append(FieldProblem(field: "series.lastObservedTime", reason: .required, detail: ""))
    }
    return problems
  }

  private static func creationProblems(_ event: JSONValue) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    if !isSet(event["eventTime"]) { problems.append(FieldProblem(field: "eventTime", reason: .required, detail: "")) }
    let type = text(event, "type")
    if !["Normal", "Warning"].contains(type) { problems.append(invalid("type", "has invalid value: \(type)")) }
    for field in ["firstTimestamp", "lastTimestamp"] where isSet(event[field]) { problems.append(invalid(field, "needs to be unset")) }
    if event["count"]?.integer ?? 0 != 0 { problems.append(invalid("count", "needs to be unset")) }
    if !(event["source"]?.object ?? [:]).isEmpty { problems.append(invalid("source", "needs to be unset")) }
    return problems
  }

  private static func changeProblems(_ event: JSONValue, _ old: JSONValue) -> [FieldProblem] {
    [
      "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type", "eventTime", "action", "related",
      "reportingComponent", "reportingInstance",
    ].filter { event[$0] != old[$0] }.map { invalid($0, "field is immutable") }
  }

  private static func text(_ object: JSONValue?, _ member: String) -> String { object?[member]?.string ?? "" }

  private static func isSet(_ value: JSONValue?) -> Bool { value != nil && value != .null && value != "" }

  private static func invalid(_ field: String, _ detail: String) -> FieldProblem {
    FieldProblem(field: field, reason: .invalid, value: "", detail: detail)
  }

  private static func tooLong(_ field: String, _ limit: Int) -> FieldProblem {
    invalid(field, "can have at most \(limit) characters")
  }
}
