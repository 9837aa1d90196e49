import Collector
import Foundation
import HTTPTransport
import JSON
import Primitives
import Relabeling
import Roll
import TestSupport
import Testing

@testable import Controller

@Suite struct ScraperClientTests {
  private let transport: HTTPTransport

  init() throws {
    transport = try HTTPTransport()
  }

  private static let one: JSONValue = [
    "status": "success", "data": ["activeTargets": [TargetTableTests.target(address: "10.0.0.7:8080")], "droppedTargets": []],
  ]

  /// A server that gives one answer to everything.
  private func server(status: Int = 200, headers: [(String, String)] = [], _ body: String) throws -> ScriptedServer {
    try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: status, headers: headers, body: body) }
    }
  }

  private func client(_ server: ScriptedServer, path: String = "", _ change: (inout ScraperClient.Settings) -> Void = { _ in })
    -> ScraperClient
  {
    var settings = ScraperClient.Settings()
    change(&settings)
    return ScraperClient(url: server.url + path, transport: transport, settings: settings)
  }

  // MARK: Questions

  @Test func `R116: targets are asked for by scrape pool, active ones only, compressed, below the path prefix`() async throws {
    let server = try server(Self.one.prettyText)
    let table = try await client(server, path: "/prom/").activeTargets(pool: "serviceMonitor/shop/web+1/0")
    #expect(table.targets(at: try #require(IPAddress("10.0.0.7")), port: 8080).count == 1)
    let request = try #require(server.requests.first)
    #expect(request.target == "/prom/api/v1/targets?state=active&scrapePool=serviceMonitor%2Fshop%2Fweb%2B1%2F0")
    #expect(request.header("Accept-Encoding")?.contains("gzip") == true)
  }

  @Test func `R116: the age of a scrape is by the clock of the scraper`() async throws {
    let server = try server(headers: [("Date", "Sat, 28 Nov 2026 14:26:46 GMT")], Self.one.prettyText)
    let table = try await client(server).activeTargets(pool: nil)
    #expect(table.targets(at: try #require(IPAddress("10.0.0.7")), port: 8080).first?.age == .milliseconds(59500))
  }

  @Test func `R116: dropped targets are counted without a list of them`() async throws {
    let server = try server(
      #"{"status":"success","data":{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{"podMonitor/shop/web/0":14}}}"#)
    #expect(try await client(server).droppedCounts() == ["podMonitor/shop/web/0": 14])
    #expect(server.requests.first?.target.contains("state=dropped&scrapePool=") == true)
    let old = try self.server(#"{"status":"success","data":{"activeTargets":[],"droppedTargets":[]}}"#)
    #expect(try await client(old).droppedCounts() == nil)
  }

  @Test func `R117: the targets whose samples are all dropped are known of servers that can be queried`() async throws {
    let server = try server(
      #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"instance":"10.0.0.7:80","namespace":"shop","#
        + #""pod":"web-0"},"value":[1795945226.85,"0"]},{"metric":{"instance":"host:1"},"value":[1795945226.85,"0"]}]}}"#)
    let expected: Set = [
      ScrapedInstance(instance: "10.0.0.7:80", namespace: "shop", pod: "web-0"),
      ScrapedInstance(instance: "host:1", namespace: "", pod: ""),
    ]
    let found = try await client(server).emptyScrapes()
    #expect(found == expected)
    #expect(server.requests.first?.target.hasPrefix("/api/v1/query?query=max%20by") == true)
    let vmagent = try self.server(status: 400, #"unsupported path requested: "/api/v1/query""#)
    let none = try await client(vmagent).emptyScrapes()
    #expect(none == nil)
  }

  @Test func `R116: a server without scrape pools says nothing of them`() async throws {
    for (status, body) in [(404, "404 page not found"), (400, "unsupported path requested: \"/api/v1/scrape_pools\"")] {
      let silent = try server(status: status, body)
      #expect(try await client(silent).scrapePools() == nil)
    }
    let pools = try server(#"{"status":"success","data":{"scrapePools":["a","b"]}}"#)
    #expect(try await client(pools).scrapePools() == ["a", "b"])
  }

  @Test func `R117: the rule that drops is the first step that does not keep, in the server's own judgement`() async throws {
    let rule = #"{"source_labels":["__meta_kubernetes_pod_node_name"],"separator":";","regex":"lab-2","replacement":"$1","action":"drop"}"#
    let server = try server(
      #"{"status":"success","data":{"steps":[{"rule":{"action":"replace"},"output":{"a":"b"},"keep":true},"#
        + #"{"rule":\#(rule),"output":{},"keep":false},{"rule":{"action":"keep"},"output":{},"keep":false}]}}"#)
    let verdict = try await client(server).verdict(pool: "podMonitor/shop/web/0", labels: ["__address__": "10.0.0.7:80"])
    let expected = RelabelRule(.drop, sourceLabels: ["__meta_kubernetes_pod_node_name"], regex: "lab-2")
    #expect(verdict == .dropped(DroppingRule(index: 1, rule: expected, judge: .scraper)))
    #expect(server.requests.count == 1)
    #expect(server.requests.first?.target.hasSuffix("labels=%7B%22__address__%22%3A%2210.0.0.7%3A80%22%7D") == true)
  }

  @Test func `R117: an older server's rules are evaluated here, and the verdict says so`() async throws {
    let server = try Self.server(release: #"{"version":"2.42.0+ds","goVersion":"go1.19.5"}"#)
    let client = client(server)
    let dropped = try await client.verdict(pool: "podMonitor/shop/web/0", labels: ["__meta_kubernetes_pod_name": "web-0"])
    #expect(dropped == .dropped(DroppingRule(index: 1, rule: RelabelRule(.drop, sourceLabels: ["pod"], regex: "web-.*"), judge: .rollcall)))
    #expect(try await client.verdict(pool: "podMonitor/shop/web/0", labels: ["__meta_kubernetes_pod_name": "db-0"]) == .kept)
    #expect(try await client.verdict(pool: "podMonitor/shop/none/0", labels: [:]) == nil)
  }

  @Test(arguments: [#"{"version":"2.24.0"}"#, #"{"version":"0.35.1","goVersion":"go1.22.3"}"#, #"{}"#])
  func `R117: the rules of anything but a Prometheus are not evaluated`(release: String) async throws {
    let server = try Self.server(release: release)
    #expect(try await client(server).verdict(pool: "podMonitor/shop/web/0", labels: ["__meta_kubernetes_pod_name": "web-0"]) == nil)
  }

  /// A server with a configuration and without `relabel_steps`.
  private static func server(release: String) throws -> ScriptedServer {
    let yaml: JSONValue = [
      "yaml": """
      global:
        scrape_interval: 15s
      scrape_configs:
      - job_name: podMonitor/shop/other/0
        relabel_configs:
        - regex: .*
          action: drop
      - job_name: podMonitor/shop/web/0
        relabel_configs:
        - source_labels: [__meta_kubernetes_pod_name]
          separator: ;
          regex: (.*)
          target_label: pod
          replacement: $1
          action: replace
        - source_labels: [pod]
          separator: ;
          regex: web-.*
          replacement: $1
          action: drop
      remote_write:
      - url: http://example.org
      """
    ]
    let configuration = (["status": "success", "data": yaml] as JSONValue).prettyText
    return try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        switch request.target.prefix(while: { $0 != "?" }) {
        case "/api/v1/status/config": try connection.respond(status: 200, body: configuration)
        case "/api/v1/status/buildinfo": try connection.respond(status: 200, body: #"{"status":"success","data":\#(release)}"#)
        default: try connection.respond(status: 404, body: "404 page not found\n")
        }
      }
    }
  }

  // MARK: Bad answers

  /// The error of one reading of targets.
  private func failure(_ client: ScraperClient) async -> ScraperError? {
    await #expect(throws: ScraperError.self) { try await client.activeTargets(pool: nil) }
  }

  @Test(
    arguments: [
      (200, "<html><body>Sign in</body></html>", ScraperError.Kind.notTheAPI, "HTML"),
      (200, #"{"status":"success","data":{"activeTargets":[{"health":"up"},{"#, .incomplete, "1 targets"),
      (200, #"{"status":"success","data":[]}"#, .notTheAPI, "active targets"),
      (200, "up 1\n", .notTheAPI, "not JSON"),
      (200, "", .incomplete, "0 bytes"),
      (200, #"{"status":"error","errorType":"internal","error":"out of luck"}"#, .refused, "out of luck"),
      (401, "no", .unauthorized, "401"), (403, "no", .unauthorized, "403"), (404, "404 page not found", .status, "404"),
      (503, "Service Unavailable", .status, "503"),
    ])
  func `R116: a bad answer is an error that says what, where and what to do`(
    status: Int, body: String, kind: ScraperError.Kind, text: String
  ) async throws {
    let server = try server(status: status, body)
    let error = await failure(client(server))
    #expect(error?.kind == kind)
    let description = "\(error.map { "\($0)" } ?? "")"
    #expect(description.hasPrefix("GET \(server.url)/api/v1/targets: "))
    #expect(description.contains(text) && description.contains("; "))
  }

  @Test func `R116: a redirect is not followed, and its target is named`() async throws {
    let server = try server(status: 302, headers: [("Location", "https://login.example.org/")], "")
    let error = await failure(client(server))
    #expect(error?.kind == .redirected)
    #expect(error?.description.contains("https://login.example.org/") == true)
    #expect(server.requests.count == 1)
  }

  @Test func `R116: an answer without end is cut off, compressed or not`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendHead(status: 200, headers: [])
      try connection.send(#"{"status":"success","data":{"activeTargets":["#)
      let target = Array(#"{"health":"up","discoveredLabels":{"__address__":"10.0.0.7:80"}},"#.utf8)
      let many = Array(repeatElement(target, count: 1000).joined())
      while true { try connection.send(many) }
    }
    let error = await failure(client(server) { $0.maximumTargetBytes = 8 << 20 })
    #expect(error?.kind == .tooLarge)
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func `R116: a server that stalls in the middle costs a deadline`() async throws {
    let gate = Gate()
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendHead(status: 200, headers: [("Content-Length", "1000")])
      try connection.send(#"{"status":"#)
      try connection.stall(until: gate)
    }
    defer { gate.open() }
    #expect(await failure(client(server) { $0.deadline = .milliseconds(200) })?.kind == .timeout)
  }

  @Test func `R116: no answer costs only the question`() async throws {
    let server = try server("")
    let client = client(server)
    server.stop()
    try await eventually("nothing listens") { await failure(client)?.kind == .unreachable }
  }

  @Test func `R116: an error of one server does not change what another one says`() async throws {
    let (bad, good) = (try server("<html>"), try server(Self.one.prettyText))
    async let failed = failure(client(bad))
    async let table = client(good).activeTargets(pool: nil)
    #expect(await failed?.kind == .notTheAPI)
    #expect(try await table.count == 1)
  }

  @Test func `R116: headers of a file are sent, and a file that cannot be read is an error`() async throws {
    let server = try server(Self.one.prettyText)
    let folder = try TemporaryFolder()
    let file = try folder.write("Authorization: Bearer abc\n", to: "headers")
    let client = ScraperClient(url: server.url, transport: transport, headers: HeadersFile(path: file))
    _ = try await client.activeTargets(pool: nil)
    #expect(server.requests.first?.header("Authorization") == "Bearer abc")
    let broken = ScraperClient(url: server.url, transport: transport, headers: HeadersFile(path: "\(folder.path)/none"))
    let error = await failure(broken)
    #expect(error?.kind == .unsent)
    #expect(error?.description.contains("\(folder.path)/none") == true)
  }
}

@Suite struct PoolScheduleTests {
  private let start = Moment(milliseconds: 1000)

  @Test func `R116: pools are read one after the other, spread over the period`() throws {
    var schedule = PoolSchedule(period: .seconds(30))
    schedule.update(["a", "b", "c"])
    var now = start
    var reads: [(pool: String, after: Duration)] = []
    for _ in 0..<7 {
      let read = try #require(schedule.next(now: now))
      now = read.at
      schedule.begin(read.pool, at: now)
      reads.append((read.pool, now - start))
    }
    #expect(reads.map(\.pool) == ["a", "b", "c", "a", "b", "c", "a"])
    #expect(reads.map(\.after) == [0, 10, 20, 30, 40, 50, 60].map { .seconds($0) })
  }

  @Test func `R116: a new pool is next, and removed ones are read no more`() throws {
    var schedule = PoolSchedule(period: .seconds(30))
    schedule.update(["a", "b"])
    schedule.begin("a", at: start)
    schedule.update(["a", "b", "new"])
    #expect(schedule.next(now: start) == .init(pool: "new", at: start + .seconds(10)))
    schedule.update(["a"])
    #expect(schedule.next(now: start) == .init(pool: "a", at: start + .seconds(30)))
    schedule.update([])
    #expect(schedule.next(now: start) == nil)
  }

  @Test func `R116: however slow a scraper is, no pool is read more often than once per period`() throws {
    var random = SplitMix64(seed: 30)
    var schedule = PoolSchedule(period: .seconds(30))
    schedule.update(Set((0..<9).map { "p\($0)" }))
    var last: [String: Moment] = [:]
    var now = start
    for _ in 0..<2000 {
      let read = try #require(schedule.next(now: now))
      #expect(read.at >= now)
      if let before = last[read.pool] { #expect(read.at - before >= .seconds(30)) }
      schedule.begin(read.pool, at: read.at)
      last[read.pool] = read.at
      now = read.at + .milliseconds(Int64(random.next() % 9000))
    }
    #expect(last.count == 9)
  }
}
