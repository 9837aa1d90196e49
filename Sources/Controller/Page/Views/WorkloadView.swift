internal import KubeClient
internal import Primitives
internal import Roll

extension PageBuilder {
  private static let containersOnPage = 200
  private static let maximumScrapes = 100

  /// One workload: how its containers are covered and scraped.
  func workloadView() throws(PageQuery.Problem) -> ViewBody {
    let number = try query.pageNumber()
    guard let namespace = query[.namespace], let workload = query.workloadValue else {
      throw PageQuery.Problem(description: "name a workload: ?namespace=NAMESPACE&workload=KIND/NAME, such as Deployment/web")
    }
    let name = WorkloadName(namespace: namespace, workload: workload)
    let pods = source.pods()
    let members = members(of: name, pods)
    guard !members.rows.isEmpty || !members.exempt.isEmpty else {
      return .message(
        404, "No \(workload.kind) \(namespace)/\(workload.name)", ["No Pod of this workload has a container. It may be scaled to zero."])
    }
    let rows = members.rows.sorted { ($0.rank, $0.node.roll.node, $0.row) < ($1.rank, $1.node.roll.node, $1.row) }
    let first = (number - 1) * Self.containersOnPage
    let standing = rows.dropFirst(first).prefix(Self.containersOnPage).map {
      standingRow($0.node.standing(at: $0.row, now: now, threshold: ledger.threshold), on: $0.node, pods)
    }
    let exempt = members.exempt.dropFirst(max(first - rows.count, 0)).prefix(Self.containersOnPage - standing.count)
      .map { exemptRow($0.entry, node: $0.node, pods) }
    var fields: Fields = numbers(members.counts)
    fields["bar"] = bar(members.counts, of: "\(workload)")
    fields["sentence"] = sentence(members.counts)
    fields["namespace"] = namespace
    fields["pods"] = members.pods
    fields["gapsURL"] = links.to(.gaps, .workload(workload, namespace: namespace))
    fields["containers"] = standing + exempt
    fields["paging"] = paging(number, size: Self.containersOnPage, total: rows.count + members.exempt.count, what: "containers")
    fields["scrapes"] = scrapes(of: name)
    fields["isJudged"] = source.scrapes.status.mode != .off
    return ViewBody(title: "\(workload.kind) \(namespace)/\(workload.name)", template: "workload", fields: fields)
  }

  /// The containers of a workload.
  private struct Members {
    var rows: [(node: NodeLedger, row: Int, rank: Int)] = []
    var exempt: [(entry: ExemptEntry, node: String)] = []
    var counts = CoverageCounts()
    var pods = 0
  }

  private func members(of name: WorkloadName, _ pods: StoreSnapshot<PodRecord>) -> Members {
    var members = Members()
    let namespace = Name(name.namespace)
    var table = WorkloadTable(pods)
    var wanted = WantedWorkloads { $0 == name }
    for node in ledger.nodes.values {
      let own = table.members(onNode: node.roll.node)
      node.roll.entries.forEachPod { pod, positions in
        guard pod.namespace == namespace, let number = table.number(of: pod, own), wanted.contains(number, of: table) else { return }
        members.pods += 1
        for row in positions {
          let state = node.state(at: row, now: now, threshold: ledger.threshold)
          members.counts.add(state)
          members.rows.append((node, row, state.rank))
        }
      }
      for entry in node.roll.exempt where entry.reference.namespace == name.namespace {
        guard pods[ObjectKey(namespace: name.namespace, name: entry.reference.pod)]?.workloadName == name else { continue }
        members.counts.exempt += 1
        members.exempt.append((entry, node.roll.node))
      }
    }
    members.exempt.sort { $0.entry.reference < $1.entry.reference }
    return members
  }

  private func scrapes(of name: WorkloadName) -> [Fields] {
    source.scrapes.summary.groups.lazy.filter { $0.namespace == name.namespace && $0.workload == name.workload }
      .prefix(Self.maximumScrapes).map { group in
        var fields: Fields = [
          "by": group.request.text, "outcome": group.state.outcome.rawValue, "count": group.count, "detail": short(group.detail),
        ]
        if let reason = group.state.reason { fields["reason"] = self.reason(reason) }
        if !group.example.container.isEmpty { fields["example"] = container(group.example) }
        return fields
      }
  }
}
