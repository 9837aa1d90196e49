import Collector
import HTTPTransport
import JSON
import Primitives
import Roll
import Synchronization
import TestSupport
import Testing

@testable import Controller

@Suite(.timeLimit(.minutes(5))) struct ScraperReaderTests {
  private static let pools = ["podMonitor/shop/web/0", "podMonitor/shop/api/0"]

  private let transport: HTTPTransport

  init() throws {
    transport = try HTTPTransport()
  }

  /// What a scripted Prometheus answers.
  private final class Answers: Sendable {
    let pools = Mutex(ScraperReaderTests.pools)
    let isDown = Mutex(false)
    /// The pool whose targets it does not list.
    let broken = Mutex<String?>(nil)
  }

  private func prometheus(_ answers: Answers) throws -> ScriptedServer {
    try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if answers.isDown.withLock({ $0 }) {
          try connection.respond(status: 503, body: "away")
        } else if request.target == "/api/v1/scrape_pools" {
          let names = answers.pools.withLock { $0 }.map { "\"\($0)\"" }.joined(separator: ",")
          try connection.respond(status: 200, body: "{\"status\":\"success\",\"data\":{\"scrapePools\":[\(names)]}}")
        } else if request.target.contains("state=active") {
          if let broken = answers.broken.withLock({ $0 }), request.target.contains(broken) {
            try connection.respond(status: 200, body: "<html></html>")
            continue
          }
          let target = TargetTableTests.target(address: "10.0.0.7:8080")
          let body: JSONValue = ["status": "success", "data": ["activeTargets": [target]]]
          try connection.respond(status: 200, body: body.prettyText)
        } else {
          try connection.respond(status: 404, body: "")
        }
      }
    }
  }

  private func readers(headers: HeadersFile? = nil) -> ScraperReaders {
    ScraperReaders(transport: transport, client: ScraperClient.Settings(), headers: headers, time: FastTime(), logger: .silent)
  }

  private func scraper(_ url: String) -> Scraper { Scraper(name: "main-0", prometheus: nil, shard: 0, place: .url(url)) }

  private func running(_ readers: ScraperReaders, _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await readers.run() }
      try await body()
      group.cancelAll()
    }
  }

  @Test func `R115: a scraper is read until it is away, and again when it is back`() async throws {
    let answers = Answers()
    let server = try prometheus(answers)
    defer { server.stop() }
    let readers = readers()
    readers.set([scraper(server.url)])
    let before = try #require(readers.all.first)
    #expect(before.reading.error != nil && before.reading.targetCount == 0)
    try await running(readers) {
      func reading() -> ScraperReading? { readers.all.first?.reading }
      try await eventually("both pools are read") { reading()?.isComplete == true && reading()?.targetCount == 2 }
      #expect(reading()?.poolCount == 2)
      answers.pools.withLock { $0 = ["podMonitor/shop/new/0"] }
      try await eventually("a new pool takes the place of the old ones") {
        reading()?.tables.keys.sorted() == ["podMonitor/shop/new/0"]
      }
      answers.isDown.withLock { $0 = true }
      try await eventually("it is away, and nothing is known") { reading()?.error?.kind == .status && reading()?.targetCount == 0 }
      answers.isDown.withLock { $0 = false }
      try await eventually("it is back") { reading()?.isComplete == true }
    }
    #expect(readers.all.isEmpty, "what was read is forgotten")
  }

  @Test func `R115: a pool that cannot be read costs only itself`() async throws {
    let answers = Answers()
    answers.broken.withLock { $0 = "shop%2Fapi" }
    let server = try prometheus(answers)
    defer { server.stop() }
    let readers = readers()
    readers.set([scraper(server.url)])
    try await running(readers) {
      try await eventually("one is read, and the other has an error") {
        let reading = readers.all.first?.reading
        return reading?.tables.count == 1 && reading?.failures[Self.pools[1]]?.kind == .notTheAPI && reading?.error == nil
      }
      answers.broken.withLock { $0 = nil }
      try await eventually("both are read") { readers.all.first?.reading.isComplete == true }
    }
  }

  @Test func `R115: scrapers come and go`() async throws {
    let answers = Answers()
    let servers = [try prometheus(answers), try prometheus(answers)]
    defer { for server in servers { server.stop() } }
    let readers = readers()
    try await running(readers) {
      readers.set([scraper(servers[0].url)])
      try await eventually("the first is read") { readers.all.first?.reading.isComplete == true }
      readers.set([scraper(servers[1].url), Scraper(name: "x", prometheus: nil, shard: 0, place: .nowhere(reason: "listenLocal"))])
      try await eventually("the second is read") { readers.all.map(\.reading.isComplete) == [true, false] }
      #expect(readers.all.map(\.scraper.url) == [servers[1].url, nil])
      #expect(readers.all.last?.reading.error?.detail == "listenLocal")
      let count = servers[0].requests.count
      try await eventually("the second is read again") { servers[1].requests.count > 12 }
      #expect(servers[0].requests.count <= count + 2, "the first is read no more")
      readers.set([])
      readers.set([scraper(servers[0].url)])
      try await eventually("the first is back") { readers.all.first?.reading.isComplete == true }
    }
  }

  @Test func `R115: headers are sent to loopback addresses and over https, never over plain http`() async throws {
    let folder = try TemporaryFolder()
    let headers = HeadersFile(path: try folder.write("Authorization: Bearer secret\n", to: "headers"))
    let server = try prometheus(Answers())
    defer { server.stop() }
    let readers = readers(headers: headers)
    readers.set([scraper(server.url)])
    try await running(readers) {
      try await eventually("it is read") { readers.all.first?.reading.isComplete == true }
    }
    #expect(server.requests.allSatisfy { $0.header("Authorization") == "Bearer secret" })
    #expect(
      readers.sendsHeaders(to: scraper(""), "https://10.0.0.1:9090") && readers.sendsHeaders(to: scraper(""), "http://127.0.0.1:9090"))
    #expect(!readers.sendsHeaders(to: scraper(""), "http://10.0.0.1:9090"))
    // Of a Prometheus object, which others may have made.
    let found = Scraper(
      name: "shop/prometheus-main-0", prometheus: PrometheusID(.server, namespace: "shop", name: "main"), shard: 0, place: .url(""))
    #expect(readers.sendsHeaders(to: found, "https://prometheus-main-0.prometheus-operated.shop.svc:9090"))
    #expect(!readers.sendsHeaders(to: found, "http://127.0.0.1:9090"))
    var unverified = ScraperClient.Settings()
    unverified.tls = TLSOptions(verification: .none)
    let careless = ScraperReaders(transport: transport, client: unverified, headers: headers, time: FastTime(), logger: .silent)
    #expect(!careless.sendsHeaders(to: found, "https://prometheus-main-0.prometheus-operated.shop.svc:9090"))
  }
}
