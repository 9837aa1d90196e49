internal import KubeClient
internal import Roll

extension PageBuilder {
  /// A row of a table of containers.
  func standingRow(_ standing: ContainerStanding, on ledger: NodeLedger, _ pods: StoreSnapshot<PodRecord>) -> Fields {
    var fields: Fields = [
      "container": container(standing.container), "node": node(ledger.roll.node), "state": standing.state.coverage.rawValue,
      "stateLabel": standing.state.label, "detail": short(standing.detail),
    ]
    fields["workload"] = workload(of: standing.container, pods)
    if let reason = standing.reason { fields["reason"] = self.reason(reason) }
    if let collected = standing.lastCollected { fields["collected"] = ago(collected) }
    if let since = standing.gapSince { fields["gap"] = ago(since) }
    return fields
  }

  func exemptRow(_ entry: ExemptEntry, node name: String, _ pods: StoreSnapshot<PodRecord>) -> Fields {
    var fields: Fields = [
      "container": container(entry.reference), "node": node(name), "state": CoverageState.exempt.rawValue,
      "stateLabel": ContainerState.exempt(entry.exemption).label,
    ]
    fields["workload"] = workload(of: entry.reference, pods)
    return fields
  }
}

extension ContainerState {
  var label: String {
    switch self {
    case .collected: "collected"
    case .waiting: "not collected yet"
    case .gap(.uncollected): "gap: not collected"
    case .gap(.unscraped): "gap: not scraped"
    case .exempt(let exemption): "exempt: \(exemption.rawValue)"
    }
  }

  var coverage: CoverageState {
    switch self {
    case .collected: .covered
    case .waiting: .waiting
    case .gap: .missing
    case .exempt: .exempt
    }
  }

  /// Containers with gaps come first in a table.
  var rank: Int { coverage.rank }
}
