import Exposition
import Roll
import Testing

@testable import Collector

@Suite struct ScrapeIngestTests {
  private static let web = rollEntry("shop/web-0/web", ip: nil)

  @Test(
    arguments: [
      (#"container_last_seen{container="web"} 1"#, nil),
      (#"container_last_seen{container="web",pod="web-0",namespace="shop"} 1"#, nil),
      (#"container_last_seen{container_name="web",pod_name="web-0"} 1"#, nil),
      (#"container_last_seen{container="web",pod="",namespace=""} 1"#, nil),
      (#"container_last_seen{container="",container_name="web"} 1"#, nil),
      (#"container_last_seen{container="web",pod="web-1"} 1"#, .notInResponse),
      (#"container_last_seen{container="web",pod="web-0",namespace="other"} 1"#, .notInResponse),
      (#"container_last_seen{container="web2"} 1"#, .notInResponse),
      (#"container_last_seen{container="POD",pod="web-0"} 1"#, .notInResponse),
      (#"container_last_seen{pod="web-0"} 1"#, .notInResponse),
      (#"machine_cpu_cores{container="web"} 1"#, .notInResponse),
      ("container_scrape_error 0", .notInResponse),
      ("container_scrape_error 1", .notInResponse),
      ("container_scrape_error 1\ncontainer_last_seen{container=\"web\"} 1", .staleData),
      ("container_scrape_error 0\ncontainer_last_seen{container=\"web\"} 1", nil),
      ("", .notInResponse),
    ] as [(String, Reason?)])
  func `R44: the series that count for a container`(body: String, reason: Reason?) throws {
    let answer = try answer(to: body + "\n", sent: nil)
    #expect(answer.reason == reason, "\(answer)")
  }

  @Test(
    arguments: [
      ([500_000], nil, Answer.collected(age: .zero)),
      ([], 500_000, .collected(age: .zero)),
      ([500_000], 500_000, .collected(age: .zero)),
      ([500_000], 560_000, .collected(age: .seconds(60))),
      ([500_000], 620_000, .collected(age: .seconds(120))),
      ([1, 500_000, 2], 560_000, .collected(age: .seconds(60))),
      // The Date header has no fraction of a second.
      ([500_900], 500_000, .collected(age: .zero)),
      ([500_000], 621_000, .missed(.staleData, detail: "the newest sample was 121 s old when it was sent; more than 120 s is stale")),
      ([700_000], 500_000, .missed(.badExposition, detail: "the newest sample is dated 200 s after it was sent")),
    ] as [([Int64], Int64?, Answer)])
  func `R44: the ages of samples that count as fresh`(timestamps: [Int64], sent: Int64?, expected: Answer) throws {
    // A sample without a timestamp, as cAdvisor writes limits, does not affect freshness.
    var body = "container_spec_cpu_shares{container=\"web\"} 1024\n"
    for (index, timestamp) in timestamps.enumerated() {
      body += "container_cpu_usage_seconds_total{container=\"web\",cpu=\"\(index)\"} 1 \(timestamp)\n"
    }
    #expect(try answer(to: body, sent: sent) == expected)
  }

  private func answer(to body: String, sent: Int64?) throws -> Answer {
    let freshness = Freshness(sent: sent, limit: .seconds(120))
    return try ingest(body, [Self.web], freshness).findings.answer(for: 0, named: "web", freshness)
  }

  @Test func `a malformed body is rejected as a whole`() {
    #expect(throws: ExpositionError.self) { try ingest("container_last_seen{container=\"web\"} 1\noops\n", [Self.web]) }
  }

  @Test(
    arguments: [
      ("10.0.0.1", "10.0.0.1"), ("node-1.example.com", "node-1.example.com"), ("fd00::1", "[fd00::1]"),
      ("::ffff:10.0.0.1", "[::ffff:10.0.0.1]"),
      ("", nil), ("a b", nil), ("a/b", nil), ("a:80/x", nil), ("u@h", nil), ("[::1]", nil), ("fe80::1%25eth0", nil), ("h#", nil),
      ("hé", nil),
    ] as [(String, String?)])
  func `only addresses and DNS names become URL hosts`(address: String, host: String?) {
    #expect(urlHost(of: address) == host)
  }
}
