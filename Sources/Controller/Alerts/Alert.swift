import JSON
import Roll

/// An alert, before it is encoded.
enum Alert: Hashable {
  case gap(Gap)
  /// `leftOut` gaps have no alert of their own.
  case tooManyGaps(leftOut: Int)

  var key: AlertKey {
    switch self {
    case .gap(let gap): .gap(GapKey(gap))
    case .tooManyGaps: .tooManyGaps
    }
  }

  /// Whether it must be sent at once although `old` was sent before: the reason changed.
  func hasNewReason(comparedWith old: Alert) -> Bool {
    guard case .gap(let gap) = self, case .gap(let oldGap) = old else { return false }
    return gap.reason != oldGap.reason
  }
}

/// The identity of an alert. Alertmanager identifies alerts by their labels, so the labels are derived from this key only.
enum AlertKey: Hashable, Comparable {
  case tooManyGaps
  case gap(GapKey)
}

/// The identity of a gap.
///
/// The reason is not part of it. It may change while a gap is open, for example from `AgentTimeout` to `AgentUnreachable`; as a label it
/// would start a new alert and resolve the old one. It is an annotation, which Alertmanager replaces in place.
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
  /// The alert as the v2 API takes it.
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
      let (state, stateSince) =
        switch gap.kind {
        case .uncollected: ("is not collected", "has not been collected since")
        case .unscraped: ("is collected but not scraped by Prometheus", "has been collected but not scraped by Prometheus since")
        }
      let name = "\(gap.container.namespace)/\(gap.container.pod)/\(gap.container.container)"
      let detail = gap.detail.isEmpty ? "" : " (\(gap.detail))"
      return [
        "summary": .string("Container \(name) \(state): \(gap.reason.rawValue)"),
        "description": .string(
          "Container \(name) on \(gap.source.rawValue) node \(gap.node) \(stateSince) \(rfc3339(startsAt)). Reason: \(gap.reason.rawValue)\(detail)."
        ),
        "reason": .string(gap.reason.rawValue),
        "runbook": .string(advice(gap.reason)),
      ]
    case .tooManyGaps(let leftOut):
      return [
        "summary": .string("\(leftOut) open gaps have no alert of their own"),
        "description": .string(
          "Too many gaps are open for an alert each. Rollcall's metrics and API (/api/v1/gaps) have all of them."
        ),
        "runbook": "Find what they have in common: count by (reason, node) (rollcall_container_gap).",
      ]
    }
  }
}
