import HTTPTransport
import JSON
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Push

/// Against a receiver that does what a script says.
@Suite struct PusherTests {
  private let transport: HTTPTransport

  init() throws { transport = try HTTPTransport() }

  private func pusher(_ server: ScriptedServer, _ change: (inout PushSettings) -> Void = { _ in }) throws -> Pusher {
    var settings = PushSettings(url: "\(server.url)/write")
    settings.shards = 1
    settings.samplesPerRequest = 1
    settings.backoff = .milliseconds(1) ... .milliseconds(5)
    change(&settings)
    return try Pusher(settings: settings, transport: transport, logger: Logger(label: "test"))
  }

  private func page(_ number: Int) -> PushedPage {
    PushedPage(owner: "default/web", text: Array("up \(number)\n".utf8), collectedAt: Int64(number) * 1000, endpoint: "node-1")
  }

  private func values(_ server: ScriptedServer) -> [Double] {
    server.requests.compactMap { ReadRequest($0.body)?.series.first?.samples.first.map { Double(bitPattern: $0.bits) } }
  }

  private func answering(_ statuses: [Int]) throws -> ScriptedServer {
    let rest = Mutex(statuses)
    return try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        let status = rest.withLock { $0.isEmpty ? 204 : $0.removeFirst() }
        try connection.respond(status: status, headers: status == 429 ? [("Retry-After", "0")] : [], body: status == 204 ? "" : "so it is")
      }
    }
  }

  @Test func `a request says what it is`() async throws {
    let server = try answering([])
    defer { server.stop() }
    let pusher = try pusher(server) { $0.headers = [HTTPHeader("Authorization", "Bearer secret")] }
    try pusher.push(page(1))
    try await running(pusher) { try await eventually("one request") { pusher.statistics.sent == 1 } }
    let request = try #require(server.requests.first)
    #expect(request.method == "POST")
    #expect(request.header("Content-Type") == "application/x-protobuf")
    #expect(request.header("Content-Encoding") == "snappy")
    #expect(request.header("X-Prometheus-Remote-Write-Version") == "0.1.0")
    #expect(request.header("Authorization") == "Bearer secret")
  }

  @Test func `R66 what fails is sent again, in order`() async throws {
    let server = try answering([500, 503, 429])
    defer { server.stop() }
    let pusher = try pusher(server)
    for number in 1...3 { try pusher.push(page(number)) }
    try await running(pusher) { try await eventually("three requests taken") { pusher.statistics.sent == 3 } }
    #expect(values(server) == [1, 1, 1, 1, 2, 3])
    #expect(pusher.statistics.retries == 3)
    #expect(pusher.statistics.problem == nil)
    #expect(pusher.statistics.waiting == 0)
  }

  @Test(arguments: [400, 401, 404, 301]) func `what the receiver will never take is counted and not sent again`(status: Int) async throws {
    let server = try answering([status])
    defer { server.stop() }
    let pusher = try pusher(server)
    for number in 1...2 { try pusher.push(page(number)) }
    try await running(pusher) { try await eventually("the second taken") { pusher.statistics.sent == 1 } }
    #expect(values(server) == [1, 2])
    #expect(pusher.statistics.refused == 1)
  }

  @Test func `a request that is not full is sent when it has waited`() async throws {
    let server = try answering([])
    defer { server.stop() }
    let pusher = try pusher(server) {
      $0.samplesPerRequest = 1000
      $0.longestWait = .milliseconds(20)
    }
    try pusher.push(page(1))
    try await running(pusher) { try await eventually("one request") { pusher.statistics.sent == 1 } }
  }

  @Test func `R66 a restart with other shards sends what was left first`() async throws {
    let folder = try TemporaryFolder()
    let server = try answering([])
    defer { server.stop() }
    do {
      let pusher = try pusher(server) {
        // Nobody listens there: nothing of it arrives.
        $0.url = "http://127.0.0.1:1/write"
        $0.spoolFolder = folder.path
        $0.shards = 3
        $0.memoryLimit = 1
      }
      for number in 1...5 { try pusher.push(page(number)) }
      // A run that ends saves all that is left.
      let run = Task { await pusher.run() }
      run.cancel()
      await run.value
    }
    let pusher = try pusher(server) {
      $0.spoolFolder = folder.path
      $0.shards = 2
    }
    #expect(pusher.statistics.waiting == 5)
    for number in 6...7 { try pusher.push(page(number)) }
    try await running(pusher) { try await eventually("all of it") { pusher.statistics.waiting == 0 } }
    #expect(values(server) == [1, 2, 3, 4, 5, 6, 7])
  }

  @Test func `Open-Falcon is sent an array of items`() async throws {
    let server = try answering([])
    defer { server.stop() }
    let pusher = try pusher(server) { $0.form = .openFalcon(step: .seconds(30)) }
    try pusher.push(page(60))
    try await running(pusher) { try await eventually("one request") { pusher.statistics.sent == 1 } }
    let request = try #require(server.requests.first)
    #expect(request.header("Content-Type") == "application/json")
    #expect(
      try JSONValue(parsing: request.body) == [
        ["endpoint": "node-1", "metric": "up", "timestamp": 60, "step": 30, "value": 60.0, "counterType": "GAUGE", "tags": ""]
      ])
  }

  private func running(_ pusher: Pusher, _ body: () async throws -> Void) async throws {
    let run = Task { await pusher.run() }
    defer { run.cancel() }
    try await body()
  }
}
