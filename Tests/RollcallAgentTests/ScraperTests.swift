import Foundation
import Roll
import TestSupport
import Testing

/// Real clients of `/metrics`.
@Suite(.timeLimit(.minutes(5)))
struct ScraperTests {
  enum Client: String, CaseIterable {
    case prometheus
    case victoriaMetrics = "victoria-metrics"
    case vmagent
    case curl

    /// Starts the program with a configuration to read the URL, every second if it is a scraper.
    func start(_ url: URL, folder: TemporaryFolder) throws -> ExternalProgram {
      let configuration = """
        global: {scrape_interval: 1s, scrape_timeout: 1s}
        scrape_configs:
          - job_name: agent
            static_configs: [{targets: ["\(url.host() ?? ""):\(url.port ?? 0)"]}]
        """
      let file = try folder.write(configuration, to: "scrape.yml")
      let own = OwnAddress()
      let arguments =
        switch self {
        case .prometheus:
          ["--config.file=\(file)", "--storage.tsdb.path=\(folder.path)/data", "--web.listen-address=\(own)"]
        case .victoriaMetrics:
          ["-promscrape.config=\(file)", "-storageDataPath=\(folder.path)/data", "-httpListenAddr=\(own)", "-memory.allowedBytes=64MB"]
        case .vmagent:
          [
            "-promscrape.config=\(file)", "-remoteWrite.url=http://127.0.0.1:9/write", "-remoteWrite.tmpDataPath=\(folder.path)/data",
            "-httpListenAddr=\(own)", "-memory.allowedBytes=64MB",
          ]
        case .curl: ["-sSf", "-o", "\(folder.path)/page", "\(url)"]
        }
      return try ExternalProgram(rawValue, arguments, log: "\(folder.path)/client.log")
    }
  }

  @Test(arguments: Client.allCases.filter { findProgram($0.rawValue) != nil })
  func `R81: Prometheus and VictoriaMetrics are scrapers, curl is not`(client: Client) async throws {
    let agent = try await RunningAgent()
    let tls = try agent.controller()
    let folder = try TemporaryFolder()
    let program = try client.start(try #require(URL(string: "http://\(agent.listen)/metrics")), folder: folder)
    defer { program.stop() }
    func isScraped() async throws -> Bool {
      try await agent.call(tls, hash: "one", entries: []).report().secondsSinceScrape != nil
    }
    if client == .curl {
      #expect(try await program.waitForExit() == 0, "\(program.output)")
      #expect(try await !isScraped())
      #expect(FileManager.default.fileExists(atPath: folder.path + "/page"))
    } else {
      try await eventually("\(client.rawValue) has scraped the agent") { try await isScraped() }
    }
  }
}
