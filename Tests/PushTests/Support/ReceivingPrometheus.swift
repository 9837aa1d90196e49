import Foundation
import HTTPTransport
import JSON
import TestSupport

/// A real Prometheus with the remote-write receiver, which can be killed and restarted with its data.
final class ReceivingPrometheus {
  private let address = OwnAddress()
  private let folder: TemporaryFolder
  private let transport: HTTPTransport
  private var program: ExternalProgram?

  var url: String { "http://\(address)/api/v1/write" }

  init(transport: HTTPTransport) throws {
    folder = try TemporaryFolder()
    self.transport = transport
    _ = try folder.write("scrape_configs: []\n", to: "prometheus.yml")
  }

  func start() async throws {
    let started = try ExternalProgram(
      "prometheus",
      [
        "--config.file=\(folder.path)/prometheus.yml", "--storage.tsdb.path=\(folder.path)/data",
        "--web.listen-address=\(address)", "--web.enable-remote-write-receiver",
      ], log: "\(folder.path)/prometheus.log")
    program = started
    try await started.waitForPort(address)
    // It listens before it has loaded its data, and responds with 503 until then.
    try await eventually("Prometheus is ready") {
      try await transport.send(HTTPRequest(url: "http://\(address)/-/ready", deadline: .seconds(10))).status == 200
    }
  }

  /// Kills it, as a crash would.
  func kill() async throws {
    guard let program else { return }
    Foundation.kill(program.processIdentifier, SIGKILL)
    _ = try await program.waitForExit()
    self.program = nil
  }

  func stop() { program?.stop() }

  /// The value of an instant query; `nil` if the result is empty.
  func number(_ expression: String) async throws -> Double? {
    let escaped = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? expression
    let response = try await transport.send(
      HTTPRequest(url: "http://\(address)/api/v1/query?query=\(escaped)", deadline: .seconds(10)))
    return try JSONValue(parsing: response.body)["data"]?["result"]?.array?.first?["value"]?[1]?.string.flatMap(Double.init)
  }
}
