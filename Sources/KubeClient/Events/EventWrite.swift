internal import JSON

/// One write of an Event: its creation, or the newest state of its series.
struct EventWrite: Hashable, Sendable {
  /// Of the Event.
  var key: ObjectKey
  var event: ClusterEvent
  /// When it first happened.
  var time: Timestamp
  /// `nil` for an event that happened once.
  var series: Series?
  /// How often the API server failed to do it.
  var attempts = 0

  struct Series: Hashable, Sendable {
    /// At least 2.
    var count: Int
    var lastTime: Timestamp

    var json: JSONValue { ["count": .integer(Int64(count)), "lastObservedTime": .string(lastTime.microTime)] }
  }

  /// The limits are those of kubernetes/pkg/apis/core/validation/events.go.
  private static let maximumNoteBytes = 1_024

  /// - Parameters:
  ///   - controller: who reports, a qualified name such as `example.com/controller`.
  ///   - instance: which of several; what is over 128 bytes is cut off.
  func object(controller: String, instance: String) -> JSONValue {
    var object: JSONValue = [
      "apiVersion": "events.k8s.io/v1", "kind": "Event",
      "metadata": ["namespace": .string(key.namespace), "name": .string(key.name)],
      "eventTime": .string(time.microTime), "type": .string(event.type.rawValue), "reason": .string(event.reason),
      "action": .string(event.action), "note": .string(cut(event.note, toBytes: Self.maximumNoteBytes)),
      "reportingController": .string(controller), "reportingInstance": .string(cut(instance, toBytes: 128)),
    ]
    var regarding: JSONValue = [
      "apiVersion": .string(event.object.apiVersion), "kind": .string(event.object.kind), "name": .string(event.object.name),
      "uid": .string(event.object.uid),
    ]
    if !event.object.namespace.isEmpty { regarding["namespace"] = .string(event.object.namespace) }
    object["regarding"] = regarding
    if let series { object["series"] = series.json }
    return object
  }

  /// What changes of an Event whose series goes on; nothing else of it may.
  var patch: JSONValue? { series.map { ["series": $0.json] } }
}

/// As much of the text as fits, without a part of a character at its end.
private func cut(_ text: String, toBytes limit: Int) -> String {
  if text.utf8.count <= limit { return text }
  var rest = text[...]
  while rest.utf8.count > limit - 3 { rest.removeLast() }
  return rest + "…"
}
