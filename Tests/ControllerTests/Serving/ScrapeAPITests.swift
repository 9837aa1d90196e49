import HTTPTransport
import JSON
import KubeClient
import Primitives
import Roll
import Testing

@testable import Controller

@Suite struct ScrapeAPITests {
  private static let main = PrometheusID(.server, namespace: "monitoring", name: "main")
  private static let monitor = MonitorID(.serviceMonitor, namespace: "shop", name: "web")
  private static let request = ScrapeRequest.monitor(monitor, endpoint: 0, service: nil)
  private static let unmet = UnmetRequirement(key: "release", operator: .isIn, values: ["prom"], actual: nil)
  private static let notAdopted = BrokenLink.monitorNotAdopted([MonitorRefusal(prometheus: main, cause: .labels(unmet))])

  private func expectation(_ container: String?, _ request: ScrapeRequest = request, broken: BrokenLink? = nil) -> ScrapeExpectation {
    let target = ExpectedTarget(address: PodIP("10.1.0.7"), port: 8080)
    return ScrapeExpectation(
      pod: PodIdentity(namespace: "shop", name: "web", uid: "u"), container: container, request: request,
      outcome: broken.map { .broken($0) } ?? .target(target, .adopted([Adopter(prometheus: Self.main, role: .endpoints)])))
  }

  private var scraped: ScrapeAsk { ScrapeAsk(expectation("app"), .scraped(by: "main-0", age: .seconds(5), lagging: [])) }
  private var broken: ScrapeAsk {
    ScrapeAsk(expectation("quiet", broken: Self.notAdopted), .broken(.objects(Self.notAdopted)))
  }

  private func group(
    _ state: ScrapeGroup.State, _ namespace: String = "shop", _ name: String = "web", _ request: ScrapeRequest = request, count: Int = 1
  ) -> ScrapeGroup {
    ScrapeGroup(
      namespace: namespace, workload: Workload(kind: "Deployment", name: name), request: request, state: state, count: count,
      example: ContainerReference(namespace: namespace, pod: "\(name)-0", container: ""), detail: state == .scraped ? "" : "because")
  }

  private func outcome(_ asks: [ScrapeAsk], _ mode: ScrapeCoverageMode = .monitored) -> ChainExplanation.Outcome {
    PodExplanation(
      pod: podRecord("web", on: "linux-1", []), ScrapeExplanation(asks: asks, nearest: nil), container: nil, scrapers: [], mode: mode
    ).outcome
  }

  // MARK: explain

  @Test func `R119: a Pod is explained with every link, reason, fix and runbook`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      served.scrapes.set { $0.status.mode = .monitored }
      served.scrapes.set { $0.explanations["shop/web"] = ScrapeExplanation(asks: [scraped, broken], nearest: nil) }
      let whole = try await served.json("/api/v1/explain?namespace=shop&pod=web")
      #expect(whole["outcome"] == "broken" && whole["node"] == "linux-1" && whole["reason"] == nil)
      #expect(whole["asks"]?.array?.count == 2)
      let ask = try #require(whole["asks"]?[1])
      #expect(ask["reason"] == "MonitorNotAdopted" && ask["isGap"] == true && ask["by"] == "ServiceMonitor shop/web, endpoint 0")
      #expect(ask["detail"] == "Prometheus monitoring/main wants monitors with release=prom, and this one has no label release")
      #expect(ask["fix"]?.string?.hasPrefix("Add the label release: prom") == true)
      #expect(ask["runbook"] == "https://rollcall.dev/docs/runbooks.md#monitornotadopted")
      #expect(ask["links"]?.array?.map { $0["state"]?.string }.prefix(5) == ["holds", "holds", "holds", "broken", "unknown"])

      let one = try await served.json("/api/v1/explain?namespace=shop&pod=web&container=app")
      #expect(one["outcome"] == "scraped" && one["asks"]?.array?.count == 1)
    }
  }

  @Test func `R119: a Pod that nothing asks for says so, with the nearest monitor`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      served.scrapes.set { $0.status.mode = .monitored }
      let nearest = NearestMonitor(monitor: Self.monitor, difference: .namespace)
      served.scrapes.set { $0.explanations["shop/web"] = ScrapeExplanation(asks: [], nearest: nearest) }
      let explanation = try await served.json("/api/v1/explain?namespace=shop&pod=web")
      #expect(explanation["outcome"] == "broken" && explanation["reason"] == "NoMonitor" && explanation["fix"] != nil)
      #expect(explanation["nearest"] == "ServiceMonitor shop/web does not look in the Pod's namespace")
    }
  }

  @Test func `R119: what cannot be explained is an error that says why`() async throws {
    try await ServedController.run { served in
      let unready = try await served.request("/api/v1/explain?namespace=shop&pod=web")
      #expect(unready.status == 503)
      served.publishSample()
      served.scrapes.set { $0.status.mode = .monitored }
      for (query, status, text) in [
        ("", 400, "name a Pod"), ("?namespace=shop", 400, "name a Pod"), ("?namespace=shop&pod=nobody", 404, "no Pod shop/nobody"),
        ("?namespace=shop&pod=web&container=x", 404, "it has app, quiet, old"),
      ] {
        let response = try await served.request("/api/v1/explain\(query)")
        #expect(response.status == status && String(decoding: response.body, as: UTF8.self).contains(text), "\(query)")
      }
      served.scrapes.set { $0.status.mode = .off }
      for path in ["/api/v1/explain?namespace=shop&pod=web", "/api/v1/scrapes"] {
        let off = try await served.request(path)
        #expect(off.status == 404 && String(decoding: off.body, as: UTF8.self).contains("--scrape-coverage"))
      }
      #expect(try await served.request("/api/v1/rules-without-data").status == 200)
      served.ledger.reset()
      served.leadership.status = LeadershipStatus(isLeader: false, holder: "replica-1")
      for path in ["explain?namespace=shop&pod=web", "scrapes", "rules-without-data"] {
        let follower = try await served.request("/api/v1/\(path)")
        #expect(follower.status == 503 && String(decoding: follower.body, as: UTF8.self).contains("replica-1"))
      }
    }
  }

  @Test func `R119: a Pod is as its worst promise, or else as its best scrape`() {
    let hint = ScrapeAsk(expectation("app", .portName, broken: .noMonitor(ports: [])), .broken(.objects(.noMonitor(ports: []))))
    let unknown = ScrapeAsk(expectation("app", .annotations(service: nil)), .unknown(.noScrapers))
    let waiting = ScrapeAsk(expectation("app"), .waiting(for: .loaded))
    #expect(outcome([scraped, broken]) == .broken)
    #expect(outcome([unknown, scraped, waiting]) == .scraped)
    #expect(outcome([unknown, waiting]) == .waiting)
    #expect(outcome([unknown]) == .unknown)
    #expect(outcome([hint]) == .broken)
    #expect(outcome([hint, scraped]) == .scraped, "a name promises nothing")
    #expect(outcome([hint, scraped], .all) == .broken)
    #expect(outcome([]) == .broken)
  }

  // MARK: scrapes

  @Test func `R119: scrapes are listed by workload and request, selected and in pages`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      served.scrapes.set { $0.status.mode = .monitored }
      var summary = ScrapeSummary()
      summary.groups = [
        group(.scraped, count: 4), group(.unknown, "shop", "web", .annotations(service: nil)), group(.broken(.dropped), "shop", "worker"),
        group(.broken(.noSamples), "other"),
      ]
      summary.scrapers = [
        ScraperStatus(
          name: "monitoring/prometheus-main-0", prometheus: Self.main, shard: 0, url: "http://10.0.0.1:9090", error: nil, pools: 3,
          targets: 9)
      ]
      let listed = summary
      served.scrapes.set { $0.summary = listed }
      func list(_ query: String) async throws -> (workloads: [String?], next: JSONValue?) {
        let answer = try await served.json("/api/v1/scrapes\(query)")
        return (answer["scrapes"]?.array?.map { $0["workload"]?["name"]?.string } ?? [], answer["next"])
      }
      let all = try await served.json("/api/v1/scrapes")
      #expect(all["total"] == 4 && all["next"] == .null && all["scrapers"]?[0]?["reached"] == true)
      #expect(
        all["scrapes"]?[2] == [
          "namespace": "shop", "workload": ["kind": "Deployment", "name": "worker"], "by": "ServiceMonitor shop/web, endpoint 0",
          "request": ["kind": "ServiceMonitor", "namespace": "shop", "name": "web", "endpoint": 0, "service": nil], "state": "broken",
          "reason": "Dropped", "count": 1, "example": ["pod": "worker-0", "container": nil], "detail": "because",
        ])
      #expect(try await list("?namespace=other").workloads == ["web"])
      #expect(try await list("?workload=Deployment/worker").workloads == ["worker"])
      #expect(try await list("?monitor=shop/web&state=broken").workloads == ["worker", "web"])
      #expect(try await list("?reason=NoSamples").workloads == ["web"])
      let first = try await list("?limit=3")
      #expect(first.workloads.count == 3 && first.next == 3)
      let last = try await list("?limit=3&offset=3")
      #expect(last.workloads.count == 1 && last.next == .null)
      #expect(try await list("?offset=9").workloads.isEmpty)
      for query in ["?limit=0", "?limit=x", "?offset=-1", "?state=lost"] {
        #expect(try await served.request("/api/v1/scrapes\(query)").status == 400, "\(query)")
      }
    }
  }

  @Test func `R119: coverage and the status page have the sums, and how many scrapers were reached`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      served.scrapes.set { $0.status.mode = .monitored }
      served.setSampleReports()
      let coverage = try await served.json("/api/v1/coverage")["scrapes"]
      #expect(coverage == ["scraped": 3, "broken": 2, "waiting": 0, "unknown": 0, "scrapers": ["known": 1, "reached": 1]])
      #expect(try await served.text("/").contains("3 of 5 that are asked for happen, 2 do not; 1 of 1 scrapers reached."))
      #expect(try await served.text("/").contains("href=\"http://10.0.0.1:9090/targets\""))
      served.scrapes.set { $0.summary.scrapers[0].error = ScraperError(.timeout, url: "http://10.0.0.1:9090", "<slow>") }
      let page = try await served.text("/")
      #expect(page.contains("0 of 1 scrapers reached.") && page.contains("&lt;slow&gt;"))
      served.scrapes.set { $0.status.mode = .off }
      #expect(try await served.json("/api/v1/coverage")["scrapes"] == .null)
      #expect(try await !served.text("/").contains("scrapers reached"))
    }
  }

  @Test func `R119: series by workload are limited to those with the most containers`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      served.scrapes.set { $0.status.mode = .monitored }
      let groups = (0..<3000).map { group(.broken(.dropped), "shop", "w\($0)", count: $0 == 2999 ? 7 : 1) }
      served.scrapes.set { $0.summary.groups = groups }
      let page = try await served.text("/metrics").split(separator: "\n")
      #expect(page.count { $0.hasPrefix("rollcall_broken_scrapes{") } == 2000)
      #expect(page.contains { $0.hasPrefix("rollcall_broken_scrapes{") && $0.contains("\"w2999\"") && $0.hasSuffix(" 7") })
      #expect(page.contains("rollcall_broken_scrapes_left_out 1000"))
      #expect(page.contains("rollcall_expected_scrapes{outcome=\"broken\",reason=\"Dropped\"} 3006"))
    }
  }

  // MARK: Rules

  @Test func `R120: rules without data are listed with their metrics`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      served.scrapes.set { $0.status.mode = .monitored }
      let rule = RuleReference(namespace: "shop", object: "web", group: "one", kind: .alert, name: "Down", expression: "gone == 0")
      served.rules.status = RuleDataStatus(time: served.time.now, checked: 7, rules: [RuleWithoutData(rule: rule, metrics: ["gone"])])
      let answer = try await served.json("/api/v1/rules-without-data")
      #expect(answer["checked"] == 7 && answer["problem"] == .null && answer["time"]?.string?.hasPrefix("2023-11-14T22:18:21") == true)
      #expect(
        answer["rules"] == [["namespace": "shop", "prometheusRule": "web", "group": "one", "alert": "Down", "metrics": ["gone"]]])
      #expect(try await served.text("/metrics").contains("\nrollcall_rules_without_data 1\n"))
    }
  }
}
