import Exposition
import Roll
import Testing

@testable import Collector

@Suite struct ScrapeSinkTests {
  private static let body = """
    # TYPE container_cpu_usage_seconds_total counter
    container_cpu_usage_seconds_total{container="web",cpu="total"} 1.5 1700000000000
    container_fs_usage_bytes{container="web",device="a\\"b"} 7
    # TYPE container_latency histogram
    container_latency_bucket{container="web",le="+Inf"} 2
    container_latency_sum{container="web"} 3
    machine_cpu_cores 2

    """

  /// Ingests a body. Returns the exposition served and the lines passed to the sink.
  private func ingest(
    _ body: String = ScrapeSinkTests.body, _ freshness: Freshness = Freshness(limit: .seconds(60)),
    _ change: (inout VirtualSettings) -> Void
  ) throws -> (served: String, collected: [String], findings: CadvisorFindings) {
    var settings = VirtualSettings()
    change(&settings)
    var ingest = ScrapeIngest(settings: settings)
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60))
    let labels = PodLabels(node: "virtual-1", entries: [rollEntry("shop/web-0/web", id: "")], isOfOnePod: true)
    var collected: [String] = []
    // The second ingest reuses the memory of the first.
    for _ in 0..<2 {
      collected = []
      _ = try ingest.ingest(Array(body.utf8), labels: labels, freshness, sharing: cache.shapes) { collected = $0.lines }
    }
    let ingested = try ingest.ingest(Array(body.utf8), labels: labels, freshness, sharing: cache.shapes)
    cache.store(ingested.scrape, VirtualScrapeCache.Key(namespace: "shop", pod: "web-0"), of: "virtual-1")
    return (cache.snapshot()?.text ?? "", collected, ingested.findings)
  }

  @Test func `the sink receives nothing unless enabled`() throws {
    let result = try ingest { _ in }
    #expect(result.collected.isEmpty)
    #expect(result.served.contains("container_latency_sum"))
  }

  @Test func `the sink receives all kept families, and selected families are served`() throws {
    let result = try ingest {
      $0.feedsSink = true
      $0.servedFamilies = FamilyFilter(kept: ["container_cpu_usage_seconds_total"])
    }
    let own = #"namespace="shop",pod="web-0",node="virtual-1""#
    #expect(
      result.collected == [
        #"container_cpu_usage_seconds_total{container="web",cpu="total",\#(own)} 1.5 1700000000000"#,
        #"container_fs_usage_bytes{container="web",device="a\"b",\#(own)} 7"#,
        #"container_latency_bucket{container="web",le="+Inf",\#(own)} 2"#,
        #"container_latency_sum{container="web",\#(own)} 3"#,
      ])
    #expect(
      result.served == """
        # TYPE container_cpu_usage_seconds_total counter
        container_cpu_usage_seconds_total{container="web",cpu="total",\(own)} 1.5 1700000000000

        """)
  }

  @Test func `R44: stale samples are neither served nor passed to the sink`() throws {
    let body = """
      container_a{container="web"} 1 500000
      container_b{container="web"} 2
      container_c{container="web"} 3 379999
      container_d{container="web"} 4 620001

      """
    let result = try ingest(body, Freshness(sent: 500_000, limit: .seconds(120))) { $0.feedsSink = true }
    let served = result.served.split(separator: "\n").compactMap { $0.split(separator: "{").first }
    #expect(served == ["container_a", "container_b"])
    #expect(result.collected.compactMap { $0.split(separator: "{").first } == served)
  }

  @Test func `containers are found even if no family is served`() throws {
    let result = try ingest {
      $0.feedsSink = true
      $0.servedFamilies = nil
    }
    #expect(result.collected.count == 4)
    #expect(result.served.isEmpty)
    #expect(result.findings.answer(for: 0, named: "web", Freshness(limit: .seconds(60))) == .collected(age: .zero))
  }
}

extension CollectedScrape {
  /// In the text format.
  fileprivate var lines: [String] {
    var lines: [String] = []
    samples { sample in
      var labels: [String] = []
      self.labels(ofSet: sample.labelSet) { name, value in
        labels.append("\(String(decoding: name, as: UTF8.self))=\"\(String(decoding: value, as: UTF8.self))\"")
      }
      let name = String(decoding: Array(sample.family) + Array(sample.suffix), as: UTF8.self)
      let number = String(decoding: sample.number, as: UTF8.self)
      lines.append("\(name){\(labels.joined(separator: ","))} \(number)\(sample.time.map { " \($0)" } ?? "")")
    }
    return lines
  }
}
