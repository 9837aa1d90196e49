import Foundation
import HTTPTransport
import Roll
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct RollTests {
  @Test func `a roll is answered, held, and then referred to by its hash`() async throws {
    let agent = try await RunningAgent()
    let tls = try agent.controller()
    #expect(try await agent.call(tls, hash: "one", entries: nil).status == 409)

    let entries = [
      RunningAgent.entry("app", id: RunningAgent.containerID),
      RunningAgent.entry("gone", id: String(repeating: "0", count: 64)),
      RunningAgent.entry("unnamed", id: ""),
    ]
    let first = try await agent.call(tls, hash: "one", entries: entries).report()
    #expect(first.hash == "one")
    #expect(first.answers.map(\.reason) == [nil, .pidNotFound, .pidNotFound])
    #expect(try #require(first.answers[0].age) >= 0)
    #expect(first.secondsSinceScrape == nil)

    let second = try await agent.call(tls, hash: "one", entries: nil).report()
    #expect(second.answers.map(\.reason) == first.answers.map(\.reason))
    #expect(try await agent.call(tls, hash: "two", entries: nil).status == 409)

    let exposition = try await agent.get("/metrics", headers: [HTTPHeader("User-Agent", "Prometheus/3.5.0")]).text
    #expect(exposition.contains("rollcall_agent_roll_entries 3\n"))
    #expect(exposition.contains("rollcall_agent_answers_total{answer=\"Collected\"} 2\n"))
    #expect(exposition.contains("rollcall_agent_answers_total{answer=\"PidNotFound\"} 4\n"))
    // The agent records the scrape after it has written the last byte, possibly shortly after the client has read it.
    try await eventually("the scrape is recorded") {
      try await agent.call(tls, hash: "one", entries: nil).report().secondsSinceScrape != nil
    }
  }

  @Test func `R53: only the controller may call the roll`() async throws {
    let agent = try await RunningAgent()
    let stranger = try TestAuthority(in: agent.folder, name: "stranger")
    let own = TestAuthority.Issued(certificate: agent.folder.path + "/agent.crt", key: agent.folder.path + "/agent.key")
    let strangers = try stranger.issue("rollcall-controller-of-another-cluster", usage: "clientAuth")
    for client in [nil, own, strangers] {
      let error = await #expect(throws: HTTPTransportError.self) {
        try await agent.call(agent.options(agent.authority, client: client), hash: "one", entries: [])
      }
      // With TLS 1.3 the server rejects a client certificate after the client has finished its handshake.
      switch error {
      case .tls, .cut: break
      default: Issue.record("refused in another way: \(String(describing: error))")
      }
    }
    let exposition = try await agent.get("/metrics").text
    #expect(exposition.contains("rollcall_agent_roll_entries 0\n"))
    #expect(try await agent.call(agent.controller(), hash: "one", entries: []).status == 200)
  }

  @Test func `R84: each cause of a failed handshake is logged once, in words, with the client and advice`() async throws {
    let agent = try await RunningAgent()
    let stranger = try TestAuthority(in: agent.folder, name: "stranger")
    let strangers = try stranger.issue("rollcall-controller-of-another-cluster", usage: "clientAuth")
    let attempts: [(TestAuthority, TestAuthority.Issued?)] = [
      (agent.authority, nil), (agent.authority, strangers), (stranger, strangers), (agent.authority, strangers), (agent.authority, nil),
    ]
    for (trusted, client) in attempts {
      await #expect(throws: HTTPTransportError.self) {
        try await agent.call(agent.options(trusted, client: client), hash: "one", entries: [])
      }
    }
    // Not TLS at all.
    await #expect(throws: (any Error).self) {
      try await HTTPTransport().send(HTTPRequest(url: "http://\(agent.rollListen)/v1/roll", deadline: .seconds(60)))
    }
    #expect(try await agent.call(agent.controller(), hash: "one", entries: []).status == 200)
    _ = try await agent.program.waitForLine(containing: "TLS handshake succeeded again")

    let failures = agent.program.output.split(separator: "\n").filter { $0.contains("TLS handshake failed") }
    for words in [
      "the client has no certificate", "is not from an authority in ca.crt", "the client rejects this server's certificate",
      "the client does not use TLS",
    ] {
      #expect(failures.count { $0.contains(words) } == 1, "\(words): \(failures)")
    }
    #expect(failures.count == 4, "\(failures)")
    for failure in failures {
      #expect(failure.contains("client=127.0.0.1") && failure.contains("advice="), "\(failure)")
      #expect(!failure.contains(".cc") && !failure.contains("/ssl/") && !failure.contains("error:"), "\(failure)")
    }
  }

  @Test func `R84: a frozen agent accepts connections and never answers the handshake`() async throws {
    let agent = try await RunningAgent()
    let tls = try agent.controller()
    agent.program.send(signal: SIGSTOP)
    defer { agent.program.send(signal: SIGCONT) }
    var request = HTTPRequest(method: "POST", url: "https://\(agent.rollListen)/v1/roll", tls: tls)
    request.connectTimeout = .seconds(1)
    let error = await #expect(throws: HTTPTransportError.self) { try await HTTPTransport().send(request) }
    guard case .timeout(.handshake, _) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
  }

  @Test func `R71: the agent answers for its own node only, and keeps its roll when called for another`() async throws {
    let agent = try await RunningAgent()
    let tls = try agent.controller()
    let entries = [RunningAgent.entry("app", id: RunningAgent.containerID)]
    #expect(try await agent.call(tls, hash: "one", entries: entries).status == 200)

    for strangers in [[], nil] as [[RollEntry]?] {
      let refused = try await agent.call(tls, node: "node-2", hash: "two", entries: strangers)
      #expect(refused.status == 409)
      let conflict = try JSONDecoder().decode(RollConflict.self, from: Data(refused.body))
      #expect(conflict.code == .wrongNode)
      #expect(conflict.detail.contains("node-1") && conflict.detail.contains("node-2"))
    }
    #expect(try await agent.get("/metrics").text.contains("rollcall_agent_roll_entries 1\n"))
    // The agent still holds the roll.
    #expect(try await agent.call(tls, hash: "one", entries: nil).report().answers.map(\.reason) == [nil])
    let unknown = try await agent.call(tls, hash: "two", entries: nil)
    #expect(try JSONDecoder().decode(RollConflict.self, from: Data(unknown.body)).code == .unknownRoll)
  }

  @Test func `R71: an agent without a node name answers for any node`() async throws {
    let agent = try await RunningAgent(node: nil)
    let tls = try agent.controller()
    for node in ["node-1", "node-2"] { #expect(try await agent.call(tls, node: node, hash: node, entries: []).status == 200) }
  }

  @Test func `R81: only scrapers end the time without a scrape, those that the controller names if it names some`() async throws {
    let agent = try await RunningAgent()
    let tls = try agent.controller()
    func scrape(_ headers: [HTTPHeader]) async throws { #expect(try await agent.get("/metrics", headers: headers).status == 200) }
    func isScraped(named: [String]? = nil) async throws -> Bool {
      try await agent.call(tls, hash: "one", entries: [], scrapers: named).report().secondsSinceScrape != nil
    }
    try await scrape([])
    try await scrape([HTTPHeader("User-Agent", "curl/8.14.1")])
    #expect(try await !isScraped(named: ["mine/"]))
    try await scrape([HTTPHeader("User-Agent", "Prometheus/3.5.0"), HTTPHeader(Scrapers.timeoutHeader, "10")])
    #expect(try await !isScraped(named: ["other/", "mine/"]))
    try await scrape([HTTPHeader("User-Agent", "mine/2.0")])
    try await eventually("the named scraper's scrape is recorded") { try await isScraped(named: ["other/", "mine/"]) }
  }

  @Test func `R53: a certificate without an extended key usage is refused`() async throws {
    let agent = try await RunningAgent()
    let base = agent.folder.path
    let openssl = try ExternalProgram(
      "openssl",
      [
        "req", "-x509", "-config", base + "/openssl.cnf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "2", "-subj", "/CN=rollcall-controller", "-CA", base + "/cluster.crt", "-CAkey", base + "/cluster.key",
        "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", base + "/bare.key", "-out", base + "/bare.crt",
      ], log: base + "/openssl.log")
    try #require(try await openssl.waitForExit() == 0, "\(openssl.output)")
    let bare = TestAuthority.Issued(certificate: base + "/bare.crt", key: base + "/bare.key")
    let response = try await agent.call(agent.options(agent.authority, client: bare), hash: "one", entries: [])
    #expect(response.status == 403)
    #expect(response.text.contains("clientAuth"))
  }

  @Test func `an invalid roll is rejected with a reason`() async throws {
    let agent = try await RunningAgent()
    let tls = try agent.controller()
    #expect(try await agent.roll(tls, body: Array("[1, 2".utf8)).status == 400)
    #expect(try await agent.roll(tls, body: Array(repeating: UInt8(ascii: " "), count: (8 << 20) + 1)).status == 413)
    let many = Array(repeating: RunningAgent.entry("app", id: ""), count: 20_001)
    let tooMany = try await agent.call(tls, hash: "one", entries: many)
    #expect(tooMany.status == 413)
    #expect(tooMany.text.contains("20001"))
    #expect(try await agent.roll(tls, body: [], path: "/v2/roll").status == 404)
    let wrongMethod = try await agent.roll(tls, body: [], method: "PUT")
    #expect(wrongMethod.status == 405)
    #expect(wrongMethod.header("allow") == "POST")
    #expect(try await agent.call(tls, hash: "one", entries: []).status == 200)
  }
}
