import HTTPTransport
import JSON
import Logging
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import Push

/// Pushes to a scripted receiver.
@Suite struct PusherTests {
  private let transport: HTTPTransport

  init() throws { transport = try HTTPTransport() }

  private func pusher(
    _ server: ScriptedServer, _ change: (inout PushSettings) -> Void = { _ in }, headers: @escaping PushHeaders = { .success([]) }
  ) throws -> Pusher {
    var settings = PushSettings(url: "\(server.url)/write")
    settings.shards = 1
    settings.samplesPerRequest = 1
    settings.backoff = .milliseconds(1) ... .milliseconds(5)
    change(&settings)
    return try Pusher(settings: settings, transport: transport, headers: headers, logger: Logger(label: "test"))
  }

  private func scrape(_ number: Int) throws -> PushedScrape {
    try PushedScrape("up \(number)\n", at: Int64(number) * 1000)
  }

  private func values(_ server: ScriptedServer) -> [Double] {
    server.requests.compactMap { ReadRequest($0.body)?.series.first?.samples.first.map { Double(bitPattern: $0.bits) } }
  }

  private func answering(_ statuses: [Int]) throws -> ScriptedServer {
    let rest = Mutex(statuses)
    return try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        let status = rest.withLock { $0.isEmpty ? 204 : $0.removeFirst() }
        try connection.respond(status: status, headers: status == 429 ? [("Retry-After", "0")] : [], body: status == 204 ? "" : "rejected")
      }
    }
  }

  @Test func `a request has the headers of remote write`() async throws {
    let server = try answering([])
    defer { server.stop() }
    let pusher = try pusher(server, headers: { .success([HTTPHeader("Authorization", "Bearer secret")]) })
    pusher.push(try scrape(1))
    try await running(pusher) { try await eventually("one request is sent") { pusher.statistics.sent == 1 } }
    let request = try #require(server.requests.first)
    #expect(request.method == "POST")
    #expect(request.header("Content-Type") == "application/x-protobuf")
    #expect(request.header("Content-Encoding") == "snappy")
    #expect(request.header("X-Prometheus-Remote-Write-Version") == "0.1.0")
    #expect(request.header("Authorization") == "Bearer secret")
  }

  @Test func `R66: failed requests are retried in order`() async throws {
    let server = try answering([500, 503, 429])
    defer { server.stop() }
    let pusher = try pusher(server)
    for number in 1...3 { pusher.push(try scrape(number)) }
    try await running(pusher) { try await eventually("three requests are sent") { pusher.statistics.sent == 3 } }
    #expect(values(server) == [1, 1, 1, 1, 2, 3])
    #expect(pusher.statistics.retries == 3)
    #expect(pusher.statistics.problem == nil)
    #expect(pusher.statistics.waiting == 0)
  }

  @Test(arguments: [400, 401, 404, 301]) func `rejected samples are counted and not retried`(status: Int) async throws {
    let server = try answering([status])
    defer { server.stop() }
    let pusher = try pusher(server)
    for number in 1...2 { pusher.push(try scrape(number)) }
    try await running(pusher) { try await eventually("the second request is sent") { pusher.statistics.sent == 1 } }
    #expect(values(server) == [1, 2])
    #expect(pusher.statistics.refused == 1)
  }

  @Test(arguments: [200, 400, 503]) func `R102: the status decides, however long the body is`(status: Int) async throws {
    let isFirst = Mutex(true)
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        let wasFirst = isFirst.withLock { isFirst in
          defer { isFirst = false }
          return isFirst
        }
        try connection.respond(status: wasFirst ? status : 200, body: String(repeating: "a long page ", count: 100_000))
      }
    }
    defer { server.stop() }
    let pusher = try pusher(server)
    for number in 1...2 { pusher.push(try scrape(number)) }
    try await running(pusher) { try await eventually("the second request is sent") { pusher.statistics.newestSent == 2000 } }
    let statistics = pusher.statistics
    #expect(statistics.sent == (status == 400 ? 1 : 2))
    #expect(statistics.refused == (status == 400 ? 1 : 0))
    #expect(statistics.retries == (status == 503 ? 1 : 0))
  }

  @Test(
    arguments: [
      (408, nil, DeliveryResult.retry("status 408: x", after: nil)), (429, "7", .retry("status 429: x", after: .seconds(7))),
      (503, "86400", .retry("status 503: x", after: .seconds(3600))),
      (503, "Sun, 06 Nov 1994 08:49:37 GMT", .retry("status 503: x", after: .zero)),
      (503, "Fri, 31 Dec 9999 23:59:59 GMT", .retry("status 503: x", after: .seconds(3600))),
      (500, "soon", .retry("status 500: x", after: nil)),
      (404, "7", .rejected("status 404: x")), (204, nil, .accepted),
    ] as [(Int, String?, DeliveryResult)])
  func `R102: which statuses are tried again, and when`(status: Int, retryAfter: String?, expected: DeliveryResult) {
    #expect(DeliveryResult(status: status, retryAfter: retryAfter, body: "x") == expected)
  }

  @Test func `R102: requests go through a proxy with our name and version`() async throws {
    let proxy = try answering([])
    defer { proxy.stop() }
    let pusher = try pusher(proxy) {
      $0.url = "http://receiver.example/write"
      $0.proxy = proxy.url
    }
    pusher.push(try scrape(1))
    try await running(pusher) { try await eventually("one request is sent") { pusher.statistics.sent == 1 } }
    let request = try #require(proxy.requests.first)
    #expect(request.target == "http://receiver.example/write")
    #expect(request.header("User-Agent") == "rollcall/\(ProductVersion.current)")
  }

  @Test func `R101: what Open-Falcon cannot store is failed, not sent, and logged once`() async throws {
    let server = try answering([])
    defer { server.stop() }
    var settings = PushSettings(url: "\(server.url)/v1/push")
    settings.form = .openFalcon(step: .seconds(30), tags: ["pod"])
    settings.longestWait = .milliseconds(10)
    let log = RecordedLog()
    let pusher = try Pusher(settings: settings, transport: transport, logger: log.logger)
    for round in 1...2 {
      let long = String(repeating: "p", count: 250)
      pusher.push(try PushedScrape("up{pod=\"a\"} 1\nup{pod=\"\(long)\"} 1\n", at: Int64(round) * 30_000))
    }
    try await running(pusher) { try await eventually("the short ones are sent") { pusher.statistics.sent == 2 } }
    #expect(pusher.statistics.refused == 2)
    #expect(log.count("cannot store") == 1)
  }

  @Test func `an incomplete request is sent after the longest wait`() async throws {
    let server = try answering([])
    defer { server.stop() }
    let pusher = try pusher(server) {
      $0.samplesPerRequest = 1000
      $0.longestWait = .milliseconds(20)
    }
    pusher.push(try scrape(1))
    try await running(pusher) { try await eventually("one request is sent") { pusher.statistics.sent == 1 } }
  }

  @Test func `R66: a restart with another number of shards sends the backlog first`() async throws {
    let folder = try TemporaryFolder()
    let server = try answering([])
    defer { server.stop() }
    do {
      let pusher = try pusher(server) {
        // Nobody listens on this port.
        $0.url = "http://127.0.0.1:1/write"
        $0.spoolFolder = folder.path
        $0.shards = 3
        $0.memoryLimit = 1
      }
      for number in 1...5 { pusher.push(try scrape(number)) }
      await pusher.finish(within: .seconds(5))
    }
    let pusher = try pusher(server) {
      $0.spoolFolder = folder.path
      $0.shards = 2
    }
    #expect(pusher.statistics.waiting == 5)
    for number in 6...7 { pusher.push(try scrape(number)) }
    try await running(pusher) { try await eventually("all samples are sent") { pusher.statistics.waiting == 0 } }
    #expect(values(server) == [1, 2, 3, 4, 5, 6, 7])
  }

  @Test func `R66: samples for an unreachable receiver survive a crash on disk`() async throws {
    let folder = try TemporaryFolder()
    let server = try answering([])
    defer { server.stop() }
    do {
      let crashing = try pusher(server) {
        // Nobody listens on this port.
        $0.url = "http://127.0.0.1:1/write"
        $0.spoolFolder = folder.path
      }
      for number in 1...5 { crashing.push(try scrape(number)) }
      try await running(crashing) {
        try await eventually("no request is left in memory") { crashing.statistics.memoryBytes == 0 && crashing.statistics.spoolBytes > 0 }
        crashing.push(try scrape(6))
        #expect(crashing.statistics.memoryBytes == 0)
      }
    }
    let pusher = try pusher(server) { $0.spoolFolder = folder.path }
    try await running(pusher) { try await eventually("all samples are sent") { pusher.statistics.sent == 6 } }
    #expect(values(server) == [1, 2, 3, 4, 5, 6])
    #expect(pusher.statistics.waiting == 0)
  }

  @Test func `a spool is locked against other processes`() throws {
    let folder = try TemporaryFolder()
    let server = try answering([])
    defer { server.stop() }
    let first = try pusher(server) { $0.spoolFolder = folder.path }
    let error = #expect(throws: SpoolError.self) { _ = try pusher(server) { $0.spoolFolder = folder.path } }
    #expect(error?.description.contains("is in use by another process") == true)
    #expect(first.statistics.waiting == 0)
  }

  @Test func `finish sends queued samples`() async throws {
    let server = try answering([])
    defer { server.stop() }
    let pusher = try pusher(server) { $0.samplesPerRequest = 1000 }
    pusher.push(try scrape(1))
    await pusher.finish(within: .seconds(5))
    #expect(values(server) == [1])
    #expect(pusher.statistics.waiting == 0)
  }

  @Test func `R66: a hanging receiver does not block finish and nothing is lost`() async throws {
    let folder = try TemporaryFolder()
    let server = try ScriptedServer { connection in while try connection.readRequest() != nil {} }
    defer { server.stop() }
    let pusher = try pusher(server) { $0.spoolFolder = folder.path }
    pusher.push(try scrape(1))
    await pusher.finish(within: .milliseconds(50))
    #expect(pusher.statistics.spoolBytes > 0)
    #expect(pusher.statistics.waiting == 1)
  }

  @Test func `R20: requests wait while the headers are unavailable`() async throws {
    let server = try answering([])
    defer { server.stop() }
    let known = Mutex(false)
    let pusher = try pusher(
      server, headers: { known.withLock { $0 } ? .success([HTTPHeader("X-A", "b")]) : .failure(PushHeadersError("no header")) })
    pusher.push(try scrape(1))
    try await running(pusher) {
      try await eventually("a request fails") { pusher.statistics.problem == "no header" }
      #expect(server.requests.isEmpty)
      known.withLock { $0 = true }
      try await eventually("it is sent") { pusher.statistics.sent == 1 }
    }
    #expect(server.requests.first?.header("X-A") == "b")
  }

  @Test func `the newest timestamps show the receiver's lag`() async throws {
    let server = try answering([])
    defer { server.stop() }
    let pusher = try pusher(server)
    for number in 1...3 { pusher.push(try scrape(number)) }
    #expect(pusher.statistics.newestGiven == 3000)
    #expect(pusher.statistics.newestSent == nil)
    try await running(pusher) { try await eventually("all samples are sent") { pusher.statistics.sent == 3 } }
    #expect(pusher.statistics.newestSent == 3000)
    #expect(pusher.statistics.shards == 1)
  }

  @Test func `Open-Falcon receives an array of items`() async throws {
    let server = try answering([])
    defer { server.stop() }
    let pusher = try pusher(server) { $0.form = .openFalcon(step: .seconds(30), tags: ["pod"]) }
    pusher.push(try scrape(60))
    try await running(pusher) { try await eventually("one request is sent") { pusher.statistics.sent == 1 } }
    let request = try #require(server.requests.first)
    #expect(request.header("Content-Type") == "application/json")
    #expect(
      try JSONValue(parsing: request.body) == [
        ["endpoint": "node-1", "metric": "up", "timestamp": 60, "step": 30, "value": 60.0, "counterType": "GAUGE", "tags": ""]
      ])
  }

  private func running(_ pusher: Pusher, _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await pusher.run() }
      try await body()
      group.cancelAll()
    }
  }
}
