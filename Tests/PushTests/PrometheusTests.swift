import Foundation
import HTTPTransport
import Logging
import TestSupport
import Testing

@testable import Push

/// Pushes to a real Prometheus with the remote-write receiver.
@Suite struct PrometheusTests {
  private static let owners = 20
  private static let seriesPerOwner = 25

  private func scrape(_ owner: Int, round: Int, start: Int64) throws -> PushedScrape {
    let text = (0..<Self.seriesPerOwner).map {
      "pushed_value{pod=\"web-\(owner)\",series=\"\($0)\",text=\"a \\\"quoted\\\" one\"} \(round)\n"
    }
    return try PushedScrape(owner: "default/web-\(owner)", text.joined(), at: start + Int64(round) * 1000)
  }

  @Test func `R66: a receiver that is killed and restarted gets every sample`() async throws {
    let transport = try HTTPTransport()
    let prometheus = try ReceivingPrometheus(transport: transport)
    let folder = try TemporaryFolder()
    defer { prometheus.stop() }
    try await prometheus.start()

    var settings = PushSettings(url: prometheus.url)
    settings.shards = 3
    settings.samplesPerRequest = 60
    settings.longestWait = .milliseconds(50)
    settings.backoff = .milliseconds(10) ... .milliseconds(100)
    // Small, so that most requests are spooled.
    settings.memoryLimit = 4096
    settings.spoolFolder = folder.path
    let pusher = try Pusher(settings: settings, transport: transport, logger: Logger(label: "test"))
    let run = Task { await pusher.run() }
    defer { run.cancel() }

    // In the past, so that an instant query covers all samples.
    let start = Int64(Date().timeIntervalSince1970 * 1000) - 120_000
    func push(_ rounds: Range<Int>) throws {
      for round in rounds { for owner in 0..<Self.owners { pusher.push(try scrape(owner, round: round, start: start)) } }
    }

    try push(0..<20)
    // Killed while it accepts requests.
    try await eventually("some samples are sent") { pusher.statistics.sent > 0 }
    try await prometheus.kill()
    try push(20..<40)
    try await eventually("samples are spooled, and requests fail") {
      pusher.statistics.spoolBytes > 0 && pusher.statistics.retries > 0
    }
    try await prometheus.start()
    try push(40..<60)
    try await eventually("all samples are sent") { pusher.statistics.waiting == 0 }

    let statistics = pusher.statistics
    let total = UInt64(60 * Self.owners * Self.seriesPerOwner)
    #expect(statistics.sent == total)
    #expect(statistics.refused == 0)
    #expect(statistics.dropped == 0)
    #expect(try await prometheus.number("sum(count_over_time(pushed_value[10m]))") == Double(total))
    #expect(try await prometheus.number("count(last_over_time(pushed_value{text=\"a \\\"quoted\\\" one\"}[10m]) == 59)") == 500)
  }

  @Test func `stale markers end the series of a deleted pod`() async throws {
    let transport = try HTTPTransport()
    let prometheus = try ReceivingPrometheus(transport: transport)
    defer { prometheus.stop() }
    try await prometheus.start()
    var settings = PushSettings(url: prometheus.url)
    settings.longestWait = .milliseconds(20)
    let pusher = try Pusher(settings: settings, transport: transport, logger: Logger(label: "test"))
    let run = Task { await pusher.run() }
    defer { run.cancel() }

    let start = Int64(Date().timeIntervalSince1970 * 1000) - 5000
    for owner in 0..<2 { pusher.push(try scrape(owner, round: 0, start: start)) }
    try await eventually("both pods have series") { try await prometheus.number("count(pushed_value)") == 50 }
    pusher.end("default/web-0", at: start + 1000)
    try await eventually("the series of one pod have ended") { try await prometheus.number("count(pushed_value)") == 25 }
    #expect(try await prometheus.number("count(pushed_value{pod=\"web-1\"})") == 25)
  }
}
