internal import FoundationEssentials
import JSON
import Roll

/// What Alertmanager is told of.
enum Alert: Hashable {
  case gap(Gap)
  /// There are so many more gaps than have an alert of their own.
  case tooManyGaps(leftOut: Int)

  var key: AlertKey {
    switch self {
    case .gap(let gap): .gap(GapKey(gap))
    case .tooManyGaps: .tooManyGaps
    }
  }

  /// Whether it is to be sent at once, `old` having been sent before.
  func isNews(after old: Alert) -> Bool {
    guard case .gap(let gap) = self, case .gap(let oldGap) = old else { return false }
    return gap.reason != oldGap.reason
  }
}

/// What makes an alert the same alert. Alertmanager tells alerts apart by their labels, so the labels are made of this and of nothing else.
enum AlertKey: Hashable, Comparable {
  case tooManyGaps
  case gap(GapKey)
}

/// What makes a gap the same gap.
///
/// The reason is not part of it: it may change while a gap is open, from `AgentTimeout` to `AgentUnreachable` say, and a new label would be
/// a new alert, with the old one reported as resolved. It is an annotation, which Alertmanager replaces in place.
struct GapKey: Hashable, Comparable {
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

  static func < (left: GapKey, right: GapKey) -> Bool {
    (left.container, left.node, left.source.rawValue, left.kind.rawValue) < (
      right.container, right.node, right.source.rawValue, right.kind.rawValue
    )
  }
}

extension Alert {
  /// An alert of the v2 API.
  ///
  /// Format: `postableAlert` in github.com/prometheus/alertmanager/api/v2/openapi.yaml.
  func postable(startsAt: Int64, endsAt: Int64) -> JSONValue {
    [
      "labels": labels, "annotations": annotations(startsAt: startsAt), "startsAt": .string(rfc3339(startsAt)),
      "endsAt": .string(rfc3339(endsAt)),
    ]
  }

  private var labels: JSONValue {
    switch self {
    case .gap(let gap):
      [
        "alertname": .string(gap.kind == .uncollected ? "RollcallContainerUncollected" : "RollcallContainerUnscraped"),
        "severity": "warning",
        "namespace": .string(gap.container.namespace),
        "pod": .string(gap.container.pod),
        "container": .string(gap.container.container),
        "node": .string(gap.node),
        "source": .string(gap.source.rawValue),
      ]
    case .tooManyGaps: ["alertname": "RollcallTooManyGaps", "severity": "warning"]
    }
  }

  private func annotations(startsAt: Int64) -> JSONValue {
    switch self {
    case .gap(let gap):
      let what =
        switch gap.kind {
        case .uncollected: "is not collected"
        case .unscraped: "is collected, and not scraped by Prometheus"
        }
      let name = "\(gap.container.namespace)/\(gap.container.pod)/\(gap.container.container)"
      let detail = gap.detail.isEmpty ? "" : " (\(gap.detail))"
      return [
        "summary": .string("Container \(name) \(what): \(gap.reason.rawValue)"),
        "description": .string(
          "Container \(name) on \(gap.source.rawValue) node \(gap.node) \(what) since \(rfc3339(startsAt)). Reason: \(gap.reason.rawValue)\(detail)."
        ),
        "reason": .string(gap.reason.rawValue),
        "runbook": .string(advice(gap.reason)),
      ]
    case .tooManyGaps(let leftOut):
      return [
        "summary": .string("\(leftOut) more containers are not collected or not scraped than there are alerts for"),
        "description": .string(
          "There are too many gaps for an alert each: \(leftOut) have none. All of them are in Rollcall's metrics and in its API (/api/v1/gaps)."
        ),
        "runbook": "Look for what they have in common: count by (reason, node) (rollcall_container_gap).",
      ]
    }
  }
}

/// RFC 3339 with milliseconds, in UTC.
func rfc3339(_ unixMilliseconds: Int64) -> String {
  Date(timeIntervalSince1970: Double(unixMilliseconds) / 1000).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
}
