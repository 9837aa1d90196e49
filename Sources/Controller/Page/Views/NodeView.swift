internal import KubeClient
internal import Roll

extension PageBuilder {
  private static let containersOnPage = 200

  /// One node: what it is, and its containers, those with gaps first.
  func nodeView() throws(PageQuery.Problem) -> ViewBody {
    let number = try query.pageNumber()
    guard let name = query[.node] else { throw PageQuery.Problem(description: "name a node: ?node=NAME") }
    guard let node = ledger.nodes[name] else {
      return .message(404, "No node \(name)", ["There is no Node of this name. It may be gone; its gaps have ended then."])
    }
    let pods = source.pods()
    let counts = node.counts(at: now, threshold: ledger.threshold)
    let rows = node.rows.indices.map { row in (row: row, rank: node.state(at: row, now: now, threshold: ledger.threshold).rank) }
      .sorted { ($0.rank, $0.row) < ($1.rank, $1.row) }
    let first = (number - 1) * Self.containersOnPage
    let standing = rows.dropFirst(first).prefix(Self.containersOnPage).map {
      standingRow(node.standing(at: $0.row, now: now, threshold: ledger.threshold), on: node, pods)
    }
    let exempt = node.roll.exempt.dropFirst(max(first - rows.count, 0)).prefix(Self.containersOnPage - standing.count)
      .map { exemptRow($0, node: name, pods) }
    var fields: Fields = numbers(counts)
    fields["bar"] = bar(counts, of: name)
    fields["sentence"] = sentence(counts)
    fields["source"] = node.roll.source.rawValue
    fields["address"] = node.roll.address ?? "–"
    fields["ready"] = node.roll.nodeReady ? "yes" : "no"
    fields["scraped"] = node.lastScrape.map(ago)
    fields["exemption"] = node.roll.exemption?.rawValue
    fields["addressHolder"] = node.roll.addressHolder.map { self.node($0) }
    fields["notes"] = (source.rolls.snapshot().notes[name] ?? []).prefix(20).map(short)
    fields["gapsURL"] = links.to(.gaps, .node(name))
    fields["containers"] = standing + exempt
    fields["isEmpty"] = standing.isEmpty && exempt.isEmpty
    fields["paging"] = paging(number, size: Self.containersOnPage, total: rows.count + node.roll.exempt.count, what: "containers")
    fields.merge(endedFields(source.endedGaps().filter { $0.node == name }.suffix(10).reversed())) { $1 }
    fields["historyURL"] = links.to(.history, .node(name))
    return ViewBody(title: "Node \(name)", template: "node", fields: fields)
  }
}
