import Roll
import Testing

struct ScrapersTests {
  @Test(arguments: [
    ("Prometheus/3.5.0", false), ("vm_promscrape", false), ("Alloy/v1.9.0 (linux; docker)", false), ("GrafanaAgent/v0.43.0", false),
    ("otelcol-contrib/0.120.0", false), ("Datadog Agent/7.60.0", false), ("Telegraf/1.33.0 Go/1.23", false), ("anything", true),
    (nil, true),
  ])
  func `R81: Prometheus and what scrapes like it are known by their headers`(userAgent: String?, announcesTimeout: Bool) {
    #expect(Scrapers.common.include(userAgent: userAgent, announcesTimeout: announcesTimeout))
    #expect(!Scrapers.none.include(userAgent: userAgent, announcesTimeout: announcesTimeout))
  }

  @Test(arguments: ["curl/8.14.1", "Wget/1.25.0", "Mozilla/5.0 (X11; Linux x86_64)", "kube-probe/1.36", "", nil])
  func `R81: people and probes are no scrapers`(userAgent: String?) {
    #expect(!Scrapers.common.include(userAgent: userAgent, announcesTimeout: false))
  }

  @Test func `R81: with named scrapers no other client is one`() {
    let named = Scrapers.named(["vm_promscrape", "my-scraper/"])
    #expect(named.include(userAgent: "my-scraper/2", announcesTimeout: false))
    #expect(named.include(userAgent: "vm_promscrape", announcesTimeout: true))
    #expect(!named.include(userAgent: "Prometheus/3.5.0", announcesTimeout: true))
    #expect(!named.include(userAgent: nil, announcesTimeout: true))
  }
}
