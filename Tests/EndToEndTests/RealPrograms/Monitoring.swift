import Foundation
import HTTPTransport
import JSON
import TestSupport

/// A server with the query API of Prometheus.
protocol QueryServer {
  var url: String { get }
  var transport: HTTPTransport { get }
}

extension QueryServer {
  /// The value of an instant query with a single result; `nil` if it is empty.
  func number(_ expression: String) async throws -> Double? {
    try await query("label_replace(\(expression), \"all\", \"all\", \"\", \"\")", by: "all")["all"]
  }

  /// The values of an instant query, by the label `key`.
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

/// A private Prometheus that scrapes targets of HTTP SD or receives remote writes.
struct Prometheus: QueryServer {
  let program: ExternalProgram
  let url: String
  let transport: HTTPTransport

  /// The remote write URL, if it was started as a receiver.
  var writeURL: String { "\(url)/api/v1/write" }

  /// Starts a receiver of remote writes, with the data of an earlier one in the same folder.
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

  /// Starts a Prometheus with targets of HTTP SD.
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

  init(
    configuration: String, folder: TemporaryFolder, transport: HTTPTransport, at address: OwnAddress = OwnAddress()
  ) async throws {
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

  func version() async throws -> String {
    let response = try await transport.send(HTTPRequest(url: "\(url)/api/v1/status/buildinfo", deadline: .seconds(10)))
    return try JSONValue(parsing: response.body)["data"]?["version"]?.string ?? ""
  }

  private func waitUntilReady(_ address: OwnAddress) async throws {
    try await program.waitForPort(address)
    // It listens before it serves queries.
    let ready = HTTPRequest(url: "\(url)/-/ready", deadline: .seconds(10))
    try await eventually("Prometheus is ready") { try await transport.send(ready).status == 200 }
  }
}

/// A private Alertmanager without notifications.
struct Alertmanager {
  let program: ExternalProgram
  let url: String
  private let transport: HTTPTransport

  /// - Parameter inhibition: a part of the configuration.
  init(folder: TemporaryFolder, transport: HTTPTransport, inhibition: String = "") async throws {
    let address = OwnAddress()
    let configuration = """
      route:
        receiver: nobody
      receivers:
        - name: nobody
      \(inhibition)
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

  func post(_ alerts: [JSONValue]) async throws {
    let request = HTTPRequest(
      method: "POST", url: "\(url)/api/v2/alerts", headers: [HTTPHeader("Content-Type", "application/json")],
      body: JSONValue.array(alerts).bytes, deadline: .seconds(10))
    let response = try await transport.send(request)
    guard response.status == 200 else { throw CommandFailed(description: String(decoding: response.body, as: UTF8.self)) }
  }

  func activeAlerts() async throws -> [JSONValue] {
    let response = try await transport.send(
      HTTPRequest(url: "\(url)/api/v2/alerts?active=true", deadline: .seconds(10)))
    return try JSONValue(parsing: response.body).array ?? []
  }
}
