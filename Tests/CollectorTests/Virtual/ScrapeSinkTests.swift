import Exposition
import Roll
import Testing

@testable import Collector

@Suite struct ScrapeSinkTests {
  private static let page = """
    # TYPE container_cpu_usage_seconds_total counter
    container_cpu_usage_seconds_total{container="web",cpu="total"} 1.5 1700000000000
    container_fs_usage_bytes{container="web",device="a\\"b"} 7
    # TYPE container_latency histogram
    container_latency_bucket{container="web",le="+Inf"} 2
    container_latency_sum{container="web"} 3
    machine_cpu_cores 2

    """

  /// What is served of the page, and what is handed over, line by line.
  private func take(
    _ page: String = ScrapeSinkTests.page, _ freshness: Freshness = Freshness(limit: .seconds(60)),
    _ change: (inout VirtualSettings) -> Void
  ) throws -> (served: String, handed: [String], facts: CadvisorFindings) {
    var settings = VirtualSettings()
    change(&settings)
    var intake = ScrapeIngest(settings: settings)
    let pages = VirtualScrapeCache(stalenessLimit: .seconds(60))
    let labels = PodLabels(node: "virtual-1", entries: [entry("shop/web-0/web", id: "")], isOfOnePod: true)
    var handed: [String] = []
    // The second time, the memory of the first is used again.
    for _ in 0..<2 {
      handed = []
      _ = try intake.take(Array(page.utf8), labels: labels, freshness, sharing: pages.shapes) { page in handed = page.lines }
    }
    let taken = try intake.take(Array(page.utf8), labels: labels, freshness, sharing: pages.shapes)
    pages.store(taken.page, VirtualScrapeCache.Key(namespace: "shop", pod: "web-0"), of: "virtual-1")
    return (pages.snapshot()?.text ?? "", handed, taken.facts)
  }

  @Test func `nothing is handed over unless that is wanted`() throws {
    let taken = try take { _ in }
    #expect(taken.handed.isEmpty)
    #expect(taken.served.contains("container_latency_sum"))
  }

  @Test func `all that is kept is handed over, and the basic families are served`() throws {
    let taken = try take {
      $0.handsOver = true
      $0.servedFamilies = FamilyFilter(kept: ["container_cpu_usage_seconds_total"])
    }
    let own = #"namespace="shop",pod="web-0",node="virtual-1""#
    #expect(
      taken.handed == [
        #"container_cpu_usage_seconds_total{container="web",cpu="total",\#(own)} 1.5 1700000000000"#,
        #"container_fs_usage_bytes{container="web",device="a\"b",\#(own)} 7"#,
        #"container_latency_bucket{container="web",le="+Inf",\#(own)} 2"#,
        #"container_latency_sum{container="web",\#(own)} 3"#,
      ])
    #expect(
      taken.served == """
        # TYPE container_cpu_usage_seconds_total counter
        container_cpu_usage_seconds_total{container="web",cpu="total",\(own)} 1.5 1700000000000

        """)
  }

  @Test func `R44: samples that are not of now are neither served nor handed over`() throws {
    let page = """
      container_a{container="web"} 1 500000
      container_b{container="web"} 2
      container_c{container="web"} 3 379999
      container_d{container="web"} 4 620001

      """
    let taken = try take(page, Freshness(sent: 500_000, limit: .seconds(120))) { $0.handsOver = true }
    let served = taken.served.split(separator: "\n").compactMap { $0.split(separator: "{").first }
    #expect(served == ["container_a", "container_b"])
    #expect(taken.handed.compactMap { $0.split(separator: "{").first } == served)
  }

  @Test func `containers are judged also where nothing is served`() throws {
    let taken = try take {
      $0.handsOver = true
      $0.servedFamilies = nil
    }
    #expect(taken.handed.count == 4)
    #expect(taken.served.isEmpty)
    #expect(taken.facts.outcome(of: 0, named: "web", Freshness(limit: .seconds(60))) == .collected(age: .zero))
  }
}

extension CollectedScrape {
  /// As they would stand on a page.
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
