internal import KubeClient
internal import Roll

extension PageBuilder {
  /// Coverage at a glance: a bar for each source, what is missing and why, and a cell for each node or workload.
  func overviewView() throws(PageQuery.Problem) -> ViewBody {
    let nodes = ledger.nodeCounts(at: now)
    var total = CoverageCounts()
    var bySource: [Source: (nodes: Int, counts: CoverageCounts)] = [:]
    for node in nodes {
      total.add(node.counts)
      bySource[node.node.roll.source, default: (0, CoverageCounts())].nodes += 1
      bySource[node.node.roll.source, default: (0, CoverageCounts())].counts.add(node.counts)
    }
    let gaps = GapSelection(GapFilter(), order: .oldest, offset: 0, limit: 0, ledger: ledger, pods: source.pods())
    var fields: Fields = [
      "sentence": sentence(total), "nodeCount": nodes.count, "bar": bar(total, of: "All sources"), "total": numbers(total),
      "sources": Source.allCases.compactMap { source -> Fields? in
        guard let (nodes, counts) = bySource[source] else { return nil }
        var fields = numbers(counts)
        fields["source"] = source.rawValue
        fields["nodes"] = nodes
        fields["nodesURL"] = links.to(.nodes, PageQuery().with(.source, source.rawValue))
        fields["gapsURL"] = links.to(.gaps, PageQuery().with(.source, source.rawValue))
        fields["bar"] = bar(counts, of: source.rawValue)
        return fields
      },
      "reasons": gaps.byReason.map { reason, count -> Fields in
        var fields = self.reason(reason)
        fields["count"] = count
        fields["url"] = links.to(.gaps, PageQuery().with(.reason, reason.rawValue))
        fields["advice"] = advice(reason)
        return fields
      },
      "hasGaps": !gaps.byReason.isEmpty, "gapsURL": links.to(.gaps), "nodesURL": links.to(.nodes), "workloadsURL": links.to(.workloads),
      "historyURL": links.to(.history),
    ]
    fields.merge(scrapeFields()) { $1 }
    fields.merge(endedFields(source.endedGaps().suffix(5).reversed())) { $1 }
    if query[.list] == "workloads" {
      fields["grid"] = workloadGrid(ledger.workloadCounts(source.pods(), at: now), number: try query.pageNumber())
      fields["isOfWorkloads"] = true
    } else {
      fields["grid"] = nodeGrid(nodes, number: try query.pageNumber())
    }
    fields["gridNodesURL"] = links.to(.overview, query.with(.list, nil)) + "#grid"
    fields["gridWorkloadsURL"] = links.to(.overview, query.with(.list, "workloads")) + "#grid"
    return ViewBody(title: "Coverage", template: "overview", fields: fields)
  }

  private func scrapeFields() -> Fields {
    guard source.scrapes.status.mode != .off else { return [:] }
    let summary = source.scrapes.summary
    let counts = summary.counts
    return [
      "scrapes": [
        "scraped": counts[.scraped] ?? 0, "broken": counts[.broken] ?? 0, "waiting": counts[.waiting] ?? 0,
        "unknown": counts[.unknown] ?? 0, "asked": counts.values.reduce(0, +), "known": summary.scrapers.count,
        "reached": summary.scrapers.count { $0.isReached },
      ] as Fields,
      "scrapers": summary.scrapers.prefix(100).map(scraper), "moreScrapers": max(summary.scrapers.count - 100, 0),
      "hasMoreScrapers": summary.scrapers.count > 100, "hasScrapers": !summary.scrapers.isEmpty,
    ]
  }

  func scraper(_ scraper: ScraperStatus) -> Fields {
    var fields: Fields = ["name": scraper.name, "pools": scraper.pools, "targets": scraper.targets]
    fields["problem"] = scraper.error.map { short("\($0)") }
    // Only what a browser opens as a page.
    if let url = scraper.url, url.hasPrefix("http://") || url.hasPrefix("https://") {
      fields["url"] = (url.hasSuffix("/") ? String(url.dropLast()) : url) + "/targets"
    }
    return fields
  }
}
