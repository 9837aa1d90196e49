import Foundation
import HTTPTransport
import JSON
import Logging
import TestSupport
import Testing

@testable import Push

/// Pushes in both versions of remote write to real receivers. A Prometheus 3 that comes first in the PATH speaks 2.0, Debian's programs 1.0.
@Suite struct ReceiverTests {
  enum Receiver: String, CaseIterable {
    case prometheus
    case victoriaMetrics = "victoria-metrics"
  }

  private static let owners = 20
  private static let rounds = 10
  private static let seriesPerOwner = 25

  @Test(arguments: Receiver.allCases.filter { findProgram($0.rawValue) != nil }, RemoteWriteVersion.allCases)
  func `R142: every sample arrives, in either version`(receiver: Receiver, version: RemoteWriteVersion) async throws {
    let transport = try HTTPTransport()
    let folder = try TemporaryFolder()
    let address = OwnAddress()
    let arguments: [String]
    switch receiver {
    case .prometheus:
      _ = try folder.write("scrape_configs: []\n", to: "prometheus.yml")
      arguments = [
        "--config.file=\(folder.path)/prometheus.yml", "--storage.tsdb.path=\(folder.path)/data", "--web.listen-address=\(address)",
        "--web.enable-remote-write-receiver",
      ]
    case .victoriaMetrics:
      arguments = [
        "-storageDataPath=\(folder.path)/data", "-httpListenAddr=\(address)", "-search.latencyOffset=1ms", "-search.disableCache",
        "-memory.allowedBytes=64MB",
      ]
    }
    let program = try ExternalProgram(receiver.rawValue, arguments, log: "\(folder.path)/receiver.log")
    defer { program.stop() }
    try await program.waitForPort(address)
    try await eventually("the receiver is ready") {
      try await transport.send(HTTPRequest(url: "http://\(address)/-/ready", deadline: .seconds(10))).status == 200
    }

    var settings = PushSettings(url: "http://\(address)/api/v1/write")
    settings.version = version
    settings.shards = 3
    settings.samplesPerRequest = 60
    settings.longestWait = .milliseconds(50)
    settings.backoff = .milliseconds(10) ... .milliseconds(100)
    let pusher = try Pusher(settings: settings, transport: transport, logger: Logger(label: "test"))
    let run = Task { await pusher.run() }
    defer { run.cancel() }
    let start = Int64(Date().timeIntervalSince1970 * 1000) - 60_000
    for round in 0..<Self.rounds {
      for owner in 0..<Self.owners {
        let text = (0..<Self.seriesPerOwner).map { "pushed_value{pod=\"web-\(owner)\",series=\"\($0)\"} \(round)\n" }.joined()
        pusher.push(try PushedScrape(owner: "default/web-\(owner)", text, at: start + Int64(round) * 1000))
      }
    }
    let total = Self.owners * Self.rounds * Self.seriesPerOwner
    try await eventually("all samples are accepted") { pusher.statistics.sent == UInt64(total) }
    #expect(pusher.statistics.refused == 0 && pusher.statistics.dropped == 0 && pusher.statistics.waiting == 0)
    func number(_ expression: String) async throws -> Double? {
      let escaped = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? expression
      let response = try await transport.send(
        HTTPRequest(url: "http://\(address)/api/v1/query?query=\(escaped)", deadline: .seconds(10)))
      return try JSONValue(parsing: response.body)["data"]?["result"]?.array?.first?["value"]?[1]?.string.flatMap(Double.init)
    }
    try await eventually("all samples are found") {
      try await number("sum(count_over_time(pushed_value[10m]))") == Double(total)
    }
    #expect(
      try await number("count(last_over_time(pushed_value[10m]) == \(Self.rounds - 1))") == Double(Self.owners * Self.seriesPerOwner))
  }
}
