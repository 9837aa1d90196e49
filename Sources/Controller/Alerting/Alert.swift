internal import FoundationEssentials
import JSON
import Roll

/// What makes an alert the same alert. Alertmanager tells alerts apart by their labels, so the labels are made of this and of nothing else.
///
/// The reason is not among them: it may change while a gap is open, from `AgentTimeout` to `AgentUnreachable` say, and a new label would be
/// a new alert, with the old one reported as resolved. It is an annotation, which Alertmanager replaces in place.
struct AlertKey: Hashable, Comparable {
  var container: ContainerReference
  var node: String
  var source: Source
  var kind: GapKind

  init(_ gap: Gap) {
    container = gap.container
    node = gap.node
    source = gap.source
    kind = gap.kind
  }

  static func < (left: AlertKey, right: AlertKey) -> Bool {
    (left.container, left.node, left.source.rawValue, left.kind.rawValue) < (
      right.container, right.node, right.source.rawValue, right.kind.rawValue
    )
  }

  var name: String {
    switch kind {
    case .uncollected: "RollcallContainerUncollected"
    case .unscraped: "RollcallContainerUnscraped"
    }
  }

  var labels: JSONValue {
    [
      "alertname": .string(name),
      "severity": "warning",
      "namespace": .string(container.namespace),
      "pod": .string(container.pod),
      "container": .string(container.container),
      "node": .string(node),
      "source": .string(source.rawValue),
    ]
  }
}

/// What an alert says, for people; it may change while the alert goes on.
struct AlertText: Hashable {
  var reason: Reason
  var detail: String
}

/// An alert of the v2 API.
///
/// Format: `postableAlert` in github.com/prometheus/alertmanager/api/v2/openapi.yaml.
func postableAlert(_ key: AlertKey, _ text: AlertText, startsAt: Int64, endsAt: Int64) -> JSONValue {
  let what =
    switch key.kind {
    case .uncollected: "is not collected"
    case .unscraped: "is collected, and not scraped by Prometheus"
    }
  let name = "\(key.container.namespace)/\(key.container.pod)/\(key.container.container)"
  let detail = text.detail.isEmpty ? "" : " (\(text.detail))"
  return [
    "labels": key.labels,
    "annotations": [
      "summary": .string("Container \(name) \(what): \(text.reason.rawValue)"),
      "description": .string(
        "Container \(name) on \(key.source.rawValue) node \(key.node) \(what) since \(rfc3339(startsAt)). Reason: \(text.reason.rawValue)\(detail)."
      ),
      "reason": .string(text.reason.rawValue),
      "runbook": .string(advice(text.reason)),
    ],
    "startsAt": .string(rfc3339(startsAt)),
    "endsAt": .string(rfc3339(endsAt)),
  ]
}

/// RFC 3339 with milliseconds, in UTC.
func rfc3339(_ unixMilliseconds: Int64) -> String {
  Date(timeIntervalSince1970: Double(unixMilliseconds) / 1000).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
}
