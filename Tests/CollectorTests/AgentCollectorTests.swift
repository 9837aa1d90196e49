import Collector
import Foundation
import HTTPTransport
import Roll
import Synchronization
import TestSupport
import Testing

/// The agent's answers are scripted; what is between it and us is real: nginx with mutual TLS.
@Suite(.enabled(if: Nginx.isInstalled && Certificates.isPossible, "nginx and openssl are needed"))
struct AgentCollectorTests {
  private let certificates: Certificates
  private let twoContainers = [entry("shop/web-0/nginx"), entry("shop/web-0/sidecar")]

  init() async throws {
    certificates = try await Certificates()
  }

  @Test func agentAnswersBecomeAnswersOfTheCall() async throws {
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

  @Test func anAgentThatWasNeverScrapedSaysSo() async throws {
    let agent = try await Agent(certificates) { _ in
      .report(RollReport(hash: "hash-1", answers: [.collected(age: 0), .collected(age: 0)], secondsSinceScrape: nil))
    }
    let call = await agent.call(twoContainers)
    #expect(call.lastScrape == .never, "\(call.answers)")
  }

  @Test("the entries are sent when the agent lacks them, and only then")
  func entriesAreSentWhenNeeded() async throws {
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
    // The agent is restarted.
    held.withLock { $0 = nil }
    await call(hash: "b")
    await call(hash: "b")
    agent.collector.forget(node: "node-1")
    await call(hash: "b")
    let said = try agent.server.requests.map { request in
      let decoded = try JSONDecoder().decode(RollRequest.self, from: Data(request.body))
      return decoded.hash + (decoded.entries == nil ? "" : "+entries")
    }
    #expect(said == ["a+entries", "a", "b+entries", "b", "b+entries", "b", "b+entries"])
  }

  @Test("sockets are asked for where somebody wants them, and believed of the roll's pods alone")
  func socketsAreHandedOn() async throws {
    let handed = Mutex<[PodSockets]>([])
    let agent = try await Agent(
      certificates, sockets: { pods, node in handed.withLock { $0 += node == "node-1" ? pods : [] } }
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
    let pods = handed.withLock { $0 }
    #expect(pods.map(\.pod) == ["web-0"])
    #expect(pods.first?.total == 7)
    let request = try #require(agent.server.requests.first)
    #expect(try JSONDecoder().decode(RollRequest.self, from: Data(request.body)).wantsSockets == true)
  }

  @Test(
    "an agent that lies is not believed",
    arguments: [
      (#"{"hash":"other","answers":[{"age":0},{"age":0}]}"#, "another roll"),
      (#"{"hash":"hash-1","answers":[{"age":0}]}"#, "1 answers to a roll of 2"),
      (#"{"hash":"hash-1","answers":[]}"#, "0 answers to a roll of 2"),
      (#"{"hash":"hash-1","answers":[{"age":-1},{"age":-0.001}]}"#, "which cannot be"),
      (#"{"hash":"hash-1","answers":[{"age":1e300},{"age":1e12}]}"#, "which cannot be"),
      (#"{"hash":"hash-1","answers":[{},{"age":1,"reason":"Unknown"}]}"#, "either an age or a reason"),
      (#"{"hash":"hash-1","answers":[{"reason":"NotScraped"},{"reason":"AgentUnreachable"}]}"#, "not for an agent to say"),
      (#"{"hash":"hash-1","answers":[{"age":0},{"age":0}],"secondsSinceScrape":-5}"#, "scraped -5.0 s ago"),
      (#"{"hash":"hash-1","answers":[{"reason":"Lazy"},{"age":0}]}"#, "not a report"),
      (#"{"hash":"hash-1""#, "not a report"),
      ("<html>hello", "<html>hello"),
      ("", "not a report"),
    ])
  func liesAreNotBelieved(body: String, detail: String) async throws {
    let agent = try await Agent(certificates) { _ in .status(200, body) }
    for outcome in await agent.call(twoContainers).answers {
      #expect(outcome.reason == .unknown && outcome.detail.contains(detail), "\(outcome)")
    }
  }

  @Test(arguments: [403, 404, 409, 500, 503])
  func anotherStatusIsTold(status: Int) async throws {
    let agent = try await Agent(certificates) { _ in .status(status, "because\nof this") }
    let answers = await agent.call(twoContainers).answers
    #expect(answers.count == 2)
    for outcome in answers {
      #expect(outcome.reason == .unknown && outcome.detail.contains("status \(status): because of this"), "\(outcome)")
    }
  }

  @Test("R40: a report that is too large is refused") func aHugeReport() async throws {
    let agent = try await Agent(certificates, settings: { $0.maximumReportBytes = 1000 }) { _ in
      .status(200, String(repeating: " ", count: 2000))
    }
    #expect(await agent.call(twoContainers).answers.map(\.reason) == [.tooLarge, .tooLarge])
  }

  @Test("R41: an agent that does not answer in time") func aHangingAgent() async throws {
    let agent = try await Agent(certificates, settings: { $0.deadline = .milliseconds(500) }) { _ in .nothing }
    #expect(await agent.call(twoContainers).answers.map(\.reason) == [.agentTimeout, .agentTimeout])
  }

  @Test("R63: connections to agents are kept between calls, or not, as it is asked for", arguments: [true, false])
  func keptConnections(_ keeps: Bool) async throws {
    let agent = try await Agent(certificates, keepsConnections: keeps) { _ in .status(200, "{}") }
    for _ in 1...3 { _ = await agent.call(twoContainers) }
    #expect(Set(agent.server.requests.map { $0.header("x-connection") }).count == (keeps ? 1 : 3))
  }

  @Test func anAgentWithoutCertificatesIsNotAsked() async throws {
    let agent = try await Agent(certificates) { _ in .status(200, "") }
    let collector = AgentCollector(transport: try HTTPTransport(), settings: agent.settings) { nil }
    let call = await collector.call(roll(.linux, twoContainers, address: agent.address))
    #expect(call.answers.map(\.reason) == [.agentUnreachable, .agentUnreachable])
    #expect(call.answers[0].detail.contains("certificates for talking to agents are not ready"))
    #expect(agent.server.acceptedConnections == 0)
  }

  @Test func aStrangerAtTheAgentsAddressIsNotSentTheRoll() async throws {
    let agent = try await Agent(certificates) { _ in .status(200, "") }
    let others = try await Certificates()
    let collector = AgentCollector(transport: try HTTPTransport(), settings: agent.settings) { others.controller }
    let call = await collector.call(roll(.linux, twoContainers, address: agent.address))
    #expect(call.answers.map(\.reason) == [.agentUnreachable, .agentUnreachable], "\(call.answers)")
    #expect(agent.server.acceptedConnections == 0)
  }

  @Test func whereNobodyListensTheAgentIsUnreachable() async throws {
    var settings = AgentCollectorSettings()
    let closed = try ClosedPort()
    settings.port = closed.number
    let collector = AgentCollector(transport: try HTTPTransport(), settings: settings) { certificates.controller }
    let call = await collector.call(roll(.linux, twoContainers))
    #expect(call.answers.map(\.reason) == [.agentUnreachable, .agentUnreachable])
    #expect(call.answers[0].detail.contains("agent at 127.0.0.1:\(settings.port)"))
    #expect(call.lastScrape == .notObservable)
  }

  @Test func aPeerThatNeverFinishesTheHandshakeIsUnreachable() async throws {
    let server = try ScriptedServer { try $0.waitForClose() }
    defer { server.stop() }
    var settings = AgentCollectorSettings()
    settings.port = server.port
    settings.connectTimeout = .milliseconds(300)
    let collector = AgentCollector(transport: try HTTPTransport(), settings: settings) { certificates.controller }
    #expect(await collector.call(roll(.linux, twoContainers)).answers.map(\.reason) == [.agentUnreachable, .agentUnreachable])
  }

  @Test func aNodeWithoutAddressHasNoAgent() async throws {
    let collector = AgentCollector(transport: try HTTPTransport(), settings: AgentCollectorSettings()) { certificates.controller }
    let call = await collector.call(roll(.linux, twoContainers, address: nil))
    #expect(call.answers.map(\.reason) == [.noAgent, .noAgent])
    #expect(call.answers[0].detail.contains("node-1"))
  }

  @Test func whileTheNodeIsNotReadyThatIsTheReason() async throws {
    let agent = try await Agent(certificates) { _ in
      .report(RollReport(hash: "hash-1", answers: [.collected(age: 1), .missed(.pidNotFound, detail: "gone")], secondsSinceScrape: nil))
    }
    let answered = await agent.call(twoContainers, ready: false)
    #expect(
      answered.answers == [.collected(age: .seconds(1)), .missed(.nodeNotReady, detail: "the node is not ready; PidNotFound: gone")])
    let lost = await agent.collector.call(roll(.linux, twoContainers, address: nil, ready: false))
    #expect(lost.answers.map(\.reason) == [.nodeNotReady, .nodeNotReady])
    #expect(lost.answers[0].detail.contains("NoAgent: the node node-1 has no address"))
  }
}

/// What a scripted agent does with a roll.
private enum StubResponse {
  case report(RollReport)
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
    // A busy machine is no fault.
    settings.connectTimeout = .seconds(60)
    settings.deadline = .seconds(60)
    change(&settings)
    self.settings = settings
    let controller = certificates.controller
    collector = AgentCollector(
      transport: try HTTPTransport(), settings: settings, tls: { controller }, keepsConnections: { keepsConnections }, sockets: sockets)
  }

  func call(_ entries: [RollEntry], ready: Bool = true, hash: String = "hash-1") async -> RollCall {
    await collector.call(roll(.linux, entries, address: address, ready: ready, hash: hash))
  }
}
