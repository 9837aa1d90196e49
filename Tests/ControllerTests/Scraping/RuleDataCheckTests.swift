import Foundation
import HTTPTransport
import JSON
import KubeClient
import Synchronization
import TestSupport
import Testing

@testable import Controller

@Suite struct RuleDataCheckTests {
  private let transport: HTTPTransport
  private let time = ManualTime()

  init() throws {
    transport = try HTTPTransport()
  }

  /// A scraper that has these metrics and, with `hasParser`, a parser, which refuses every expression with a `!`.
  private func scraper(_ metrics: Set<String>, hasParser: Bool = false) throws -> ScriptedServer {
    try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let query = URLComponents(string: "http://x\(request.target)")?.queryItems ?? []
        if request.target.hasPrefix("/api/v1/parse_query"), hasParser {
          let expression = query.first?.value ?? ""
          if expression.contains("!") {
            try connection.respond(status: 400, body: #"{"status":"error","errorType":"bad_data","error":"parse error"}"#)
          } else {
            let tree: JSONValue = [
              "type": "vectorSelector", "matchers": [["name": "__name__", "type": "=", "value": .string("parsed_\(expression)")]],
            ]
            let answer: JSONValue = ["status": "success", "data": tree]
            try connection.respond(status: 200, body: answer.prettyText)
          }
        } else if request.target.hasPrefix("/api/v1/label/__name__/values?") {
          let asked = query.filter { $0.name == "match[]" }.compactMap {
            $0.value?.split(separator: "\"").dropFirst().first.map(String.init)
          }
          let found = asked.filter(metrics.contains).map { JSONValue.string($0) }
          let answer: JSONValue = ["status": "success", "data": .array(found)]
          try connection.respond(status: 200, body: answer.prettyText)
        } else {
          try connection.respond(status: 404, body: "404 page not found")
        }
      }
    }
  }

  private func client(_ server: ScriptedServer) -> ScraperClient { ScraperClient(url: server.url, transport: transport) }

  /// - Parameter rules: expressions by the name of the alert.
  private static func object(_ rules: [String: String]) -> JSONValue {
    let rules = rules.sorted { $0.key < $1.key }.map { name, expression -> JSONValue in
      ["alert": .string(name), "expr": .string(expression)]
    }
    return ["metadata": ["namespace": "shop", "name": "web"], "spec": ["groups": [["name": "one", "rules": .array(rules)]]]]
  }

  private func check(_ rules: [String: String], _ clients: [ScraperClient], unreached: [String] = []) -> RuleDataCheck {
    let object = Self.object(rules)
    return RuleDataCheck(
      list: { () throws(KubeError) in [object] }, scrapers: { RuleScrapers(clients: clients, unreached: unreached) }, time: time,
      logger: .silent)
  }

  private func found(_ check: RuleDataCheck) async -> [String: [String]] {
    var names: [String: Set<String>] = [:]
    await check.check(&names)
    return Dictionary(check.status.rules.map { ($0.rule.name, $0.metrics) }) { first, _ in first }
  }

  @Test func `R120: rules are listed with the metrics that none of the scrapers has`() async throws {
    let servers = [try scraper(["here", "left"]), try scraper(["right"])]
    let rules = ["Good": "here / on (x) right > 1", "Bad": "left + gone or away", "Absent": "absent(never)"]
    let check = check(rules, servers.map(client))
    #expect(await found(check) == ["Bad": ["away", "gone"]])
    #expect(check.status.checked == 3 && check.status.problem == nil && check.status.time == time.now)
    // The second is asked only for what the first does not have.
    let asked = servers[1].requests.filter { $0.target.contains("__name__/values") }
    #expect(asked.count == 1 && asked[0].target.contains("gone") && !asked[0].target.contains("here"))
    #expect(asked[0].target.hasSuffix("&start=\(1_700_000_000 - 86_400)"))
  }

  @Test func `R120: the scraper's own parser is asked once for each expression, and what it refuses has no metrics`() async throws {
    let server = try scraper(["parsed_a"], hasParser: true)
    let check = check(["A": "a", "Same": "a", "B": "b", "Invalid": "!"], [client(server)])
    var names: [String: Set<String>] = [:]
    await check.check(&names)
    #expect(check.status.rules.map(\.rule.name) == ["B"] && check.status.rules.first?.metrics == ["parsed_b"])
    let parsed = { server.requests.count { $0.target.hasPrefix("/api/v1/parse_query") } }
    #expect(parsed() == 3)
    await check.check(&names)
    #expect(parsed() == 3)
  }

  @Test func `R120: names are asked for in small batches`() async throws {
    let server = try scraper([])
    let expression = (0..<120).map { "metric_\($0)" }.joined(separator: " + ")
    #expect(await found(check(["Long": expression], [client(server)]))["Long"]?.count == 120)
    let asked = server.requests.filter { $0.target.contains("__name__/values") }
    #expect(asked.count == 3 && asked.allSatisfy { $0.target.utf8.count < 8000 })
  }

  @Test func `R120: nothing is listed while a scraper is away, and the last result stays`() async throws {
    let server = try scraper(["here"])
    #expect(await found(check(["Bad": "gone"], [client(server)], unreached: ["main-1"])).isEmpty)
    #expect(await found(check(["Bad": "gone"], [])).isEmpty)
    let closed = try ClosedPort()
    let away = ScraperClient(url: "http://127.0.0.1:\(closed.number)", transport: transport)
    let clients = Mutex([client(server)])
    let check = RuleDataCheck(
      list: { () throws(KubeError) in [Self.object(["Bad": "gone"])] },
      scrapers: { RuleScrapers(clients: clients.withLock { $0 }, unreached: []) }, time: time, logger: .silent)
    #expect(await found(check) == ["Bad": ["gone"]])
    clients.withLock { $0 = [client(server), away] }
    #expect(await found(check) == ["Bad": ["gone"]])
    #expect(check.status.problem?.contains("127.0.0.1:\(closed.number)") == true)
  }

  @Test func `R120: rules are checked once an hour, and sooner after a check without a result`() async throws {
    let lists = Mutex(0)
    let server = try scraper([])
    let clients = [client(server)]
    let check = RuleDataCheck(
      list: { () throws(KubeError) in
        let number = lists.withLock { lists -> Int in
          lists += 1
          return lists
        }
        if number == 1 { throw .status(APIStatus(code: 403, reason: "Forbidden", message: "no")) }
        return [Self.object(["Bad": "gone"])]
      }, scrapers: { RuleScrapers(clients: clients, unreached: []) }, time: time, logger: .silent)
    try await withThrowingTaskGroup { group in
      group.addTask { await check.run() }
      try await eventually("it waits for scrapers") { time.sleepers == 1 }
      time.advance(by: RuleDataCheck.retryPeriod)
      try await eventually("the first check has failed") { check.status.problem?.contains("403") == true && time.sleepers == 1 }
      time.advance(by: RuleDataCheck.retryPeriod)
      try await eventually("the second check has a result") { check.status.rules.count == 1 && time.sleepers == 1 }
      time.advance(by: RuleDataCheck.period - .seconds(1))
      #expect(lists.withLock { $0 } == 2)
      time.advance(by: .seconds(1))
      try await eventually("the third check") { lists.withLock { $0 } == 3 }
      group.cancelAll()
    }
  }
}
