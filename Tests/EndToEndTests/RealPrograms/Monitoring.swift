import Foundation
import HTTPTransport
import JSON
import TestSupport

/// Who answers queries as Prometheus does.
protocol QueryServer {
  var url: String { get }
  var transport: HTTPTransport { get }
}

extension QueryServer {
  /// The value of an instant query that gives one; `nil` where it gives none.
  func number(_ expression: String) async throws -> Double? {
    try await query("label_replace(\(expression), \"all\", \"all\", \"\", \"\")", by: "all")["all"]
  }

  /// The values of an instant query, by the label that `key` names.
  func query(_ expression: String, by key: String) async throws -> [String: Double] {
    let allowed = CharacterSet.alphanumerics
    let escaped = expression.addingPercentEncoding(withAllowedCharacters: allowed) ?? expression
    let response = try await transport.send(
      HTTPRequest(url: "\(url)/api/v1/query?query=\(escaped)", deadline: .seconds(10)))
    let series = try JSONValue(parsing: response.body)["data"]?["result"]?.array ?? []
    return Dictionary(
      series.compactMap { one in
        guard let name = one["metric"]?[key]?.string, let value = one["value"]?[1]?.string.flatMap(Double.init) else { return nil }
        return (name, value)
      }, uniquingKeysWith: { first, _ in first })
  }
}

/// A Prometheus of the test's own, which finds its targets by HTTP SD, or takes what is pushed by remote write.
struct Prometheus: QueryServer {
  let program: ExternalProgram
  let url: String
  let transport: HTTPTransport

  /// Where it takes remote writes, if it was started for that.
  var writeURL: String { "\(url)/api/v1/write" }

  /// Scrapes nothing, and takes remote writes. What is on disk in `folder` from an earlier one is there again.
  init(receivingAt address: OwnAddress, folder: TemporaryFolder, transport: HTTPTransport) async throws {
    try "scrape_configs: []\n".write(toFile: "\(folder.path)/receiver.yml", atomically: true, encoding: .utf8)
    program = try ExternalProgram(
      "prometheus",
      [
        "--config.file=\(folder.path)/receiver.yml", "--storage.tsdb.path=\(folder.path)/receiver",
        "--web.listen-address=\(address)", "--web.enable-remote-write-receiver",
      ], log: "\(folder.path)/receiver.log")
    url = "http://\(address)"
    self.transport = transport
    try await waitUntilReady(address)
  }

  /// One that finds its targets by HTTP SD.
  init(discovery: String, folder: TemporaryFolder, transport: HTTPTransport, scrapeSeconds: Int = 1) async throws {
    let configuration = """
      global:
        scrape_interval: \(scrapeSeconds)s
        scrape_timeout: \(scrapeSeconds)s
      scrape_configs:
        - job_name: rollcall
          honor_labels: true
          http_sd_configs:
            - url: \(discovery)
              refresh_interval: 1s
      """
    try await self.init(configuration: configuration, folder: folder, transport: transport)
  }

  init(configuration: String, folder: TemporaryFolder, transport: HTTPTransport) async throws {
    let address = OwnAddress()
    try configuration.write(toFile: "\(folder.path)/prometheus.yml", atomically: true, encoding: .utf8)
    program = try ExternalProgram(
      "prometheus",
      [
        "--config.file=\(folder.path)/prometheus.yml", "--storage.tsdb.path=\(folder.path)/prometheus",
        "--web.listen-address=\(address)",
      ], log: "\(folder.path)/prometheus.log")
    url = "http://\(address)"
    self.transport = transport
    try await waitUntilReady(address)
  }

  private func waitUntilReady(_ address: OwnAddress) async throws {
    try await program.waitForPort(address)
    // It listens before it answers queries.
    let ready = HTTPRequest(url: "\(url)/-/ready", deadline: .seconds(10))
    try await eventually("Prometheus is ready") { try await transport.send(ready).status == 200 }
  }
}

/// An Alertmanager of the test's own, which notifies nobody.
struct Alertmanager {
  let program: ExternalProgram
  let url: String
  private let transport: HTTPTransport

  init(folder: TemporaryFolder, transport: HTTPTransport) async throws {
    let address = OwnAddress()
    let configuration = """
      route:
        receiver: nobody
      receivers:
        - name: nobody
      """
    try configuration.write(toFile: "\(folder.path)/alertmanager.yml", atomically: true, encoding: .utf8)
    program = try ExternalProgram(
      "prometheus-alertmanager",
      [
        "--config.file=\(folder.path)/alertmanager.yml", "--storage.path=\(folder.path)/alertmanager",
        "--web.listen-address=\(address)", "--cluster.listen-address=",
      ], log: "\(folder.path)/alertmanager.log")
    url = "http://\(address)"
    self.transport = transport
    try await program.waitForPort(address)
  }

  /// The alerts that are firing now.
  func activeAlerts() async throws -> [JSONValue] {
    let response = try await transport.send(
      HTTPRequest(url: "\(url)/api/v2/alerts?active=true", deadline: .seconds(10)))
    return try JSONValue(parsing: response.body).array ?? []
  }
}
