import JSON
import KubeClient
import Primitives
import Roll
import TestSupport
import Testing

@testable import Controller

/// From what scrapers say to the verdicts on Pods, and to what the ledger and people get of them.
@Suite struct ScrapeViewTests {
  private static let pool = "podMonitor/shop/web/0"
  private static let uid = "5b6f1f0a-0000-4000-8000-000000000001"

  private let main = PrometheusID(.server, namespace: "shop", name: "main")
  private var expectations = ScrapeExpectations([
    ScrapeObjects.monitor(
      .podMonitor, ["selector": ["matchLabels": ["app": "web"]], "podMetricsEndpoints": [["port": "http"]]])
  ])
  private let pod = PodRecord(
    namespace: "shop", name: "web-0", uid: uid, nodeName: "node-a", phase: "Running", podIPs: ["10.1.0.7"],
    workload: Workload(kind: "StatefulSet", name: "web"), containers: [containerRecord("app"), containerRecord("sidecar")],
    labels: ["app": "web"], ports: ["app": [ContainerPort(name: "http", number: 8080)]])

  private func scraper(_ name: String = "shop/prometheus-main-0", of prometheus: PrometheusID?, shard: Int = 0) -> Scraper {
    Scraper(name: name, prometheus: prometheus, shard: shard, place: .url("http://10.0.0.1:9090"))
  }

  /// A scraper that was read at the given time.
  private func seen(
    _ name: String = "shop/prometheus-main-0", of prometheus: PrometheusID?, shard: Int = 0, pools: [String]? = [pool],
    _ targets: [JSONValue]? = [], at seconds: Double = 0
  ) throws -> ScrapeView.Seen {
    var reading = ScraperReading(notAsked: name, at: moment(seconds))
    reading.reached(pools, configuredAt: nil, droppedCounts: nil, at: moment(seconds))
    if let targets {
      reading.read(pools == nil ? "" : Self.pool, .success(try TargetTableTests.table(targets)), at: moment(seconds))
    }
    return ScrapeView.Seen(scraper: scraper(name, of: prometheus, shard: shard), reading: reading)
  }

  private func target(health: String = "up", error: String = "") -> JSONValue {
    TargetTableTests.target(address: "10.1.0.7:8080", uid: Self.uid, container: "app", health: health, error: error)
  }

  private mutating func verdict(_ seen: [ScrapeView.Seen], at seconds: Double = 0, age: Double = 1000) throws -> ScrapeChain.Verdict {
    let expectation = try #require(expectations.expectations(of: pod).first)
    let view = ScrapeView(seen, now: moment(seconds))
    return ScrapeChain.verdict(on: expectation, view.observation(of: expectation, pod, age: .seconds(age)))
  }

  private func reason(_ verdict: ScrapeChain.Verdict) -> Reason? {
    if case .broken(let cause) = verdict { cause.reason } else { nil }
  }

  // MARK: Verdicts

  @Test mutating func `R115: a target that a scraper has up is scraped, and its age includes that of our reading`() throws {
    guard case .scraped(let name, let age, _) = try verdict([try seen(of: main, [target()])], at: 20) else {
      Issue.record("not scraped")
      return
    }
    #expect(name == "shop/prometheus-main-0" && age == .milliseconds(33500))
  }

  @Test mutating func `R115: a scraper that is away makes no gap, and one that was not asked yet neither`() throws {
    var away = try seen(of: main)
    away.reading.fail(ScraperError(.unreachable, url: "x", "refused"))
    #expect(try verdict([away]) == .unknown(.notReached("Prometheus shop/main")))
    let new = ScrapeView.Seen(scraper: scraper(of: main), reading: ScraperReading(notAsked: "x", at: moment(0)))
    #expect(try verdict([new]) == .unknown(.notReached("Prometheus shop/main")))
    #expect(try verdict([]) == .unknown(.notReached("Prometheus shop/main")))
    // The pool exists, and its targets have not been read yet, or cannot be.
    #expect(try verdict([try seen(of: main, nil)]) == .unknown(.notReached("Prometheus shop/main")))
    var broken = try seen(of: main)
    broken.reading.read(Self.pool, .failure(ScraperError(.tooLarge, url: "x", "large")), at: moment(0))
    #expect(try verdict([broken]) == .unknown(.notReached("Prometheus shop/main")))
  }

  @Test mutating func `R115: a missing target is missing only if a replica of every shard was read`() throws {
    let first = try seen(of: main)
    var second = try seen("shop/prometheus-main-shard-1-0", of: main, shard: 1)
    #expect(reason(try verdict([first, second])) == .notDiscovered)
    second.reading.fail(ScraperError(.timeout, url: "x", "slow"))
    #expect(try verdict([first, second]) == .unknown(.shardsNotReached("Prometheus shop/main", [1])))
    #expect(reason(try verdict([try seen(of: main, pools: ["other"], nil)])) == .notLoaded)
  }

  @Test mutating func `R115: scrapers of the settings are asked instead of those of the objects, and one with the target is enough`() throws
  {
    let object = try seen(of: main)
    let urls = [try seen("http://a", of: nil, []), try seen("http://b", of: nil, [target()])]
    guard case .scraped(let name, _, _) = try verdict([object] + urls) else {
      Issue.record("not scraped")
      return
    }
    #expect(name == "http://b")
    #expect(reason(try verdict([urls[0]])) == .notDiscovered)
  }

  @Test mutating func `R115: a scraper without scrape pools is read as a whole`() throws {
    guard case .scraped = try verdict([try seen(of: main, pools: nil, [target()])]) else {
      Issue.record("not scraped")
      return
    }
    #expect(reason(try verdict([try seen(of: main, pools: nil, [])])) == .notDiscovered)
  }

  @Test mutating func `R118: what the operator and the rights say is part of the verdict`() throws {
    var knowledge = ScrapeKnowledge()
    let monitor = MonitorID(.podMonitor, namespace: "shop", name: "web")
    knowledge.rejections[.init(monitor: monitor, prometheus: main)] = MonitorRejection(message: "bad regex")
    knowledge.forbidden[.init(prometheus: main, namespace: "shop", role: .pod)] = (["pods"], moment(0))
    let expectation = try #require(expectations.expectations(of: pod).first)
    func verdict(_ seen: ScrapeView.Seen) -> ScrapeBreak? {
      let view = ScrapeView([seen], knowledge: knowledge, now: moment(0))
      let verdict = ScrapeChain.verdict(on: expectation, view.observation(of: expectation, pod, age: .seconds(1000)))
      if case .broken(let cause) = verdict { return cause } else { return nil }
    }
    #expect(verdict(try seen(of: main, pools: [], nil))?.reason == .rejected)
    #expect(verdict(try seen(of: main))?.detail.contains("pods") == true)
  }

  @Test mutating func `R117: a target whose samples are all dropped has no samples, whichever labels its series have`() throws {
    let expectation = try #require(expectations.expectations(of: pod).first)
    func verdict(_ instances: Set<ScrapedInstance>?, _ health: String = "up") throws -> ScrapeChain.Verdict {
      var scraper = try seen(of: main, [target(health: health)])
      scraper.reading.emptyScrapes = instances
      let view = ScrapeView([scraper], now: moment(0))
      return ScrapeChain.verdict(on: expectation, view.observation(of: expectation, pod, age: .seconds(1000)))
    }
    let own = ScrapedInstance(instance: "10.1.0.7:8080", namespace: "shop", pod: "web-0")
    #expect(reason(try verdict([own])) == .noSamples)
    #expect(reason(try verdict([own], "down")) == .scrapeFailing, "the earlier link counts")
    let others = [
      ScrapedInstance(instance: "10.1.0.7:8080", namespace: "shop", pod: "web-1"),
      ScrapedInstance(instance: "10.1.0.7:9090", namespace: "shop", pod: "web-0"),
      ScrapedInstance(instance: "10.1.0.7:8080", namespace: "", pod: ""),
    ]
    for instances in [Set(others), [], nil] {
      let verdict = try verdict(instances)
      #expect(verdict.outcome == .scraped, "\(verdict)")
    }
  }

  @Test mutating func `R117: a Prometheus object says why the operator leaves its configuration as it is`() throws {
    let expectation = try #require(expectations.expectations(of: pod).first)
    func cause(_ object: JSONValue) throws -> ScrapeBreak? {
      let record = PrometheusRecord(.server, object)
      let view = ScrapeView(
        [try seen(of: main, pools: [], nil)], obstacles: record.obstacle.map { [main: $0] } ?? [:], now: moment(0))
      let verdict = ScrapeChain.verdict(on: expectation, view.observation(of: expectation, pod, age: .seconds(1000)))
      if case .broken(let cause) = verdict { return cause } else { return nil }
    }
    let metadata: JSONValue = ["namespace": "shop", "name": "main"]
    func condition(_ status: String) -> JSONValue {
      ["conditions": [["type": "Reconciled", "status": .string(status), "message": "no Secret x"]]]
    }
    let paused = try #require(try cause(["metadata": metadata, "spec": ["paused": true], "status": condition("True")]))
    #expect(paused.reason == .notLoaded && paused.detail.contains("is paused"), "\(paused.detail)")
    #expect(paused.advice == "Set paused: false in Prometheus shop/main.")
    let failing = try #require(try cause(["metadata": metadata, "status": condition("False")]))
    #expect(failing.detail.hasSuffix("the operator cannot reconcile the object: no Secret x"), "\(failing.detail)")
    #expect(failing.advice.contains("what the operator names"))
    let well = try #require(try cause(["metadata": metadata, "status": condition("True")]))
    #expect(well.reason == .notLoaded && !well.detail.contains("operator"))
  }

  @Test func `R118: an event of the operator tells which monitor it refuses, and for whom`() throws {
    let event: JSONValue = [
      "reason": "InvalidConfiguration", "note": "\"shop/web\" was rejected due to invalid configuration: endpoints[0]: …",
      "regarding": ["kind": "ServiceMonitor", "namespace": "shop", "name": "web"],
      "related": ["kind": "Prometheus", "namespace": "monitoring", "name": "main"],
    ]
    let (key, rejection) = try #require(MonitorRejection.of(event))
    #expect(key.monitor == MonitorID(.serviceMonitor, namespace: "shop", name: "web"))
    #expect(key.prometheus == PrometheusID(.server, namespace: "monitoring", name: "main"))
    #expect(rejection.message.contains("endpoints[0]"))
    #expect(MonitorRejection.of(["reason": "Other"]) == nil)
  }

  // MARK: Judging

  @Test
  mutating func `R118: an unmet expectation ages from the pass in which it was first unmet, and a restart of the scraper keeps its age`()
    throws
  {
    var judge = ScrapeJudge()
    let expectation = try #require(expectations.expectations(of: pod).first)
    func pass(_ seen: ScrapeView.Seen, _ seconds: Double) -> (ask: ScrapeAsk, since: Moment) {
      judge.beginPass()
      defer { judge.endPass() }
      return judge.judge(expectation, pod, ScrapeView([seen], now: moment(seconds)), at: moment(seconds))
    }
    #expect(pass(try seen(of: main), 100).ask.verdict == .waiting(for: .active))
    #expect(reason(pass(try seen(of: main), 180).ask.verdict) == .notDiscovered)
    #expect(pass(try seen(of: main), 200).since == moment(100))
    var away = try seen(of: main)
    away.reading.fail(ScraperError(.unreachable, url: "x", "refused"))
    #expect(pass(away, 230).ask.verdict == .unknown(.notReached("Prometheus shop/main")))
    #expect(pass(try seen(of: main), 260).since == moment(100))
    _ = pass(try seen(of: main, [target()], at: 290), 290)
    #expect(pass(try seen(of: main), 320).ask.verdict == .waiting(for: .active))
  }

  // MARK: Passes

  private func ask(_ request: ScrapeRequest, _ verdict: ScrapeChain.Verdict, container: String? = "app", port: UInt16 = 8080) -> ScrapeAsk {
    let target = ExpectedTarget(address: PodIP("10.1.0.7"), port: port)
    return ScrapeAsk(
      ScrapeExpectation(
        pod: pod.identity, container: container, request: request, outcome: .target(target, .unknown(.notDeclared))), verdict)
  }

  private func monitor(_ name: String, service: String? = nil) -> ScrapeRequest {
    .monitor(MonitorID(.podMonitor, namespace: "shop", name: name), endpoint: 0, service: service)
  }

  private let failing = ScrapeChain.Verdict.broken(.scrapeFailing(ScrapeFailure(message: "404"), by: "main-0"))
  private let scraped = ScrapeChain.Verdict.scraped(by: "main-0", age: .seconds(5), lagging: [])

  private func findings(_ asks: [ScrapeAsk], mode: ScrapeCoverageMode = .monitored, _ term: ScrapingTerm? = nil) -> [String] {
    var pass = ScrapePass(mode: mode)
    return pass.add(asks.map { ($0, moment(7)) }, of: pod, term, at: moment(9)).map { finding in
      switch finding.state {
      case .broken(let reason, _, let since): "\(finding.container.container) \(reason.rawValue) \(since.milliseconds)"
      case .unknown: "\(finding.container.container) unknown"
      }
    }.sorted()
  }

  @Test func `R118: a broken request of a monitor is found, for the pod's first container if no other can be told`() {
    #expect(findings([ask(monitor("a"), failing)]) == ["app ScrapeFailing 7000"])
    #expect(findings([ask(monitor("a"), failing, container: nil)]) == ["app ScrapeFailing 7000"])
    #expect(findings([ask(monitor("a"), scraped)]).isEmpty)
    #expect(findings([ask(monitor("a"), .waiting(for: .active))]) == ["app unknown"])
    #expect(findings([ask(monitor("a"), .unknown(.notReached("x")))]) == ["app unknown"])
    #expect(findings([ask(monitor("a"), .unknown(.noScrapers))]).isEmpty)
  }

  @Test func `R118: what one monitor scrapes is scraped, and another port is another matter`() {
    #expect(findings([ask(monitor("a"), failing), ask(monitor("b"), scraped)]).isEmpty)
    #expect(findings([ask(monitor("a"), failing, port: 9), ask(monitor("b"), scraped)]) == ["app ScrapeFailing 7000"])
    let dropped = ScrapeChain.Verdict.broken(.notDiscovered(MissingTarget(.untold), by: "main"))
    #expect(findings([ask(monitor("a"), dropped), ask(monitor("b"), failing)]) == ["app ScrapeFailing 7000"])
  }

  @Test func `R118: annotations and names of ports promise nothing, unless declared ports must be scraped`() {
    let noEndpoint = ScrapeChain.Verdict.broken(
      .objects(.noEndpoint(MissingEndpoint(service: "web", role: .endpointSlice, cause: .notInSlices))))
    #expect(findings([ask(.annotations(service: "web"), noEndpoint)]).isEmpty)
    #expect(findings([ask(.annotations(service: nil), failing)]) == ["app ScrapeFailing 7000"])
    let hint = ScrapeChain.Verdict.broken(.objects(.noMonitor(ports: [])))
    #expect(findings([ask(.portName, hint)]).isEmpty)
    #expect(findings([ask(.portName, hint)], mode: .all) == ["app NoMonitor 7000"])
  }

  @Test func `R126: a policy demands scrapes, or does not want any`() {
    let hint = ScrapeChain.Verdict.broken(.objects(.noMonitor(ports: [])))
    #expect(findings([ask(.portName, hint)], .required) == ["app NoMonitor 7000"])
    #expect(findings([], .required) == ["app NoMonitor 9000"] && findings([]).isEmpty)
    #expect(findings([], mode: .off, .required).isEmpty)
    #expect(findings([ask(monitor("a"), failing), ask(monitor("b"), scraped)], .required).isEmpty)
    #expect(findings([ask(monitor("a"), failing)], .notRequired).isEmpty)
    #expect(findings([ask(monitor("a"), .waiting(for: .active))], mode: .all, .notRequired).isEmpty)
  }

  @Test func `R118: verdicts are counted by workload, request and state`() {
    var pass = ScrapePass(mode: .monitored)
    _ = pass.add(
      [ask(monitor("a", service: "x"), failing), ask(monitor("a", service: "y"), failing, container: nil), ask(monitor("b"), scraped)]
        .map { ($0, moment(0)) }, of: pod, at: moment(0))
    #expect(pass.groups.map(\.request) == [monitor("a"), monitor("b")])
    #expect(pass.groups.map(\.count) == [2, 1] && pass.groups.map(\.state.text) == ["ScrapeFailing", "Scraped"])
    #expect(pass.groups.allSatisfy { $0.workload == Workload(kind: "StatefulSet", name: "web") && $0.namespace == "shop" })
    #expect(pass.groups.first?.detail.contains("404") == true && pass.groups.last?.detail == "")
  }

  // MARK: Nodes

  @Test func `R121: the data of a node was scraped when a scraper says so`() throws {
    let agents = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    let targets = agents.enumerated().map { Target(node: "w\($0)", source: .linux, address: $1, port: 9753) }
    func view(_ addresses: [String], health: String = "up", url: String? = nil) throws -> ScrapeView.Seen {
      let found = addresses.map { address in
        var target = TargetTableTests.target(address: "\(address):9753", uid: nil, pod: "", health: health)
        if let url { target["scrapeUrl"] = .string(url) }
        return target
      }
      return try seen(of: main, found)
    }
    var scrapes = NodeScrapes()
    func last(_ node: String, source: Source = .linux, _ seconds: Double) -> LastScrape? {
      scrapes.lastScrape(of: nodeRoll(node: node, source: source, []), at: moment(seconds))
    }
    // A scraper that has none of them says nothing about them.
    scrapes.update([try view([])], targets: targets, at: moment(0))
    #expect(last("w0", 0) == nil)
    scrapes.update([try view(["10.0.0.1", "10.0.0.2"])], targets: targets, at: moment(0))
    #expect(last("w0", 0) == .ago(.milliseconds(13500)) && last("w2", 0) == .never)
    #expect(last("win", source: .windows, 0) == nil)
    // Down: the last successful scrape is older and older.
    scrapes.update([try view(["10.0.0.1", "10.0.0.2"], health: "down")], targets: targets, at: moment(30))
    #expect(last("w0", 30) == .ago(.milliseconds(43500)))
    // Another scraper is away, which may have the target.
    var away = try view([])
    away.reading.fail(ScraperError(.unreachable, url: "x", "refused"))
    scrapes.update([try view(["10.0.0.1"]), away], targets: targets, at: moment(30))
    #expect(last("w2", 30) == nil && last("w0", 30) != nil)
  }

  @Test func `R121: what is served for a node is told by its URL, wherever it is served`() throws {
    let target = TargetTableTests.target(address: "10.0.0.9:9750", uid: nil, pod: "")
    var virtual = target
    virtual["scrapeUrl"] = "https://10.0.0.9:9750/metrics/cadvisor?node=v1"
    var probe = target
    probe["scrapeUrl"] = "https://10.0.0.9:9750/probe?collect=x&node=win-1"
    var scrapes = NodeScrapes()
    let targets = [
      Target(node: "v1", source: .virtual, address: "10.0.0.9", port: 9750),
      Target(node: "v2", source: .virtual, address: "10.0.0.9", port: 9750),
      Target(node: "win-1", source: .windows, address: "10.0.0.7", port: 9182),
    ]
    scrapes.update([try seen(of: main, [virtual, probe])], targets: targets, at: moment(0))
    func last(_ node: String, _ source: Source) -> LastScrape? {
      scrapes.lastScrape(of: nodeRoll(node: node, source: source, []), at: moment(0))
    }
    #expect(last("v1", .virtual) == .ago(.milliseconds(13500)) && last("v2", .virtual) == .never)
    #expect(last("win-1", .windows) == .ago(.milliseconds(13500)))
  }
}
