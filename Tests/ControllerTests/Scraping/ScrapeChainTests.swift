import JSON
import Primitives
import Relabeling
import Roll
import Testing

@testable import Controller

@Suite struct ScrapeChainTests {
  private static let uid = "5b6f1f0a-0000-4000-8000-000000000001"
  private static let pool = "podMonitor/shop/web/0"
  private let monitor = MonitorID(.podMonitor, namespace: "shop", name: "web")
  private let main = PrometheusID(.server, namespace: "monitoring", name: "main")
  private let old: Duration = .seconds(3600)

  private var adopted: Adoption { .adopted([Adopter(prometheus: main, role: .pod)]) }

  private func expectation(_ outcome: ScrapeExpectation.Outcome? = nil, container: String? = "web", request: ScrapeRequest? = nil)
    -> ScrapeExpectation
  {
    let target = ExpectedTarget(address: PodIP("10.0.0.7"), port: 8080, portName: "http")
    return ScrapeExpectation(
      pod: PodIdentity(namespace: "shop", name: "web-0", uid: Self.uid), container: container,
      request: request ?? .monitor(monitor, endpoint: 0, service: nil), outcome: outcome ?? .target(target, adopted))
  }

  private func target(
    health: TargetHealth = .up, age: Duration? = .seconds(10), container: String? = "web", interval: Duration? = .seconds(15),
    failure: String? = nil
  ) -> ObservedTarget {
    ObservedTarget(
      pool: Self.pool, pod: .uid(UID(Self.uid)), container: container, health: health, age: age, interval: interval,
      failure: failure.map(ScrapeFailure.init(message:)))
  }

  private func scraper(_ name: String, shard: Int = 0, _ pool: PoolObservation) -> ScraperObservation {
    ScraperObservation(name: name, shard: shard, answer: .pool(pool))
  }

  private func scraper(_ pool: PoolObservation) -> ScraperObservation { scraper("main-0", pool) }

  private func away(_ name: String, shard: Int = 0) -> ScraperObservation {
    ScraperObservation(name: name, shard: shard, answer: .unreachable(ScraperError(.unreachable, url: "http://\(name)", "refused")))
  }

  private func verdict(
    _ scrapers: [ScraperObservation], age: Duration? = nil, rejection: MonitorRejection? = nil, on expectation: ScrapeExpectation? = nil
  ) -> ScrapeChain.Verdict {
    let candidate = PrometheusObservation(name: "main", rejection: rejection, scrapers: scrapers)
    return ScrapeChain.verdict(
      on: expectation ?? self.expectation(), ScrapeObservation(candidates: [candidate], age: age ?? old))
  }

  // MARK: Before any scraper

  @Test func `R117: what the objects break is the verdict, whatever scrapers say`() {
    let cause = MonitorRefusal.Cause.labels(UnmetRequirement(key: "release", operator: .isIn, values: ["main"], actual: nil))
    let link = BrokenLink.monitorNotAdopted([MonitorRefusal(prometheus: main, cause: cause)])
    #expect(verdict([scraper(PoolObservation(targets: [target()]))], on: expectation(.broken(link))) == .broken(.objects(link)))
    let links: [(BrokenLink, Reason)] = [
      (.noMonitor(ports: []), .noMonitor),
      (.portNotFound(MissingPort(wanted: .name("http"), place: .containers, declared: [])), .portNotFound),
      (.noEndpoint(MissingEndpoint(service: "web", role: .endpoints, cause: .notInSlices)), .noEndpoint), (link, .monitorNotAdopted),
    ]
    for (link, reason) in links { #expect(ScrapeBreak.objects(link).reason == reason) }
  }

  // MARK: The pool

  @Test func `R117: a pool that is not loaded is waited for, five minutes at least`() {
    let missing = [scraper(PoolObservation(isLoaded: false, configurationAge: .seconds(500)))]
    #expect(verdict(missing, age: .seconds(299)) == .waiting(for: .loaded))
    #expect(verdict(missing, age: .seconds(301)) == .broken(.notLoaded(by: "main", pool: Self.pool, configurationAge: .seconds(500))))
  }

  @Test func `R117: a monitor that the operator refuses is not waited for, and one that is loaded is not refused`() {
    let rejection = MonitorRejection(message: "endpoints[0]: invalid regex")
    let missing = [scraper(PoolObservation(isLoaded: false))]
    #expect(verdict(missing, age: .seconds(1), rejection: rejection) == .broken(.rejected(rejection, by: "main")))
    let loaded = [scraper(PoolObservation(targets: [target()]))]
    #expect(verdict(loaded, rejection: rejection) == .scraped(by: "main-0", age: .seconds(10), lagging: []))
  }

  @Test func `R117: a scraper that does not tell of pools is given the time that a pool takes`() {
    let silent = [scraper(PoolObservation(isLoaded: nil))]
    #expect(verdict(silent, age: .seconds(299)) == .waiting(for: .active))
    #expect(verdict(silent, age: .seconds(301)) == .broken(.notDiscovered(MissingTarget(.untold), by: "main")))
  }

  // MARK: The target

  private let rule = DroppingRule(index: 4, rule: RelabelRule(.drop, sourceLabels: ["node"], regex: "lab-2"), judge: .scraper)
  private let sharding = DroppingRule(index: 9, rule: RelabelRule(.keep, sourceLabels: ["__tmp_hash"], regex: "0"), judge: .scraper)

  @Test func `R117: a target that a rule drops is named with the rule`() {
    let dropped = [scraper(PoolObservation(verdict: .dropped(rule), droppedCount: 9))]
    #expect(verdict(dropped) == .broken(.dropped(rule, by: "main")))
    #expect(verdict(dropped, age: .seconds(60)) == .waiting(for: .active))
  }

  @Test func `R117: a target that is active on one shard and dropped on the others is scraped`() {
    let shards = [
      scraper("main-0", shard: 0, PoolObservation(verdict: .dropped(sharding))),
      scraper("main-shard-1-0", shard: 1, PoolObservation(targets: [target()])),
      scraper("main-shard-2-0", shard: 2, PoolObservation(verdict: .dropped(sharding))),
    ]
    #expect(verdict(shards) == .scraped(by: "main-shard-1-0", age: .seconds(10), lagging: []))
  }

  @Test func `R117: of all shards the earliest rule that drops is the reason`() {
    let shards = [
      scraper("main-0", shard: 0, PoolObservation(verdict: .dropped(sharding))),
      scraper("main-shard-1-0", shard: 1, PoolObservation(verdict: .dropped(rule))),
    ]
    #expect(verdict(shards) == .broken(.dropped(rule, by: "main")))
  }

  @Test func `R117: as long as a shard is away, nothing is known of what the others drop`() {
    let shards = [scraper("main-0", shard: 0, PoolObservation(verdict: .dropped(sharding))), away("main-shard-1-0", shard: 1)]
    #expect(verdict(shards) == .unknown(.shardsNotReached("main", [1])))
    // One replica of the shard is enough.
    let replicas = shards + [scraper("main-shard-1-1", shard: 1, PoolObservation(verdict: .dropped(rule)))]
    #expect(verdict(replicas) == .broken(.dropped(rule, by: "main")))
  }

  @Test func `R117: kept by the rules and yet no target is a reason of its own`() {
    let gone = [scraper(PoolObservation(verdict: .kept, droppedCount: 3))]
    #expect(verdict(gone) == .broken(.notDiscovered(MissingTarget(.keptWithoutTarget, droppedCount: 3), by: "main")))
  }

  @Test func `R117: a Prometheus that may not list the objects discovers nothing, whatever its rules would do`() {
    let blind = PrometheusObservation(
      name: "main", forbidden: ["endpoints"], scrapers: [scraper(PoolObservation(verdict: .dropped(rule), droppedCount: 0))])
    let verdict = ScrapeChain.verdict(on: expectation(), ScrapeObservation(candidates: [blind], age: old))
    #expect(verdict == .broken(.notDiscovered(MissingTarget(.forbidden(["endpoints"]), droppedCount: 0), by: "main")))
  }

  @Test func `R117: of twins after relabelling the one that is left counts for both`() {
    let other = target(container: "sidecar")
    #expect(verdict([scraper(PoolObservation(targets: [other], verdict: .kept))]) == .scraped(by: "main-0", age: .seconds(10), lagging: []))
    #expect(verdict([scraper(PoolObservation(targets: [other]))]) == .scraped(by: "main-0", age: .seconds(10), lagging: []))
    // The rules drop this container's target and keep the other one's.
    #expect(verdict([scraper(PoolObservation(targets: [other], verdict: .dropped(rule)))]) == .broken(.dropped(rule, by: "main")))
  }

  @Test func `R117: of a container's own target and another one at the same address its own counts`() {
    let targets = [target(container: "sidecar"), target(health: .down, failure: "server returned HTTP status 404 Not Found")]
    guard case .broken(.scrapeFailing(let failure, by: "main-0")) = verdict([scraper(PoolObservation(targets: targets))]) else {
      Issue.record("\(verdict([scraper(PoolObservation(targets: targets))]))")
      return
    }
    #expect(failure.kind == .notFound)
  }

  // MARK: The scrape

  @Test func `R117: a target before its first scrape neither fails nor is stale, until it should have been scraped twice`() {
    let new = [scraper(PoolObservation(targets: [target(health: .unknown, age: nil, interval: .seconds(60))]))]
    #expect(verdict(new, age: .seconds(119)) == .waiting(for: .succeeding))
    #expect(verdict(new, age: .seconds(121)) == .broken(.staleScrape(age: nil, interval: .seconds(60), by: "main-0")))
  }

  @Test func `R117: a scrape is stale if it could have been repeated twice when the targets were read`() {
    func read(_ age: Int, readAge: Int) -> ScrapeChain.Verdict {
      verdict([scraper(PoolObservation(readAge: .seconds(readAge), targets: [target(age: .seconds(age))]))])
    }
    #expect(read(70, readAge: 30) == .scraped(by: "main-0", age: .seconds(100), lagging: []))
    #expect(read(80, readAge: 30) == .broken(.staleScrape(age: .seconds(110), interval: .seconds(15), by: "main-0")))
  }

  @Test func `R117: a scrape without samples is none, if samples are asked for`() {
    #expect(verdict([scraper(PoolObservation(targets: [target()], samples: 0))]) == .broken(.noSamples(by: "main-0")))
    #expect(verdict([scraper(PoolObservation(targets: [target()], samples: 5))]) == .scraped(by: "main-0", age: .seconds(10), lagging: []))
  }

  // MARK: Several scrapers

  @Test func `R117: one replica that scrapes is enough, and the others are named`() {
    let replicas = [
      scraper("main-0", PoolObservation(targets: [target()])), scraper("main-1", PoolObservation(isLoaded: false)), away("main-2"),
      scraper("main-3", PoolObservation(targets: [target(health: .down, failure: "sample limit exceeded")])),
      scraper("main-shard-1-0", shard: 1, PoolObservation(verdict: .dropped(sharding))),
    ]
    guard case .scraped(by: "main-0", _, let lagging) = verdict(replicas) else {
      Issue.record("\(verdict(replicas))")
      return
    }
    #expect(lagging.map(\.scraper) == ["main-1", "main-2", "main-3"])
    #expect(lagging.map { $0.cause?.reason } == [.notLoaded, nil, .scrapeFailing])
  }

  @Test func `R117: a Prometheus that cannot be reached is no gap of its containers`() {
    #expect(verdict([away("main-0"), away("main-1")]) == .unknown(.notReached("main")))
    #expect(verdict([]) == .unknown(.notReached("main")))
    #expect(ScrapeChain.verdict(on: expectation(), ScrapeObservation(candidates: [], age: old)) == .unknown(.noScrapers))
  }

  @Test func `R117: of several Prometheus objects the best counts, and of broken ones the one whose chain holds longest`() {
    let failing = PrometheusObservation(
      name: "a", scrapers: [scraper("a-0", PoolObservation(targets: [target(health: .down, failure: "EOF")]))])
    let unloaded = PrometheusObservation(name: "b", scrapers: [scraper("b-0", PoolObservation(isLoaded: false))])
    let good = PrometheusObservation(name: "c", scrapers: [scraper("c-0", PoolObservation(targets: [target()]))])
    let lost = PrometheusObservation(name: "d", scrapers: [away("d-0")])
    func verdict(_ candidates: [PrometheusObservation]) -> ScrapeChain.Verdict {
      ScrapeChain.verdict(on: expectation(), ScrapeObservation(candidates: candidates, age: old))
    }
    #expect(verdict([failing, unloaded]) == .broken(.scrapeFailing(ScrapeFailure(message: "EOF"), by: "a-0")))
    #expect(verdict([unloaded, failing]) == .broken(.scrapeFailing(ScrapeFailure(message: "EOF"), by: "a-0")))
    #expect(verdict([failing, lost]) == .unknown(.notReached("d")))
    #expect(verdict([failing, lost, good]) == .scraped(by: "c-0", age: .seconds(10), lagging: []))
  }

  // MARK: Without a pool of its own

  @Test func `R117: what nobody promised to scrape is no gap if it is absent, and is judged if it is there`() {
    let annotated = expectation(
      .target(ExpectedTarget(address: PodIP("10.0.0.7"), port: 8080), .unknown(.notDeclared)), request: .annotations(service: nil))
    #expect(verdict([scraper(PoolObservation(isLoaded: nil))], on: annotated) == .unknown(.adoption(.notDeclared)))
    let up = [scraper(PoolObservation(isLoaded: nil, targets: [target()]))]
    #expect(verdict(up, on: annotated) == .scraped(by: "main-0", age: .seconds(10), lagging: []))
    let down = [scraper(PoolObservation(isLoaded: nil, targets: [target(health: .down, failure: "context deadline exceeded")]))]
    #expect(verdict(down, on: annotated) == .broken(.scrapeFailing(ScrapeFailure(message: "context deadline exceeded"), by: "main-0")))
    let config = MonitorID(.scrapeConfig, namespace: "shop", name: "all")
    let discovered = expectation(request: .discovery(config))
    #expect(verdict([scraper(PoolObservation(verdict: .dropped(rule)))], on: discovered) == .unknown(.decidedByRelabelling(config)))
  }

  // MARK: Matching

  @Test func `R116: a target belongs to a Pod by address and UID, or by name where there is no UID`() throws {
    let own = TargetTableTests.target(pool: Self.pool, address: "10.0.0.7:8080", uid: Self.uid)
    let other = TargetTableTests.target(pool: Self.pool, address: "10.0.0.7:8080", uid: "5b6f1f0a-0000-4000-8000-000000000002")
    let named = TargetTableTests.target(pool: Self.pool, address: "10.0.0.7:8080", uid: nil)
    let misnamed = TargetTableTests.target(pool: Self.pool, address: "10.0.0.7:8080", uid: nil, pod: "web-1")
    let elsewhere = TargetTableTests.target(pool: Self.pool, address: "10.0.0.7:9090", uid: Self.uid)
    for (target, isOwn) in [(own, true), (other, false), (named, true), (misnamed, false), (elsewhere, false)] {
      #expect(expectation().targets(in: try TargetTableTests.table([target])).count == (isOwn ? 1 : 0))
    }
  }

  @Test func `R116: a target without labels of a Pod belongs to what its scrape pool is for`() throws {
    func anonymous(_ pool: String) throws -> TargetTable {
      try TargetTableTests.table([
        ["discoveredLabels": ["__address__": "10.0.0.7:8080"], "labels": [:], "scrapePool": .string(pool), "health": "up"]
      ])
    }
    #expect(expectation().targets(in: try anonymous(Self.pool)).count == 1)
    #expect(expectation().targets(in: try anonymous("another")).isEmpty)
  }

  // MARK: Every link

  @Test func `R117: links before the broken one hold, and those after it are unknown`() {
    let cause = ScrapeBreak.dropped(rule, by: "main")
    let links = ScrapeChain.links(.broken(cause))
    #expect(links.map(\.link) == ScrapeLink.allCases)
    for (link, state) in links {
      #expect(state == (link < .active ? .holds : link == .active ? .broken(cause) : .unknown))
    }
    #expect(
      ScrapeChain.links(.scraped(by: "main-0", age: .zero, lagging: [])).map(\.state) == Array(repeating: .holds, count: 9) + [.unknown])
    #expect(ScrapeChain.links(.waiting(for: .loaded)).first { $0.link == .loaded }?.state == .waiting)
  }

  @Test func `R117: each reason belongs to one link, in the order of the chain`() {
    let breaks: [ScrapeBreak] = [
      .objects(.noMonitor(ports: [])), .objects(.portNotFound(MissingPort(wanted: .any, place: .containers, declared: []))),
      .objects(.noEndpoint(MissingEndpoint(service: "web", role: .endpoints, cause: .otherFamily))), .objects(.monitorNotAdopted([])),
      .rejected(MonitorRejection(message: ""), by: ""), .notLoaded(by: "", pool: "", configurationAge: nil), .dropped(rule, by: ""),
      .notDiscovered(MissingTarget(.untold), by: ""), .scrapeFailing(ScrapeFailure(message: ""), by: ""),
      .staleScrape(age: nil, interval: nil, by: ""), .noSamples(by: ""),
    ]
    #expect(breaks.map(\.reason) == Reason.ofScrapes)
    #expect(breaks.map(\.link.index) == breaks.map(\.link.index).sorted())
  }
}
