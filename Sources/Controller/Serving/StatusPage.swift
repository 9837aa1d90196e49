internal import HTTPTypes
import KubeClient
import Roll

/// The status page: expected and missing containers with the reasons, node by node. One document without scripts or external resources,
/// bounded in size.
struct StatusPage {
  private static let maximumGaps = 500
  private static let maximumNodes = 1000

  private let controller: ControllerStatus

  init(_ controller: ControllerStatus) {
    self.controller = controller
  }

  func response() -> ServerResponse {
    var response = ServerResponse(status: .ok, contentType: "text/html; charset=utf-8", body: .whole(Array(html().utf8)))
    response.headers[.contentSecurityPolicy] = "default-src 'none'; style-src 'unsafe-inline'"
    return response
  }

  private func html() -> String {
    var page = HTML()
    page.markup(
      """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="15">
      <meta name="viewport" content="width=device-width"><title>Rollcall</title>
      <style>
      body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222;background:#fff}
      table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25em .75em .25em 0;border-bottom:1px solid #ddd;vertical-align:top}
      h1,h2{font-weight:600}nav a{margin-right:1em}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}a{color:#9cf}}
      </style></head><body>
      <h1>Rollcall</h1>
      <nav><a href="/metrics">metrics</a><a href="/api/v1/coverage">coverage</a><a href="/api/v1/gaps">gaps</a><a href="/api/v1/nodes">nodes</a>
      <a href="/sd/v1/targets">targets</a><a href="/readyz">readiness</a></nav>

      """)
    let waiting = controller.readiness.status.filter { $0.problem != nil }
    let leadership = controller.leadership.status
    if !waiting.isEmpty {
      page.heading("Not ready")
      page.table(["check", "problem"], waiting.map { [$0.name, $0.problem ?? ""] })
    } else if !leadership.isLeader, !controller.ledger.isComplete {
      page.paragraph(
        "This replica does not lead; \(leadership.holder.map { "\($0) does" } ?? "no replica does yet"). The leader has the ledger.")
    }
    let broken = controller.watches.status.filter { ($0.isListed || !$0.isRequired) && $0.problem != nil }
    if !broken.isEmpty {
      page.heading("Not in sync with the API server")
      page.table(["resource", "problem"], broken.map { [$0.resource, $0.problem ?? ""] })
      page.paragraph("The data below may be outdated.")
    }
    if controller.ledger.isComplete {
      ledger(&page)
      if controller.coverage.status.mode != .off { scrapes(&page) }
    }
    page.paragraph(
      "Version \(controller.version). Rolls are called every \(controller.settings.interval.text); a container is a gap after \(controller.settings.threshold.text)."
    )
    page.markup("</body></html>\n")
    return page.source
  }

  private func ledger(_ page: inout HTML) {
    let now = controller.time.now
    let ledger = controller.ledger.snapshot()
    let nodes = ledger.coverage(at: now)
    let gaps = ledger.oldestGaps(Self.maximumGaps)
    let gapCount = ledger.openGapCount
    let expected = nodes.reduce(0) { $0 + $1.expected }
    let collected = nodes.reduce(0) { $0 + $1.collected }
    let exempt = nodes.reduce(0) { $0 + $1.exempt.values.reduce(0, +) }
    page.paragraph("\(collected) of \(expected) containers collected on \(nodes.count) nodes, \(exempt) exempt, \(gapCount) gaps.")
    let withheld = ledger.withheldGaps.values.reduce(0, +)
    if withheld > 0 {
      page.paragraph(
        "\(withheld) containers were not found and may be gone, as the rolls are stale (RollStale); they are not counted as gaps.")
    }

    page.heading("Gaps")
    if gaps.isEmpty {
      page.paragraph("None.")
    } else {
      page.table(
        ["container", "workload", "node", "source", "kind", "age", "reason", "detail"],
        gaps.map { gap in
          [
            "\(gap.container.namespace)/\(gap.container.pod)/\(gap.container.container)",
            controller.workload(gap.container).map { "\($0.kind) \($0.name)" } ?? "–", gap.node, gap.source.rawValue, gap.kind.rawValue,
            (now - gap.since).inWholeSeconds.text, gap.reason.rawValue, gap.detail,
          ]
        })
      if gapCount > gaps.count { page.paragraph("The oldest \(gaps.count) of \(gapCount) are shown; /api/v1/gaps has all.") }
    }

    page.heading("Nodes")
    let notes = controller.rolls.snapshot().notes
    page.table(
      ["node", "source", "address", "ready", "collected", "exempt", "gaps", "notes"],
      nodes.prefix(Self.maximumNodes).map { node in
        [
          node.node, node.source.rawValue, node.address ?? "–", node.ready ? "yes" : "no", "\(node.collected) of \(node.expected)",
          Exemption.allCases.compactMap { reason in node.exempt[reason].map { "\($0) \(reason.rawValue)" } }.joined(separator: ", "),
          "\(node.gaps)", (notes[node.node] ?? []).joined(separator: "; "),
        ]
      })
    if nodes.count > Self.maximumNodes {
      page.paragraph("The first \(Self.maximumNodes) of \(nodes.count) are shown; /api/v1/nodes has all.")
    }

    let refused = controller.publication.status.values.flatMap(\.refused).sorted {
      ($0.target.node, $0.target.address) < ($1.target.node, $1.target.address)
    }
    if !refused.isEmpty {
      page.heading("Targets that cannot be published")
      page.table(
        ["node", "reason"], refused.prefix(Self.maximumNodes).map { [$0.target.node, "\($0.refusal)"] })
    }
  }

  private func scrapes(_ page: inout HTML) {
    let summary = controller.coverage.summary
    let counts = summary.counts
    let reached = summary.scrapers.count { $0.isReached }
    page.heading("Scrapes")
    page.paragraph(
      "\(counts[.scraped] ?? 0) of \(counts.values.reduce(0, +)) that are asked for happen, \(counts[.broken] ?? 0) do not; "
        + "\(reached) of \(summary.scrapers.count) scrapers reached. /api/v1/scrapes has all.")
    let away = summary.scrapers.filter { !$0.isReached }.prefix(Self.maximumNodes)
    if !away.isEmpty { page.table(["scraper", "problem"], away.map { [$0.name, $0.error.map { "\($0)" } ?? ""] }) }
  }
}
