import Foundation
import HTTPTransport
import JSON
import KubeClient
import Primitives
import Roll
import Testing

@testable import Controller

@Suite struct PageTests {
  /// Every view of the sample cluster, with a subject that exists.
  static let views = [
    "/", "/?list=workloads", "/page/gaps", "/page/nodes", "/page/nodes?list=table", "/page/workloads", "/page/workloads?list=table",
    "/page/history", "/page/search?q=web", "/page/node?node=linux-1", "/page/workload?namespace=shop&workload=Deployment/web",
    "/page/container?namespace=shop&pod=web&container=quiet",
  ]

  @Test(arguments: views)
  func `R130: a view is one document with landmarks and table headers, and loads our own files only`(path: String) async throws {
    try await ServedController.run { served in
      served.publishSample()
      served.scrapes.set { $0.status.mode = .monitored }
      served.setSampleReports()
      let response = try await served.request(path)
      #expect(response.status == 200 && response.header("Content-Type") == "text/html; charset=utf-8")
      let policy = try #require(response.header("Content-Security-Policy"))
      #expect(policy.hasPrefix("default-src 'none'; style-src 'self'; script-src 'self';") && !policy.contains("unsafe"))
      let page = String(decoding: response.body, as: UTF8.self)
      for landmark in [
        "<html lang=\"en\">", "<header>", "<nav aria-label=\"Views\">", "<main id=\"main\"", "<h1>", "<footer>", "role=\"search\"",
      ] {
        #expect(page.components(of: landmark) == 1, "\(landmark)")
      }
      #expect(page.components(of: "<table>") == page.components(of: "<thead>"))
      for cell in page.split(separator: "<th").dropFirst() where !cell.hasPrefix("ead") {
        #expect(cell.hasPrefix(" scope=\"col\"") || cell.hasPrefix(" scope=\"row\""), "\(cell.prefix(40))")
      }
      #expect(
        !page.contains("{{") && !page.contains("Optional(") && !page.contains(" style=") && !page.contains("<style")
          && !page.contains(" on" + "click"))
      for address in page.addresses
      where !address.hasPrefix("https://rollcall.dev/docs/runbooks.md#") && !address.hasPrefix("http://10.0.0.1:9090/") {
        #expect(!address.contains("//"), "\(address)")
      }
    }
  }

  @Test func `R130: each link of a view leads somewhere`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      var seen: Set<String> = []
      for view in Self.views {
        for address in try await served.text(view).addresses where !address.hasPrefix("http") && !address.hasPrefix("#") {
          let target = resolved(address, from: view)
          guard seen.insert(target).inserted else { continue }
          #expect([200, 503].contains(try await served.request(target).status), "\(target) of \(view)")
        }
      }
      #expect(seen.count > 30)
    }
  }

  @Test func `R62: text of others is escaped, and ends no attribute`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      for path in ["/page/gaps", "/page/node?node=linux-1", "/page/container?namespace=shop&pod=web&container=quiet"] {
        let page = try await served.text(path)
        #expect(page.contains("no &lt;process&gt; with &quot;this&quot; ID") && !page.contains("<process>"), "\(path)")
        #expect(page.contains("5m1s") && page.contains("connection &lt;refused&gt;"), "\(path)")
      }
      let typed = try await served.text("/page/gaps?q=%22%20autofocus%20x=%3Cscript%3E%00%1B")
      #expect(typed.contains("value=\"&quot; autofocus x=&lt;script&gt;\u{fffd}\u{fffd}\""))
      #expect(!typed.contains("<script>"))
    }
  }

  @Test func `the overview has bars by source, reasons with runbooks, and a cell for each node or workload`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      let page = try await served.text("/")
      #expect(page.contains("Containers on 4 nodes: 3 of 4 covered, 1 gap, 2 exempt."))
      #expect(page.contains("aria-label=\"linux: 1 of 2 covered, 1 gap, 1 exempt\""))
      #expect(page.contains("<a href=\"page/gaps?reason=PidNotFound\">1</a>"))
      #expect(page.contains("https://rollcall.dev/docs/runbooks.md#pidnotfound"))
      #expect(
        page.contains("<a class=\"partly\" href=\"page/node?node=linux-1\"><b>linux-1: 1 gap of 2, 1 exempt</b></a>"))
      let workloads = try await served.text("/?list=workloads")
      #expect(workloads.contains("<a class=\"covered\" href=\"page/workload?namespace=shop&amp;workload=Pod/iis\">"))
    }
  }

  @Test func `gaps are filtered, and what does not exist matches nothing`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      let matching = [
        "", "?q=quiet", "?q=web/qui", "?q=LINUX-1", "?namespace=shop", "?node=linux-1", "?source=linux", "?kind=uncollected",
        "?reason=PidNotFound", "?namespace=shop&workload=Deployment/web", "?sort=newest", "?sort=container", "?sort=node", "?sort=reason",
        "?unknown=1",
      ]
      for query in matching { #expect(try await served.text("/page/gaps\(query)").contains("1 to 1 of 1 gaps"), "\(query)") }
      let others = [
        "?q=loud", "?namespace=shop2", "?node=linux-2", "?source=windows", "?kind=unscraped", "?reason=NoAgent", "?workload=Pod/iis",
      ]
      for query in others { #expect(try await served.text("/page/gaps\(query)").contains("0 to 0 of 0 gaps that match"), "\(query)") }
      for query in ["?source=mac", "?kind=x", "?reason=x", "?sort=x", "?page=0", "?page=x", "?workload=web"] {
        let refused = try await served.request("/page/gaps\(query)")
        #expect(refused.status == 400 && String(decoding: refused.body, as: UTF8.self).contains("This address is not right"), "\(query)")
      }
    }
  }

  @Test func `what is gone is 404, with words`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      for path in [
        "/page/node?node=gone", "/page/workload?namespace=shop&workload=Deployment/gone",
        "/page/container?namespace=shop&pod=gone&container=app",
        "/page/container?namespace=shop&pod=web&container=gone",
      ] {
        let response = try await served.request(path)
        #expect(response.status == 404 && String(decoding: response.body, as: UTF8.self).contains("gone"), "\(path)")
      }
      for path in ["/page/node", "/page/workload?namespace=shop", "/page/container?pod=web"] {
        #expect(try await served.request(path).status == 400, "\(path)")
      }
      #expect(try await served.request("/page/").status == 404)
      #expect(try await served.request("/page/overview").status == 404)
    }
  }

  @Test func `one node has its containers, those with gaps first, and the exempt ones`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      let page = try await served.text("/page/node?node=linux-1")
      let order = ["shop/web/quiet", "shop/web/app", "shop/web/old"].map { page.firstRange(of: ">\($0)</a>")?.lowerBound }
      #expect(order.allSatisfy { $0 != nil } && order.compactMap(\.self) == order.compactMap(\.self).sorted())
      #expect(page.contains("gap: not collected") && page.contains("exempt: NotRunning"))
    }
  }

  @Test func `what policies decide is shown with the policy, and what somebody may not have meant on every view`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      let quiet = policyObject("quiet-shop", ["namespaces": ["names": ["shop"]]], ["threshold": "10m", "alerts": ["severity": "info"]])
      served.policies.set { content in
        content.records = [PolicyRecord(quiet)]
        content.statuses = [
          PolicyStatus(
            name: "all", generation: 1, accepted: PolicyStatus.Condition(isTrue: true, reason: "Accepted", message: ""),
            applied: PolicyStatus.Condition(isTrue: true, reason: "ExemptsEverything", message: "no container <is> collected any more")),
          PolicyStatus(
            name: "usual", generation: 1, accepted: PolicyStatus.Condition(isTrue: true, reason: "Accepted", message: ""),
            applied: PolicyStatus.Condition(isTrue: true, reason: "Applied", message: "threshold 10m")),
        ]
      }
      for view in Self.views {
        let page = try await served.text(view)
        #expect(page.contains("<li>all: no container &lt;is&gt; collected any more</li>") && !page.contains("usual"), "\(view)")
      }
      let container = try await served.text("/page/container?namespace=shop&pod=web&container=app")
      #expect(container.contains("<th scope=\"row\">threshold</th><td>10m</td><td>quiet-shop</td>"))
      #expect(container.contains("<th scope=\"row\">severity of alerts</th><td>info</td><td>quiet-shop</td>"))
    }
  }

  @Test func `a broken scrape that a policy requires is a gap, and one that nothing requires is none`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      let link = BrokenLink.noMonitor(ports: [])
      let expectation = ScrapeExpectation(
        pod: PodIdentity(namespace: "shop", name: "web", uid: "u"), container: "app", request: .annotations(service: nil),
        outcome: .broken(link))
      served.scrapes.set {
        $0.status.mode = .monitored
        $0.explanations["shop/web"] = ScrapeExplanation(asks: [ScrapeAsk(expectation, .broken(.objects(link)))], nearest: nil)
      }
      let path = "/page/container?namespace=shop&pod=web&container=app"
      let words = "This is no gap by the settings and the policies."
      #expect(try await served.text(path).contains(words))
      served.policies.set { $0.records = [PolicyRecord(policyObject("strict", [:], ["scraping": "Required"]))] }
      let page = try await served.text(path)
      #expect(page.contains("<td>strict</td>") && page.contains("<section class=\"ask\"") && !page.contains(words))
    }
  }

  @Test func `the style sheet, the script and the icon have their types`() async throws {
    try await ServedController.run { served in
      for (path, type) in [
        ("/page/style.css", "text/css; charset=utf-8"), ("/page/script.js", "text/javascript; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
      ] {
        let response = try await served.request(path)
        #expect(response.status == 200 && response.header("Content-Type") == type && response.header("X-Content-Type-Options") == "nosniff")
      }
    }
  }

  @Test func `every template escapes as we do, and none leaves a text as it is`() {
    #expect(PageTemplates.sources.count == Set(PageTemplates.sources.map(\.name)).count)
    for (name, text) in PageTemplates.sources {
      #expect(!text.contains("{{{") && !text.contains("{{&"), "\(name)")
    }
  }

  @Test func `a query keeps its meaning through a link`() {
    let values = ["a b", "ä&=?#+%", "Deployment/web", "\"<>", "x:y~-._"]
    for value in values {
      var query = PageQuery()
      query[.q] = value
      let encoded = query.text.dropFirst("?q=".count)
      #expect(encoded.utf8.allSatisfy { $0 < 0x80 } && !encoded.contains { " &=?#+\"<>".contains($0) })
      #expect(String(encoded).removingPercentEncoding == value)
    }
    #expect(PageQuery([(name: "page", value: "2"), (name: "q", value: ""), (name: "x", value: "y")]).text == "?page=2")
    #expect(PageQuery([(name: "page", value: "2")]).with(.q, "a").text == "?q=a", "another selection begins with its first page")
  }
}

extension String {
  fileprivate func components(of text: String) -> Int { ranges(of: text).count }

  /// The values of `href` and `src`, unescaped.
  fileprivate var addresses: [String] {
    matches(of: /(?:href|src)="([^"]*)"/).map { String($0.1).replacing("&amp;", with: "&") }
  }
}

/// As a browser resolves a relative address.
private func resolved(_ address: String, from view: String) -> String {
  let address = address.prefix { $0 != "#" }
  let isOverview = !view.hasPrefix("/page/")
  if address.hasPrefix("../") { return "/" + address.dropFirst(3) }
  if address.hasPrefix("./") { return "/" + address.dropFirst(2) }
  return (isOverview ? "/" : "/page/") + address
}
