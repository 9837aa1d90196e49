internal import JSON
internal import Primitives

/// A queued write: the creation of an Event, or an update of its series.
struct EventWrite: Hashable, Sendable {
  /// The key of the Event.
  var key: ObjectKey
  var event: ClusterEvent
  /// The time of the first occurrence.
  var time: Timestamp
  /// `nil` for a single event.
  var series: Series?
  /// Failed attempts that reached the API server.
  var attempts = 0

  struct Series: Hashable, Sendable {
    /// At least 2.
    var count: Int
    var lastTime: Timestamp

    var json: JSONValue { ["count": .integer(Int64(count)), "lastObservedTime": .string(lastTime.microTime)] }
  }

  /// As in kubernetes/pkg/apis/core/validation/events.go.
  private static let maximumNoteBytes = 1_024

  /// - Parameters:
  ///   - controller: the reporting controller, a qualified name such as `example.com/controller`.
  ///   - instance: the reporting process; truncated to 128 bytes.
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

  /// The merge patch for a series; the other fields of an Event are immutable.
  var patch: JSONValue? { series.map { ["series": $0.json] } }
}

/// Truncates at a character boundary.
private func cut(_ text: String, toBytes limit: Int) -> String {
  if text.utf8.count <= limit { return text }
  var rest = text[...]
  while rest.utf8.count > limit - 3 { rest.removeLast() }
  return rest + "…"
}
