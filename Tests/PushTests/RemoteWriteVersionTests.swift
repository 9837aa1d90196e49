import HTTPTransport
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Push

/// Which version of remote write a receiver is sent, and what its answers mean.
@Suite struct RemoteWriteVersionTests {
  private let transport: HTTPTransport

  init() throws { transport = try HTTPTransport() }

  private func pusher(_ server: ScriptedServer, _ change: (inout PushSettings) -> Void = { _ in }) throws -> Pusher {
    var settings = PushSettings(url: "\(server.url)/write")
    settings.version = .two
    settings.shards = 1
    settings.samplesPerRequest = 2
    settings.backoff = .milliseconds(1) ... .milliseconds(5)
    change(&settings)
    return try Pusher(settings: settings, transport: transport, logger: Logger(label: "test"))
  }

  /// Two samples, which fill a request.
  private func scrape(_ number: Int) throws -> PushedScrape {
    try PushedScrape("up{a=\"1\"} \(number)\nup{a=\"2\"} \(number)\n", at: Int64(number) * 1000)
  }

  private func running(_ pusher: Pusher, _ body: () async throws -> Void) async throws {
    let run = Task { await pusher.run() }
    defer { run.cancel() }
    try await body()
  }

  /// Answers each request with the next status, and with the number of samples written unless that is nil.
  private func answering(_ answers: [(status: Int, written: String?)], then last: (status: Int, written: String?)) throws -> ScriptedServer
  {
    let rest = Mutex(answers)
    return try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        let (status, written) = rest.withLock { $0.isEmpty ? last : $0.removeFirst() }
        try connection.respond(
          status: status, headers: written.map { [("X-Prometheus-Remote-Write-Samples-Written", $0)] } ?? [],
          body: status == 204 ? "" : "answer")
      }
    }
  }

  /// The versions of the requests, with the values of their samples.
  private func received(_ server: ScriptedServer) -> [String] {
    server.requests.map { request in
      let values = ReadRequest(request.body)?.series.flatMap(\.samples).map { "\(Int(Double(bitPattern: $0.bits)))" } ?? []
      return "\(request.header("X-Prometheus-Remote-Write-Version") ?? "") \(values.joined(separator: ","))"
    }
  }

  @Test func `R142: a receiver of 2.0 gets requests of 2.0`() async throws {
    let server = try answering([], then: (204, "2"))
    defer { server.stop() }
    let pusher = try pusher(server)
    for number in 1...2 { pusher.push(try scrape(number)) }
    try await running(pusher) { try await eventually("all samples are sent") { pusher.statistics.sent == 4 } }
    #expect(received(server) == ["2.0.0 1,1", "2.0.0 2,2"])
    let request = try #require(server.requests.first)
    #expect(request.header("Content-Type") == "application/x-protobuf;proto=io.prometheus.write.v2.Request")
    #expect(request.header("Content-Encoding") == "snappy")
    #expect(pusher.statistics.sentBytes == server.requests.reduce(0) { $0 + UInt64($1.body.count) })
  }

  /// 204 is what a receiver of 1.0 says that does not look at the Content-Type, and has written nothing.
  @Test(arguments: [415, 400, 406, 200, 204])
  func `R142: a receiver that does not know 2.0 gets the same samples as 1.0, and 1.0 from then on`(status: Int) async throws {
    let server = try answering([(status, nil)], then: (204, nil))
    defer { server.stop() }
    let pusher = try pusher(server)
    for number in 1...3 { pusher.push(try scrape(number)) }
    try await running(pusher) { try await eventually("all samples are sent") { pusher.statistics.sent == 6 } }
    #expect(received(server) == ["2.0.0 1,1", "0.1.0 1,1", "0.1.0 2,2", "0.1.0 3,3"])
    #expect(server.requests.last?.header("Content-Type") == "application/x-protobuf")
    #expect(pusher.statistics.refused == 0 && pusher.statistics.retries == 0)
    #expect(pusher.statistics.sentBytes == server.requests.dropFirst().reduce(0) { $0 + UInt64($1.body.count) })
  }

  @Test func `R142: what a receiver says it has not written is failed, and not sent again`() async throws {
    let server = try answering([(200, "1"), (400, "1"), (400, "0"), (200, "0"), (500, "0")], then: (200, "2"))
    defer { server.stop() }
    let pusher = try pusher(server)
    for number in 1...5 { pusher.push(try scrape(number)) }
    try await running(pusher) { try await eventually("no samples wait") { pusher.statistics.waiting == 0 } }
    #expect(received(server) == ["2.0.0 1,1", "2.0.0 2,2", "2.0.0 3,3", "2.0.0 4,4", "2.0.0 5,5", "2.0.0 5,5"])
    #expect(pusher.statistics.sent == 4 && pusher.statistics.refused == 6 && pusher.statistics.retries == 1)
  }

  @Test func `R142: a refusal by a receiver that knows 2.0 is no reason to send 1.0`() async throws {
    let server = try answering([(200, "2"), (400, nil)], then: (200, "2"))
    defer { server.stop() }
    let pusher = try pusher(server)
    for number in 1...3 { pusher.push(try scrape(number)) }
    try await running(pusher) { try await eventually("no samples wait") { pusher.statistics.waiting == 0 } }
    #expect(received(server) == ["2.0.0 1,1", "2.0.0 2,2", "2.0.0 3,3"])
    #expect(pusher.statistics.sent == 4 && pusher.statistics.refused == 2)
  }

  @Test func `R142: requests of 2.0 on disk are sent as 1.0 once the setting says so, and those of 1.0 stay as they are`() async throws {
    let folder = try TemporaryFolder()
    let away = try answering([], then: (503, nil))
    let server = try answering([], then: (204, nil))
    defer {
      away.stop()
      server.stop()
    }
    for version in RemoteWriteVersion.allCases {
      let before = try pusher(away) {
        $0.version = version
        $0.spoolFolder = folder.path
      }
      before.push(try scrape(version == .one ? 1 : 2))
      await before.finish(within: .seconds(1))
      #expect(before.statistics.spoolBytes > 0)
    }
    let after = try pusher(server) {
      $0.version = .one
      $0.spoolFolder = folder.path
    }
    after.push(try scrape(3))
    try await running(after) { try await eventually("all samples are sent") { after.statistics.sent == 6 } }
    #expect(received(server).sorted() == ["0.1.0 1,1", "0.1.0 2,2", "0.1.0 3,3"])
  }
}
