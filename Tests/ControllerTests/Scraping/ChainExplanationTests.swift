import Primitives
import Relabeling
import Roll
import Testing

@testable import Controller

@Suite struct ChainExplanationTests {
  private static let main = PrometheusID(.server, namespace: "monitoring", name: "main")
  private static let request = ScrapeRequest.monitor(
    MonitorID(.serviceMonitor, namespace: "shop", name: "web"), endpoint: 0, service: "web")

  private func expectation(_ outcome: ScrapeExpectation.Outcome? = nil, _ request: ScrapeRequest = request) -> ScrapeExpectation {
    let target = ExpectedTarget(address: PodIP("10.0.0.7"), port: 8080, portName: "http")
    return ScrapeExpectation(
      pod: PodIdentity(namespace: "shop", name: "web-0", uid: "u"), container: "web", request: request,
      outcome: outcome ?? .target(target, .adopted([Adopter(prometheus: Self.main, role: .endpoints)])))
  }

  private func lines(_ verdict: ScrapeChain.Verdict, _ outcome: ScrapeExpectation.Outcome? = nil) -> [String] {
    ChainExplanation(expectation(outcome), verdict).links.map { "\($0.link) \($0.state) \($0.text)" }
  }

  @Test func `R119: every link of a scraped container says what was looked at`() {
    let chain = ChainExplanation(
      expectation(),
      .scraped(by: "main-0", age: .milliseconds(12_700), lagging: [.init(scraper: "main-1", cause: .noSamples(by: "main-1"))]))
    #expect(chain.outcome == .scraped && chain.cause == nil)
    #expect(
      chain.links.map { "\($0.link) \($0.state) \($0.text)" } == [
        "asked holds ServiceMonitor shop/web selects Service web, which selects the Pod", "port holds 10.0.0.7:8080 (http)",
        "endpoint holds Service web has the Pod as an endpoint", "adopted holds Prometheus monitoring/main", "accepted holds ",
        "loaded holds scrape pool serviceMonitor/shop/web/0", "active holds by main-0", "succeeding holds by main-0",
        "recent holds 12s ago", "samples unknown ",
      ])
    #expect(chain.lagging.map(\.scraper) == ["main-1"])
    #expect(chain.lagging.first?.detail.contains("drops every sample") == true)
  }

  @Test func `R119: a broken link has its detail, and those behind it are unknown`() {
    let unmet = UnmetRequirement(key: "release", operator: .isIn, values: ["prom"], actual: nil)
    let link = BrokenLink.monitorNotAdopted([MonitorRefusal(prometheus: Self.main, cause: .labels(unmet))])
    let lines = lines(.broken(.objects(link)), .broken(link))
    #expect(lines[2] == "endpoint holds Service web has the Pod as an endpoint")
    #expect(
      lines[3] == "adopted broken Prometheus monitoring/main wants monitors with release=prom, and this one has no label release")
    #expect(lines[4...].allSatisfy { $0.hasSuffix("unknown ") })
    #expect(
      ScrapeBreak.objects(link).advice
        == "Add the label release: prom to the monitor, or change the selector of Prometheus monitoring/main.")
  }

  @Test func `R119: a link that waits or cannot be known says so`() {
    #expect(lines(.waiting(for: .loaded))[5].hasPrefix("loaded waiting "))
    let unknown = lines(.unknown(.shardsNotReached("Prometheus monitoring/main", [1, 3])))
    #expect(unknown[6] == "active unknown these shards of Prometheus monitoring/main could not be asked: 1, 3")
    #expect(unknown[7] == "succeeding unknown ")
  }

  /// One of each kind, with a part of its detail.
  private static let breaks: [(ScrapeBreak, String)] = [
    (.objects(.noMonitor(ports: [DeclaredPort(container: "web", name: "metrics", number: 9100)])), "metrics 9100 of container web"),
    (
      .objects(
        .portNotFound(
          MissingPort(
            wanted: .name("metrics"), place: .service("web", ports: ["http", ""]),
            declared: [DeclaredPort(container: "web", name: "http", number: 8080)]))),
      "Service web has no port metrics; it has http, one without a name"
    ),
    (
      .objects(.portNotFound(MissingPort(wanted: .containerPortNumber(9100), place: .containers, declared: []))),
      "no container declares the port 9100; none declares any"
    ),
    (
      .objects(.portNotFound(MissingPort(wanted: .name("http"), place: .serviceTargetPort("web", targetPort: "h"), declared: []))),
      "leads to the container port h"
    ),
    (.objects(.noEndpoint(MissingEndpoint(service: "web", role: .endpoints, cause: .sliceOnly))), "the role endpoints does not see"),
    (.objects(.monitorNotAdopted([MonitorRefusal(prometheus: main, cause: .otherNamespace)])), "only monitors of its own namespace"),
    (.rejected(MonitorRejection(message: "bad\nregex"), by: "Prometheus monitoring/main"), "bad regex"),
    (
      .notLoaded(by: "main", pool: "p/0", configurationAge: .seconds(90)),
      "no process of main has the scrape pool p/0; the latest configuration was loaded 1m30s ago"
    ),
    (
      .dropped(DroppingRule(index: 6, rule: RelabelRule(.drop, sourceLabels: ["pod"], regex: "web.*"), judge: .rollcall), by: "main"),
      "relabel rule 6 of the scrape pool: drop source_labels=[pod] regex=\"web.*\" (as Rollcall evaluates its configuration)"
    ),
    (.notDiscovered(MissingTarget(.forbidden(["pods", "endpoints"])), by: "main"), "may not list pods, endpoints"),
    (.notDiscovered(MissingTarget(.untold, droppedCount: 4), by: "main"), "dropped 4 targets"),
    (.scrapeFailing(ScrapeFailure(message: "connection refused"), by: "main-0"), "main-0: Refused: connection refused"),
    (.staleScrape(age: .seconds(600), interval: .seconds(30), by: "main-0"), "main-0 scraped it 10m ago, although its interval is 30s"),
    (.noSamples(by: "main-0"), "drops every sample"),
    (
      .notLoaded(by: "main", pool: "p/0", configurationAge: nil, obstacle: .failed(message: "no\nSecret")),
      "reconcile the object: no Secret"
    ),
  ]

  @Test func `R119: every broken link says on one line what differs, and what to do`() {
    for (cause, part) in Self.breaks {
      #expect(cause.detail.contains(part), "\(cause.detail)")
      #expect(!cause.detail.contains("\n") && cause.advice.hasSuffix("."), "\(cause)")
    }
    #expect(Set(Self.breaks.map(\.0.reason)) == Set(Reason.ofScrapes))
  }

  @Test func `R119: a long list is cut`() {
    let refusals = (1...100).map { number in
      MonitorRefusal(prometheus: PrometheusID(.server, namespace: "n", name: "p\(number)"), cause: .otherNamespace)
    }
    #expect(ScrapeBreak.objects(.monitorNotAdopted(refusals)).detail.hasSuffix("; and 92 more"))
  }
}
