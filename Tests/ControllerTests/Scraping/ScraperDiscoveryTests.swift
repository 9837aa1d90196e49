import JSON
import KubeClient
import Primitives
import TestSupport
import Testing

@testable import Controller
@testable import KubeClient

/// Where the processes of Prometheus objects are.
@Suite struct ScraperDiscoveryTests {
  private func pods(_ pods: [PodRecord]) -> StoreSnapshot<PodRecord> {
    let store = Store<PodRecord>()
    StoreWriter(store: store).replaceAll(with: pods)
    return store.snapshot()
  }

  private func scrapers(_ prometheus: PrometheusRecord, _ pods: [PodRecord]) -> [Scraper] {
    ScraperDiscovery(prometheuses: [prometheus], pods: self.pods(pods)).scrapers
  }

  private func pod(_ name: String, ip: String?, workload: Workload? = nil) -> PodRecord {
    PodRecord(namespace: "monitoring", name: name, uid: "uid-\(name)", podIPs: ip.map { [$0] } ?? [], workload: workload)
  }

  private func prometheus(_ spec: JSONValue, kind: PrometheusID.Kind = .server) -> PrometheusRecord {
    ScrapeObjects.prometheus(in: "monitoring", kind: kind, spec)
  }

  @Test func `R115: every replica of every shard is a scraper, whether or not its pod runs`() {
    let found = scrapers(
      prometheus(["replicas": 2, "shards": 2]),
      [
        pod("prometheus-main-0", ip: "10.0.0.1"), pod("prometheus-main-1", ip: nil), pod("prometheus-main-shard-1-0", ip: "fd00::3"),
        pod("prometheus-main-2", ip: "10.0.0.9"), pod("prometheus-other-0", ip: "10.0.0.8"),
      ])
    #expect(
      found.map(\.name) == [
        "monitoring/prometheus-main-0", "monitoring/prometheus-main-1", "monitoring/prometheus-main-shard-1-0",
        "monitoring/prometheus-main-shard-1-1",
      ])
    #expect(found.map(\.shard) == [0, 0, 1, 1])
    #expect(found.map(\.url) == ["http://10.0.0.1:9090", nil, "http://[fd00::3]:9090", nil])
    #expect(found[1].place == .nowhere(reason: "its pod has no address yet"))
    #expect(found[3].place == .nowhere(reason: "its pod does not exist"))
  }

  @Test func `R115: one replica and one shard are the default, and no replica is none`() {
    #expect(scrapers(prometheus([:]), []).map(\.name) == ["monitoring/prometheus-main-0"])
    #expect(scrapers(prometheus(["replicas": 0]), []).isEmpty)
    #expect(scrapers(prometheus(["shards": 0]), []).count == 1)
  }

  @Test func `R115: the route prefix is part of the URL, and the external URL is not`() {
    for prefix in ["/p", "p", "/p/"] {
      let found = scrapers(
        prometheus(["routePrefix": .string(prefix), "externalUrl": "https://example.com/x"]), [pod("prometheus-main-0", ip: "10.0.0.1")])
      #expect(found.map(\.url) == ["http://10.0.0.1:9090/p"])
    }
    #expect(scrapers(prometheus(["routePrefix": "/"]), [pod("prometheus-main-0", ip: "10.0.0.1")]).map(\.url) == ["http://10.0.0.1:9090"])
  }

  @Test func `R115: with TLS it is asked by the name in its certificate, which the governing Service gives it`() {
    let tls: JSONValue = ["cert": ["secret": ["name": "web", "key": "tls.crt"]]]
    let pods = [pod("prometheus-main-0", ip: "10.0.0.1"), pod("prom-agent-main-0", ip: "10.0.0.2")]
    #expect(
      scrapers(prometheus(["web": ["tlsConfig": tls]]), pods).map(\.url)
        == ["https://prometheus-main-0.prometheus-operated.monitoring.svc:9090"])
    #expect(
      scrapers(prometheus(["web": ["tlsConfig": tls], "serviceName": "own"]), pods).map(\.url)
        == ["https://prometheus-main-0.own.monitoring.svc:9090"])
    #expect(
      scrapers(prometheus(["web": ["tlsConfig": tls]], kind: .agent), pods).map(\.url)
        == ["https://prom-agent-main-0.prometheus-agent-operated.monitoring.svc:9090"])
    #expect(scrapers(prometheus(["web": ["httpConfig": ["http2": false]]]), pods).map(\.url) == ["http://10.0.0.1:9090"])
  }

  @Test func `R115: an agent of a DaemonSet is found by its workload`() {
    let agents = Workload(kind: "DaemonSet", name: "prom-agent-main")
    let found = scrapers(
      prometheus(["mode": "DaemonSet"], kind: .agent),
      [
        pod("prom-agent-main-x2z", ip: "10.0.0.2", workload: agents), pod("prom-agent-main-a1b", ip: "10.0.0.1", workload: agents),
        pod("web-0", ip: "10.0.0.3", workload: Workload(kind: "DaemonSet", name: "web")),
      ])
    #expect(found.map(\.url) == ["http://10.0.0.1:9090", "http://10.0.0.2:9090"])
    #expect(Set(found.map(\.shard)) == [0])
  }

  @Test func `R115: one that listens on its loopback address cannot be asked, and says what to do`() throws {
    let found = scrapers(prometheus(["listenLocal": true]), [pod("prometheus-main-0", ip: "10.0.0.1")])
    guard case .nowhere(let reason) = try #require(found.first).place else {
      Issue.record("it has a URL")
      return
    }
    #expect(reason.contains("listenLocal") && reason.contains("--scraper-url"))
  }
}
