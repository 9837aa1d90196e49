internal import Mustache
internal import Roll

/// The page for people: where containers are missing, and why. Rendered on the server, complete without scripts.
///
/// Each view computes what it shows from a snapshot of the ledger, without texts for what it does not show, and is bounded in bytes whatever
/// the size of the cluster.
struct Page: Sendable {
  private let source: PageSource

  init(_ source: PageSource) {
    self.source = source
  }

  /// - Parameter relay: the replica that asked for its client; `nil` for a client of our own.
  func content(of view: PageView, _ query: PageQuery, relay: String? = nil) async -> PageContent {
    let builder = PageBuilder(source: source, view: view, query: query)
    let body: ViewBody
    do throws(PageQuery.Problem) {
      body = try await builder.body()
    } catch {
      body = .message(400, "This address is not right", ["\(error)"])
    }
    return PageContent(status: body.status, html: Array(builder.html(body, relay: relay).utf8))
  }

  /// A view that has only a message.
  func message(_ title: String, _ lines: [String], status: Int, at view: PageView, _ query: PageQuery) -> PageContent {
    let builder = PageBuilder(source: source, view: view, query: query)
    return PageContent(status: status, html: Array(builder.html(.message(status, title, lines)).utf8))
  }
}

/// What differs between views.
struct ViewBody {
  var status = 200
  var title: String
  var template: String
  var fields: Fields

  static func message(_ status: Int, _ title: String, _ lines: [String]) -> ViewBody {
    ViewBody(status: status, title: title, template: "message", fields: ["lines": lines])
  }
}

/// Builds one view.
struct PageBuilder {
  let source: PageSource
  let view: PageView
  let query: PageQuery
  let links: PageLinks
  let reading: ClockReading
  let ledger: Ledger

  init(source: PageSource, view: PageView, query: PageQuery) {
    self.source = source
    self.view = view
    self.query = query
    links = PageLinks(current: view)
    reading = source.time.reading()
    ledger = source.ledger.snapshot()
  }

  var now: Moment { reading.moment }

  func body() async throws(PageQuery.Problem) -> ViewBody {
    guard source.ledger.isComplete else {
      let lines = ["It is not known yet which containers were collected. Look again in a few seconds."]
      return .message(view == .overview ? 200 : 503, "Not ready", lines)
    }
    return switch view {
    case .overview: try overviewView()
    case .gaps: try gapsView()
    case .nodes: try nodesView()
    case .workloads: try workloadsView()
    case .history: try historyView()
    case .search: searchView()
    case .node: try nodeView()
    case .workload: try workloadView()
    case .container: await containerView()
    }
  }

  func html(_ body: ViewBody, relay: String? = nil) -> String {
    var fields = body.fields
    fields["title"] = body.title
    fields["folder"] = links.folder
    fields["home"] = links.to(.overview)
    fields["views"] = PageView.navigation.map { item -> Fields in
      ["url": links.to(item.view), "label": item.label, "current": item.view == view]
    }
    fields["find"] = view == .search ? query[.q] ?? "" : ""
    fields["notices"] = source.notices().map { ["title": $0.title, "lines": $0.lines] as Fields }
    fields["version"] = source.version
    fields["interval"] = source.interval.text
    fields["threshold"] = source.threshold.text
    fields["time"] = time(reading.unixMilliseconds)
    fields["relay"] = relay
    fields["apiGaps"] = links.toServer("api/v1/gaps")
    fields["apiCoverage"] = links.toServer("api/v1/coverage")
    fields["apiNodes"] = links.toServer("api/v1/nodes")
    fields["metrics"] = links.toServer("metrics")
    fields["readiness"] = links.toServer("readyz")
    return PageTemplates.library.render(fields, withTemplate: body.template) ?? ""
  }
}
