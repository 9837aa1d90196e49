internal import HTTPTypes
internal import Hummingbird
internal import KubeClient
internal import Primitives
internal import Roll

/// The page over HTTP. A replica that does not lead serves the leader's.
struct PageServing {
  private let controller: ControllerStatus
  private let page: Page

  init(_ controller: ControllerStatus) {
    self.controller = controller
    page = Page(controller.page)
  }

  /// Nothing but our own files is loaded, no script or style is in the document, and no other page embeds it.
  private static let policy =
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    + "frame-ancestors 'none'"

  func response(to request: Request, view: PageView) async -> ServerResponse {
    let query = PageQuery(request.uri.queryParameters.lazy.map { (String($0.key), String($0.value)) })
    let relay = HTTPField.Name(LeaderPages.header).flatMap { request.headers[$0] }.map { String($0.prefix(253)) }
    if !controller.ledger.isComplete, !controller.leadership.status.isLeader {
      return await leadersPage(request, view: view, query, isRelayed: relay != nil)
    }
    return Self.html(await page.content(of: view, query, relay: relay))
  }

  func asset(_ asset: PageAsset) -> ServerResponse {
    let text = Array(asset.text.utf8)
    var response = ServerResponse(
      status: .ok, contentType: asset.contentType, body: .chunks(length: nil) { write in try await write(text) }, isCompressible: true)
    response.headers[.contentSecurityPolicy] = Self.policy
    return response
  }

  private func leadersPage(_ request: Request, view: PageView, _ query: PageQuery, isRelayed: Bool) async -> ServerResponse {
    guard let holder = controller.leadership.status.holder, !isRelayed else {
      let lines = ["This replica does not lead, and no replica does yet. Look again in a few seconds."]
      return Self.html(page.message("No leader", lines, status: 503, at: view, query))
    }
    let problem: String
    switch await controller.leader?.answer(to: request.target) {
    case .page(let status, let html):
      return Self.html(PageContent(status: status, html: html))
    case .problem(let text): problem = text
    case nil: problem = "This replica cannot ask it."
    }
    let lines = [
      "This replica does not lead; \(holder) does, and only the leader knows what was collected. \(problem)",
      "To see its page: kubectl port-forward pod/\(holder) \(controller.settings.listen.port), in the namespace of Rollcall.",
    ]
    return Self.html(page.message("The leader's page cannot be shown", lines, status: 503, at: view, query))
  }

  private static func html(_ content: PageContent) -> ServerResponse {
    var response = ServerResponse(
      status: HTTPTypes.HTTPResponse.Status(code: content.status), contentType: "text/html; charset=utf-8",
      body: .chunks(length: nil) { write in try await write(content.html) }, isCompressible: true)
    response.headers[.contentSecurityPolicy] = policy
    return response
  }
}

extension ControllerStatus {
  fileprivate var page: PageSource {
    PageSource(
      version: version, interval: settings.interval, threshold: settings.threshold, runbooks: settings.runbooks, time: time, rolls: rolls,
      ledger: ledger, pods: pods, scrapes: coverage, policies: policies.decision(on:), endedGaps: endedGaps, notices: { pageNotices })
  }

  /// What a person should know before the numbers.
  private var pageNotices: [PageNotice] {
    var notices: [PageNotice] = []
    func add(_ title: String, _ lines: [String]) {
      if !lines.isEmpty { notices.append(PageNotice(title: title, lines: lines)) }
    }
    if shard.count > 1 {
      add(
        "Shard \(shard.index) of \(shard.count)",
        ["These are the nodes of one shard. The other shards have pages of their own; /api/v1/coverage, gaps and nodes have all."])
    }
    let waiting = readiness.status.filter { $0.problem != nil }
    add("Not ready", waiting.map { "\($0.name): \($0.problem ?? "")" })
    let broken = watches.status.filter { ($0.isListed || !$0.isRequired) && $0.problem != nil }
    add("Not in sync with the API server: what is shown may be old", broken.map { "\($0.resource): \($0.problem ?? "")" })
    guard ledger.isComplete else { return notices }
    let withheld = ledger.snapshot().withheldGaps.values.reduce(0, +)
    if withheld > 0 {
      add(
        "The rolls are stale",
        ["\(withheld) containers were not found and may be gone (RollStale); they are not counted as gaps."])
    }
    let notable = policies.statuses.filter { Self.notablePolicies.contains($0.applied.reason) || !$0.accepted.isTrue }
    let lines = notable.prefix(Self.shownPolicies).map { status in
      "\(status.name): \(status.accepted.isTrue ? status.applied.message : status.accepted.message)"
    }
    add("Policies", notable.count > lines.count ? lines + ["and \(notable.count - lines.count) more; see /api/v1/policies"] : lines)
    let refused = publication.status.values.flatMap(\.refused).sorted {
      ($0.target.node, $0.target.address) < ($1.target.node, $1.target.address)
    }
    let shown = refused.prefix(Self.shownTargets).map { "\($0.target.node): \($0.refusal)" }
    add(
      "Targets that cannot be published",
      refused.count > shown.count ? shown + ["and \(refused.count - shown.count) more; see the log"] : shown)
    return notices
  }

  private static let shownTargets = 20
  private static let shownPolicies = 20
  /// What somebody may not have meant.
  private static let notablePolicies: Set<String> = ["ExemptsEverything", "Contradicted"]
}
