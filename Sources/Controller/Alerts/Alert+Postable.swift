import JSON
import KubeClient
import Roll

extension Alert {
  /// The alert as the v2 API takes it.
  ///
  /// Format: `postableAlert` in github.com/prometheus/alertmanager/api/v2/openapi.yaml.
  /// - Parameters:
  ///   - labels: added unless the alert has labels of these names.
  ///   - shard: the label `shard` of an alert that other shards may have as well.
  ///   - runbooks: where the annotation `runbook_url` leads.
  ///   - successor: the alert that reports the gaps from now on, if this one ends because of it.
  func postable(
    startsAt: Int64, endsAt: Int64, labels external: [String: String] = [:], shard: String? = nil, runbooks: Runbooks = .standard,
    successor: AlertKey? = nil
  ) -> JSONValue {
    var own = self.labels
    if isOfSeveralNodes, let shard { own["shard"] = shard }
    var labels: JSONValue = [:]
    for (name, value) in external.merging(own, uniquingKeysWith: { _, own in own }) { labels[name] = .string(value) }
    var annotations: JSONValue = [:]
    for (name, value) in self.annotations(startsAt: startsAt) { annotations[name] = .string(value) }
    annotations["runbook_url"] = .string(runbookURL(runbooks))
    if let successor { annotations["summary"] = .string("Not resolved, but now part of \(successor.text)") }
    return [
      "labels": labels, "annotations": annotations, "startsAt": .string(rfc3339(startsAt)), "endsAt": .string(rfc3339(endsAt)),
    ]
  }

  /// The section about the reason, which says more than the one about the alert.
  private func runbookURL(_ runbooks: Runbooks) -> String {
    switch self {
    case .gap(let gap, _): runbooks.url(gap.reason)
    case .node(_, let group), .workload(_, let group): runbooks.url(group.reason)
    case .tooManyGaps: runbooks.section(key.name)
    }
  }

  private var isOfSeveralNodes: Bool {
    switch self {
    case .workload, .tooManyGaps: true
    case .gap, .node: false
    }
  }

  private var labels: [String: String] {
    var labels = key.terms.labels
    labels["alertname"] = key.name
    labels["severity"] = key.terms.severity ?? "warning"
    switch self {
    case .gap(let gap, let workload):
      labels["namespace"] = gap.container.namespace
      labels["pod"] = gap.container.pod
      labels["container"] = gap.container.container
      labels["node"] = gap.node
      labels["source"] = gap.source.rawValue
      labels["workload"] = workload?.name
      labels["workload_kind"] = workload?.kind
    case .node(let key, _):
      labels["node"] = key.node
      labels["source"] = key.source.rawValue
    case .workload(let key, _):
      labels["namespace"] = key.namespace
      labels["workload"] = key.workload.name
      labels["workload_kind"] = key.workload.kind
    case .tooManyGaps: break
    }
    return labels
  }

  private func annotations(startsAt: Int64) -> [String: String] {
    switch self {
    case .gap(let gap, _):
      let (state, stateSince) =
        switch gap.kind {
        case .uncollected: ("is not collected", "has not been collected since")
        case .unscraped where gap.reason.isOfScrapes:
          ("asks to be scraped by Prometheus and is not", "asks to be scraped by Prometheus and has not been since")
        case .unscraped: ("is collected but not scraped by Prometheus", "has been collected but not scraped by Prometheus since")
        }
      let name = gap.container.text
      return annotations(
        summary: "Container \(name) \(state)",
        description: "Container \(name) on \(gap.source.rawValue) node \(gap.node) \(stateSince) \(rfc3339(startsAt)).", reason: gap.reason,
        detail: gap.detail)
    case .node(let key, let group):
      let state = key.kind == .uncollected ? "No container on node \(key.node) is collected" : "Prometheus does not scrape node \(key.node)"
      return annotations(
        of: group, summary: state,
        description: "\(group.containers) on \(key.source.rawValue) node \(key.node) \(group.stateSince) \(rfc3339(startsAt)).")
    case .workload(let key, let group):
      let name = "\(key.workload.kind) \(key.namespace)/\(key.workload.name)"
      let state = key.kind == .uncollected ? "not collected" : "collected but not scraped by Prometheus"
      return annotations(
        of: group, summary: "\(group.count == 1 ? "A container" : "Containers") of \(name) \(group.count == 1 ? "is" : "are") \(state)",
        description: "\(group.containers) of \(name) \(group.stateSince) \(rfc3339(startsAt)).")
    case .tooManyGaps(let leftOut, _):
      return [
        "summary": "\(leftOut) open gaps are in no alert",
        "description": "Too many gaps are open for an alert each. Rollcall's metrics and API (/api/v1/gaps) have all of them.",
        "runbook": "Find what they have in common: count by (reason, node) (rollcall_container_gap).",
      ]
    }
  }

  private func annotations(of group: GapGroup, summary: String, description: String) -> [String: String] {
    let examples = group.examples.map(\.text).joined(separator: ", ")
    var annotations = annotations(
      summary: summary, description: "\(description) \(group.count > group.examples.count ? "Among them: " : "")\(examples).",
      reason: group.reason, detail: group.reason == group.oldest.reason ? group.oldest.detail : "")
    annotations["containers"] = "\(group.count)"
    return annotations
  }

  private func annotations(summary: String, description: String, reason: Reason, detail: String) -> [String: String] {
    [
      "summary": "\(summary): \(reason.rawValue)",
      "description": "\(description) Reason: \(reason.rawValue)\(detail.isEmpty ? "" : " (\(detail))").",
      "reason": reason.rawValue, "runbook": advice(reason),
    ]
  }
}

extension GapGroup {
  fileprivate var containers: String { count == 1 ? "1 container" : "\(count) containers" }

  fileprivate var stateSince: String {
    let verb = count == 1 ? "has" : "have"
    return switch oldest.kind {
    case .uncollected: "\(verb) not been collected, \(count == 1 ? "" : "the first ")since"
    case .unscraped: "\(verb) been collected but not scraped by Prometheus, \(count == 1 ? "" : "the first ")since"
    }
  }
}

extension ContainerReference {
  fileprivate var text: String { "\(namespace)/\(pod)/\(container)" }
}

extension AlertKey {
  /// The alert in messages: its name and what it is about.
  var text: String {
    switch self {
    case .tooManyGaps: name
    case .node(let key): "\(name) on node \(key.node)"
    case .workload(let key): "\(name) of \(key.workload.kind) \(key.namespace)/\(key.workload.name)"
    case .gap(let key): "\(name) of \(key.container.text)"
    }
  }

  /// The label `alertname`.
  var name: String {
    switch self {
    case .tooManyGaps: "RollcallTooManyGaps"
    case .node(let key): "RollcallNode\(key.kind.alertSuffix)"
    case .workload(let key): "RollcallWorkload\(key.kind.alertSuffix)"
    case .gap(let key): "RollcallContainer\(key.kind.alertSuffix)"
    }
  }
}

extension GapKind {
  fileprivate var alertSuffix: String { self == .uncollected ? "Uncollected" : "Unscraped" }
}
