import HTTPTransport
import JSON
import TestSupport

/// A private VictoriaMetrics that discovers targets through an API server. Debian's Prometheus has no `kubernetes_sd_configs`.
struct VictoriaMetrics: QueryServer {
  static let isInstalled = findProgram("victoria-metrics") != nil

  let program: ExternalProgram
  let url: String
  let transport: HTTPTransport

  init(
    scrapeConfigurations: [JSONValue], folder: TemporaryFolder, transport: HTTPTransport, at address: OwnAddress = OwnAddress(),
    arguments: [String] = []
  ) async throws {
    // JSON is valid YAML.
    let configuration: JSONValue = ["scrape_configs": .array(scrapeConfigurations)]
    try await self.init(configuration: configuration.prettyText, folder: folder, transport: transport, at: address, arguments: arguments)
  }

  init(
    configuration: String, folder: TemporaryFolder, transport: HTTPTransport, at address: OwnAddress = OwnAddress(),
    arguments: [String] = []
  ) async throws {
    let file = try folder.write(configuration, to: "scrape.yml")
    program = try ExternalProgram(
      "victoria-metrics",
      [
        "-promscrape.config=\(file)", "-storageDataPath=\(folder.path)/victoria", "-httpListenAddr=\(address)",
        "-promscrape.kubernetesSDCheckInterval=1s", "-promscrape.httpSDCheckInterval=1s",
        "-search.latencyOffset=1ms", "-search.disableCache", "-memory.allowedBytes=64MB",
      ] + arguments, log: "\(folder.path)/victoria.log")
    url = "http://\(address)"
    self.transport = transport
    try await program.waitForPort(address)
  }

  /// The URLs of the active targets.
  func scrapedURLs() async throws -> [String] {
    let response = try await transport.send(HTTPRequest(url: "\(url)/api/v1/targets?state=active", deadline: .seconds(10)))
    let targets = try JSONValue(parsing: response.body)["data"]?["activeTargets"]?.array ?? []
    return targets.compactMap { $0["scrapeUrl"]?.string }.sorted()
  }
}
