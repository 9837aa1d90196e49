import Collector
import Foundation
import HTTPTransport
import Roll
import Synchronization
import TestSupport
import Testing

/// The agent is scripted, but the connection to it is real: nginx with mutual TLS.
@Suite(.enabled(if: Nginx.isInstalled && Certificates.isPossible, "nginx and openssl are needed"))
struct AgentCollectorTests {
  private let certificates: Certificates
  private let twoContainers = [rollEntry("shop/web-0/nginx"), rollEntry("shop/web-0/sidecar")]

  init() async throws {
    certificates = try await Certificates()
  }

  @Test func `the agent's answers become the call's answers`() async throws {
    let agent = try await Agent(certificates) { _ in
      .report(
        RollReport(hash: "hash-1", answers: [.collected(age: 0.25), .missed(.pidNotFound, detail: "no cgroup")], secondsSinceScrape: 12))
    }
    let call = await agent.call(twoContainers)
    #expect(call.answers == [.collected(age: .milliseconds(250)), .missed(.pidNotFound, detail: "no cgroup")])
    #expect(call.lastScrape == .ago(.seconds(12)))
    let request = try #require(agent.server.requests.first)
    #expect(request.method == "POST" && request.target == "/v1/roll")
    #expect(
      try JSONDecoder().decode(RollRequest.self, from: Data(request.body))
        == RollRequest(node: "node-1", hash: "hash-1", entries: twoContainers))
  }

  @Test func `an agent that was never scraped reports it`() async throws {
    let agent = try await Agent(certificates) { _ in
      .report(RollReport(hash: "hash-1", answers: [.collected(age: 0), .collected(age: 0)], secondsSinceScrape: nil))
    }
    let call = await agent.call(twoContainers)
    #expect(call.lastScrape == .never, "\(call.answers)")
  }

  @Test func `R71: an agent of another node is the reason WrongNode, and does not get the entries`() async throws {
    let name = Mutex("node-1")
    let agent = try await Agent(certificates) { request in
      guard request.node == name.withLock({ $0 }) else {
        return .conflict(RollConflict(.wrongNode, detail: "this agent runs on the node node-2, not on node-1"))
      }
      return .report(RollReport(hash: "hash-1", answers: [.collected(age: 0), .collected(age: 0)], secondsSinceScrape: nil))
    }
    #expect(await agent.call(twoContainers).answers.map(\.reason) == [nil, nil])
    name.withLock { $0 = "node-2" }
    let answers = await agent.call(twoContainers).answers
    #expect(answers.map(\.reason) == [.wrongNode, .wrongNode])
    #expect(answers[0].detail.contains("runs on the node node-2"))
    let entries = try agent.server.requests.map { try JSONDecoder().decode(RollRequest.self, from: Data($0.body)).entries != nil }
    #expect(entries == [true, false], "the roll's hash suffices to learn that the node is another one")
  }

  @Test func `R74: a container of a sandboxed runtime is exempt`() async throws {
    let agent = try await Agent(certificates) { _ in
      .report(
        RollReport(
          hash: "hash-1", answers: [.exempt(.sandboxedRuntime, detail: "gVisor"), .exempt(.ignored, detail: "an agent cannot know")],
          secondsSinceScrape: nil))
    }
    #expect(
      await agent.call(twoContainers).answers
        == [.exempt(.sandboxedRuntime), .missed(.pidNotFound, detail: "an agent cannot know")])
  }

  @Test(arguments: [
    (Scrapers.common, nil, LastScrape.ago(.seconds(12))), (.named(["mine/"]), ["mine/"], .ago(.seconds(12))), (.none, nil, .notExpected),
  ])
  func `R81: agents learn the names of scrapers, and without scrapers no scrape is expected`(
    scrapers: Scrapers, names: [String]?, lastScrape: LastScrape
  ) async throws {
    let agent = try await Agent(certificates, settings: { $0.scrapers = scrapers }) { _ in
      .report(RollReport(hash: "hash-1", answers: [.collected(age: 0), .collected(age: 0)], secondsSinceScrape: 12))
    }
    #expect(await agent.call(twoContainers).lastScrape == lastScrape)
    let request = try #require(agent.server.requests.first)
    #expect(try JSONDecoder().decode(RollRequest.self, from: Data(request.body)).scrapers == names)
  }

  @Test
  func `the entries are sent only if the agent lacks the roll`() async throws {
    let held = Mutex<String?>(nil)
    let agent = try await Agent(certificates) { request in
      held.withLock { held in
        if request.entries != nil { held = request.hash }
        guard held == request.hash else { return .status(409, "which roll?") }
        return .report(RollReport(hash: request.hash, answers: [.collected(age: 0), .collected(age: 0)], secondsSinceScrape: nil))
      }
    }
    func call(hash: String) async {
      let answers = await agent.call(twoContainers, hash: hash).answers
      #expect(answers == [.collected(age: .zero), .collected(age: .zero)])
    }
    await call(hash: "a")
    await call(hash: "a")
    await call(hash: "b")
    // The agent restarts.
    held.withLock { $0 = nil }
    await call(hash: "b")
    await call(hash: "b")
    agent.collector.forget(node: "node-1")
    await call(hash: "b")
    let sent = try agent.server.requests.map { request in
      let decoded = try JSONDecoder().decode(RollRequest.self, from: Data(request.body))
      return decoded.hash + (decoded.entries == nil ? "" : "+entries")
    }
    #expect(sent == ["a+entries", "a", "b+entries", "b", "b+entries", "b", "b+entries"])
  }

  @Test
  func `sockets are requested only if needed, and accepted only for pods on the roll`() async throws {
    let received = Mutex<[PodSockets]>([])
    let agent = try await Agent(
      certificates, sockets: { pods, node in received.withLock { $0 += node == "node-1" ? pods : [] } }
    ) { _ in
      func pod(_ name: String, total: Int64) -> PodSockets {
        var pod = PodSockets(namespace: "shop", pod: name)
        pod.total = total
        return pod
      }
      var report = RollReport(hash: "hash-1", answers: [.collected(age: 0), .collected(age: 0)], secondsSinceScrape: nil)
      report.sockets = [pod("web-0", total: 7), pod("web-0", total: 8), pod("other", total: 9), pod("web-0", total: -1)]
      return .report(report)
    }
    _ = await agent.call(twoContainers)
    let pods = received.withLock { $0 }
    #expect(pods.map(\.pod) == ["web-0"])
    #expect(pods.first?.total == 7)
    let request = try #require(agent.server.requests.first)
    #expect(try JSONDecoder().decode(RollRequest.self, from: Data(request.body)).wantsSockets == true)
  }

  @Test(
    arguments: [
      (#"{"hash":"other","answers":[{"age":0},{"age":0}]}"#, "a different roll"),
      (#"{"hash":"hash-1","answers":[{"age":0}]}"#, "1 answers to a roll of 2"),
      (#"{"hash":"hash-1","answers":[]}"#, "0 answers to a roll of 2"),
      (#"{"hash":"hash-1","answers":[{"age":-1},{"age":-0.001}]}"#, "impossible age"),
      (#"{"hash":"hash-1","answers":[{"age":1e300},{"age":1e12}]}"#, "impossible age"),
      (#"{"hash":"hash-1","answers":[{},{"age":1,"reason":"Unknown"}]}"#, "either an age or a reason"),
      (#"{"hash":"hash-1","answers":[{"reason":"NotScraped"},{"reason":"AgentUnreachable"}]}"#, "a reason that agents must not use"),
      (#"{"hash":"hash-1","answers":[{"age":0},{"age":0}],"secondsSinceScrape":-5}"#, "since its last scrape: -5.0 s"),
      (#"{"hash":"hash-1","answers":[{"reason":"Lazy"},{"age":0}]}"#, "not a report"),
      (#"{"hash":"hash-1""#, "not a report"),
      ("<html>hello", "<html>hello"),
      ("", "not a report"),
    ])
  func `an implausible report is rejected`(body: String, detail: String) async throws {
    let agent = try await Agent(certificates) { _ in .status(200, body) }
    for answer in await agent.call(twoContainers).answers {
      #expect(answer.reason == .unknown && answer.detail.contains(detail), "\(answer)")
    }
  }

  @Test(arguments: [403, 404, 409, 500, 503])
  func `any other status is reported`(status: Int) async throws {
    let agent = try await Agent(certificates) { _ in .status(status, "because\nof this") }
    let answers = await agent.call(twoContainers).answers
    #expect(answers.count == 2)
    for answer in answers {
      #expect(answer.reason == .unknown && answer.detail.contains("status \(status): because of this"), "\(answer)")
    }
  }

  @Test func `R40: a report above the size limit is rejected`() async throws {
    let agent = try await Agent(certificates, settings: { $0.maximumReportBytes = 1000 }) { _ in
      .status(200, String(repeating: " ", count: 2000))
    }
    #expect(await agent.call(twoContainers).answers.map(\.reason) == [.tooLarge, .tooLarge])
  }

  @Test func `R41: an agent that does not respond in time is a timeout`() async throws {
    let agent = try await Agent(certificates, settings: { $0.deadline = .milliseconds(500) }) { _ in .nothing }
    #expect(await agent.call(twoContainers).answers.map(\.reason) == [.agentTimeout, .agentTimeout])
  }

  @Test(arguments: [true, false])
  func `R63: connections to agents stay open between calls only if requested`(_ keeps: Bool) async throws {
    let agent = try await Agent(certificates, keepsConnections: keeps) { _ in .status(200, "{}") }
    for _ in 1...3 { _ = await agent.call(twoContainers) }
    #expect(Set(agent.server.requests.map { $0.header("x-connection") }).count == (keeps ? 1 : 3))
  }

  @Test func `without certificates no agent is called`() async throws {
    let agent = try await Agent(certificates) { _ in .status(200, "") }
    let collector = AgentCollector(transport: try HTTPTransport(), settings: agent.settings) { nil }
    let call = await collector.call(nodeRoll(.linux, twoContainers, address: agent.address))
    #expect(call.answers.map(\.reason) == [.agentUnreachable, .agentUnreachable])
    #expect(call.answers[0].detail.contains("certificates for calling agents are not ready"))
    #expect(agent.server.acceptedConnections == 0)
  }

  @Test func `a server with another CA's certificate does not receive the roll`() async throws {
    let agent = try await Agent(certificates) { _ in .status(200, "") }
    let others = try await Certificates()
    let collector = AgentCollector(transport: try HTTPTransport(), settings: agent.settings) { others.controller }
    let call = await collector.call(nodeRoll(.linux, twoContainers, address: agent.address))
    #expect(call.answers.map(\.reason) == [.agentUnreachable, .agentUnreachable], "\(call.answers)")
    #expect(agent.server.acceptedConnections == 0)
  }

  @Test func `a refused connection is an unreachable agent`() async throws {
    var settings = AgentCollectorSettings()
    let closed = try ClosedPort()
    settings.port = closed.number
    let collector = AgentCollector(transport: try HTTPTransport(), settings: settings) { certificates.controller }
    let call = await collector.call(nodeRoll(.linux, twoContainers))
    #expect(call.answers.map(\.reason) == [.agentUnreachable, .agentUnreachable])
    #expect(call.answers[0].detail.contains("agent at 127.0.0.1:\(settings.port)"))
    #expect(call.lastScrape == .notObservable)
  }

  @Test func `R84: an agent that accepts a connection but begins no TLS handshake is a timeout`() async throws {
    let server = try ScriptedServer { try $0.waitForClose() }
    defer { server.stop() }
    var settings = AgentCollectorSettings()
    settings.port = server.port
    settings.connectTimeout = .milliseconds(300)
    let collector = AgentCollector(transport: try HTTPTransport(), settings: settings) { certificates.controller }
    #expect(await collector.call(nodeRoll(.linux, twoContainers)).answers.map(\.reason) == [.agentTimeout, .agentTimeout])
  }

  @Test func `a node without an address has no agent`() async throws {
    let collector = AgentCollector(transport: try HTTPTransport(), settings: AgentCollectorSettings()) { certificates.controller }
    let call = await collector.call(nodeRoll(.linux, twoContainers, address: nil))
    #expect(call.answers.map(\.reason) == [.noAgent, .noAgent])
    #expect(call.answers[0].detail.contains("node-1"))
  }

  @Test func `R70: an unready node that does not respond is NodeNotReady, and what one that responds says stands`() async throws {
    let agent = try await Agent(certificates) { _ in
      .report(RollReport(hash: "hash-1", answers: [.collected(age: 1), .missed(.pidNotFound, detail: "gone")], secondsSinceScrape: nil))
    }
    let answered = await agent.call(twoContainers, ready: false)
    #expect(answered.answers == [.collected(age: .seconds(1)), .missed(.pidNotFound, detail: "gone")])
    let lost = await agent.collector.call(nodeRoll(.linux, twoContainers, address: nil, ready: false))
    #expect(lost.answers.map(\.reason) == [.nodeNotReady, .nodeNotReady])
    #expect(lost.answers[0].detail.contains("NoAgent: the node node-1 has no usable address"))
  }
}

/// The response of a scripted agent.
private enum StubResponse {
  case report(RollReport)
  case conflict(RollConflict)
  case status(Int, String)
  case nothing
}

/// A scripted agent behind mutual TLS, and a collector that knows its port.
private struct Agent {
  let server: ScriptedServer
  let settings: AgentCollectorSettings
  let collector: AgentCollector
  private let nginx: Nginx

  var address: String { nginx.host }

  init(
    _ certificates: Certificates, settings change: (inout AgentCollectorSettings) -> Void = { _ in },
    keepsConnections: Bool = true, sockets: (@Sendable ([PodSockets], String) -> Void)? = nil,
    answer: @escaping @Sendable (RollRequest) -> StubResponse
  ) async throws {
    server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        switch answer(try JSONDecoder().decode(RollRequest.self, from: Data(request.body))) {
        case .report(let report): try connection.respond(status: 200, body: Array(JSONEncoder().encode(report)))
        case .conflict(let conflict): try connection.respond(status: 409, body: Array(JSONEncoder().encode(conflict)))
        case .status(let status, let body): try connection.respond(status: status, body: body)
        case .nothing: try connection.waitForClose()
        }
      }
    }
    nginx = try await Nginx(
      servers: """
        server {
          listen $network.1:$port ssl;
          \(certificates.nginxServerSide)
          location / { proxy_pass \(server.url); proxy_set_header X-Connection $connection; }
        }
        """)
    var settings = AgentCollectorSettings()
    settings.port = nginx.port
    // Generous limits for busy machines.
    settings.connectTimeout = .seconds(60)
    settings.deadline = .seconds(60)
    change(&settings)
    self.settings = settings
    let controller = certificates.controller
    collector = AgentCollector(
      transport: try HTTPTransport(), settings: settings, tls: { controller }, keepsConnections: { keepsConnections }, sockets: sockets)
  }

  func call(_ entries: [RollEntry], ready: Bool = true, hash: String = "hash-1") async -> RollCall {
    await collector.call(nodeRoll(.linux, entries, address: address, ready: ready, hash: hash))
  }
}
