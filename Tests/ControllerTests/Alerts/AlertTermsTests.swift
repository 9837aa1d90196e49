import JSON
import KubeClient
import Roll
import Testing

@testable import Controller

/// Alerts whose labels policies set.
@Suite struct AlertTermsTests {
  private func gap(_ pod: String, _ terms: AlertTerms?, since: Double = 0) -> Gap {
    var gap = cartGap(pod, since: since)
    gap.terms = terms.map { ContainerTerms(policies: ["p"], alerts: $0) }
    return gap
  }

  private let critical = AlertTerms(severity: "critical", labels: ["team": "payments"])

  private func labels(_ alert: Alert) -> JSONValue {
    alert.postable(startsAt: 0, endsAt: 1, labels: ["team": "everybody", "cluster": "east"])["labels"] ?? .null
  }

  @Test func `R127: an alert has the severity and the labels of policies`() {
    let plain = labels(.gap(gap("a", nil), workload: nil))
    #expect(plain["severity"] == "warning" && plain["team"] == "everybody")
    let labelled = labels(.gap(gap("a", critical), workload: nil))
    #expect(labelled["severity"] == "critical" && labelled["team"] == "payments" && labelled["cluster"] == "east")
    #expect(labelled["alertname"] == "RollcallContainerUncollected" && labelled["pod"] == "a")
  }

  @Test func `R127: gaps with other labels have alerts of their own, on a node and of a workload`() {
    var grouping = AlertGrouping()
    let mixed = (0..<4).map { gap("plain-\($0)", nil) } + (0..<4).map { gap("labelled-\($0)", critical) }
    let down = [NodeGaps(node: "w1", collection: .nothing, expected: 8, gaps: mixed)]
    let onNode = grouping.alerts(for: down, at: moment(0)) { _ in nil }
    #expect(onNode.map(\.gapCount) == [4, 4] && onNode.map { labels($0)["severity"] } == ["warning", "critical"])
    #expect(onNode.map { labels($0)["alertname"] } == ["RollcallNodeUncollected", "RollcallNodeUncollected"])
    grouping = AlertGrouping()
    let up = [NodeGaps(node: "w1", collection: .some, expected: 20, gaps: mixed)]
    let ofWorkload = grouping.alerts(for: up, at: moment(0)) { _ in Workload(kind: "Deployment", name: "cart") }
    #expect(ofWorkload.map(\.gapCount) == [4, 4] && Set(ofWorkload.map(\.key)).count == 2)
    #expect(grouping.groups.workloads.count == 2)
    let sharded = ofWorkload[0].postable(startsAt: 0, endsAt: 1, shard: "3")["labels"]
    #expect(sharded?["shard"] == "3" && labels(ofWorkload[0])["shard"] == nil)
  }

  /// The alerts in the next requests: severity, and whether they have ended.
  private func sent(_ state: inout AlertmanagerState, at seconds: Double) -> [String] {
    var found: [String] = []
    while let batch = state.nextBatch(at: moment(seconds)) {
      let now = 1_700_000_000_000 + Int64(seconds * 1000)
      for alert in batch.alerts.array ?? [] {
        let hasEnded = (alert["endsAt"]?.string ?? "") <= rfc3339(now)
        let summary = alert["annotations"]?["summary"]?.string ?? ""
        found.append("\(alert["labels"]?["severity"]?.string ?? "")\(hasEnded ? " ended: \(summary)" : "")")
      }
      state.accepted(batch, date: now, at: moment(seconds))
    }
    return found
  }

  @Test func `R127: an alert whose labels change ends after its successor was accepted`() {
    var state = AlertmanagerState(policy: AlertPolicy())
    func update(_ terms: AlertTerms?, at seconds: Double) {
      state.update(
        alerts: [.gap(gap("a", terms), workload: nil)],
        at: ClockReading(moment: moment(seconds), unixMilliseconds: 1_700_000_000_000 + Int64(seconds * 1000)))
    }
    update(nil, at: 0)
    #expect(sent(&state, at: 0) == ["warning"])
    update(critical, at: 10)
    #expect(sent(&state, at: 10) == ["critical"], "the old one goes on until the new one is accepted")
    update(critical, at: 11)
    #expect(sent(&state, at: 11) == ["warning ended: Not resolved, but now part of RollcallContainerUncollected of shop/a/cart"])
    update(critical, at: 12)
    #expect(sent(&state, at: 12).isEmpty)
  }

  @Test func `R127: groups with labels survive a change of leader`() throws {
    let groups = AlertGroups(
      nodes: [NodeAlertKey(node: "w1", source: .linux, kind: .uncollected, terms: critical)],
      workloads: [
        WorkloadAlertKey(namespace: "shop", workload: Workload(kind: "Deployment", name: "cart"), kind: .uncollected),
        WorkloadAlertKey(namespace: "shop", workload: Workload(kind: "Deployment", name: "cart"), kind: .uncollected, terms: critical),
      ])
    let archive = GapArchive().configMap(of: [], groups: groups, namespace: "rollcall").object
    #expect(try GapArchive().content(of: archive).groups == groups)
  }
}
