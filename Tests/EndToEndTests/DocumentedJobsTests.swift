import Foundation
import HTTPTransport
import JSON
import Simulator
import TestSupport
import Testing
import YAML

/// The scrape jobs in the documents, as they are pasted into Prometheus and VictoriaMetrics.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct DocumentedJobsTests {
  /// A `yaml` block with scrape jobs.
  struct Block: CustomStringConvertible, Sendable {
    var path: String
    var text: String

    var description: String { "\(path): \(text.prefix(120))" }

    static func all() throws -> [Block] {
      try (["README.md"] + Repository.files(in: "docs").filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }).flatMap { path in
        try Repository.text(path).matches(of: /```yaml\n([^`]*)```/).map { Block(path: path, text: String($0.1)) }
          .filter { $0.text.contains("scrape_configs:") }
      }
    }

    /// The block with files that exist here instead of those that it names.
    func withFiles(in folder: TemporaryFolder, authority: String) throws -> String {
      let token = try folder.write("token\n", to: "token")
      return text.replacing(/ca_file: \S+/, with: "ca_file: \(authority)").replacing(
        /credentials_file: \S+/, with: "credentials_file: \(token)")
    }
  }

  private static let hasPrograms = findProgram("prometheus") != nil && findProgram("promtool") != nil && VictoriaMetrics.isInstalled

  @Test(.enabled(if: hasPrograms, "prometheus or victoria-metrics is not installed"))
  func `R104: the programs accept every documented job as it is`() throws {
    let folder = try TemporaryFolder()
    let authority = try TestAuthority(in: folder, name: "authority").certificate
    let blocks = try Block.all()
    #expect(blocks.count >= 4)
    for block in blocks {
      let file = try folder.write(block.withFiles(in: folder, authority: authority), to: "job.yml")
      try Shell.run("promtool", "check", "config", file)
      try Shell.run(
        "victoria-metrics", "-promscrape.config=\(file)", "-promscrape.config.dryRun", "-storageDataPath=\(folder.path)/data")
    }
  }

  @Test(.enabled(if: hasPrograms && Nginx.isInstalled, "prometheus, victoria-metrics or nginx is not installed"))
  func `R104: every documented job scrapes its targets in both programs`() async throws {
    let folder = try TemporaryFolder()
    let authority = try TestAuthority(in: folder, name: "authority")
    let agent = try authority.issue("agent", subjectAlternativeName: "DNS:rollcall-agent", usage: "serverAuth")
    // Addresses of their own: two Windows nodes, and a Linux node whose agent serves metrics over TLS.
    let nginx = try await Nginx(
      files: ["metrics": windowsPage(version: "0.32", frontend: WindowsCluster.frontend, worker: WindowsCluster.worker)],
      servers: """
        server { listen $network.1:$port; listen $network.2:$port; root $folder; }
        server {
          listen $network.3:$port ssl; root $folder;
          ssl_certificate \(agent.certificate); ssl_certificate_key \(agent.key);
        }
        """)
    let linux: JSONValue = [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": "linux-1"],
      "status": [
        "addresses": [["type": "InternalIP", "address": .string("\(nginx.network).3")]], "nodeInfo": ["operatingSystem": "linux"],
        "conditions": [["type": "Ready", "status": "True"]],
      ],
    ]
    let objects = (1...2).flatMap { WindowsCluster.objects($0, address: "\(nginx.network).\($0)") } + [linux]
    let roles = try YAMLNode.documents(parsing: Repository.text("manifests/default/access.yaml").utf8, file: "access.yaml").map(\.jsonValue)
    // This test is not about roll calls.
    let arguments = [
      "--listen-tls", "on", "--trust-loopback", "off", "--interval", "1h", "--threshold", "1d", "--windows-port", "\(nginx.port)",
      "--agent-metrics-port", "\(nginx.port)",
      "--agent-metrics-scheme", "https",
    ]
    try await RunningController.run(objects + roles, arguments) { controller in
      controller.apiServer.setToken("token", .serviceAccount("prometheus-k8s", namespace: "monitoring"))
      let host = controller.url.dropFirst("https://".count)
      let authorities = try [authority.certificate, try await controller.authority(in: folder)]
        .map { try String(contentsOfFile: $0, encoding: .utf8) }
      let bundle = try folder.write(authorities.joined(separator: "\n"), to: "authorities.crt")
      var discovery = HTTPRequest(url: "\(controller.url)/sd/v1/targets", deadline: .seconds(10))
      discovery.headers = [HTTPHeader("Authorization", "Bearer token")]
      discovery.tls = TLSOptions(certificateAuthorities: .file(bundle), serverName: "rollcall-controller")
      // The programs ask again only after a minute.
      try await eventually("the targets are known") { (try? await controller.transport.send(discovery))?.status == 200 }
      for block in try Block.all() {
        let jobs = try block.withFiles(in: folder, authority: bundle)
          .replacing("rollcall-controller.rollcall.svc:9750", with: host)
          .replacing(/scrape_interval: \S+/, with: "scrape_interval: 1s").replacing(/scrape_timeout: \S+/, with: "scrape_timeout: 1s")
        let configuration = "global: {scrape_interval: 1s, scrape_timeout: 1s}\n\(jobs)"
        let own = try TemporaryFolder()
        let prometheus = try await Prometheus(configuration: configuration, folder: own, transport: controller.transport)
        defer { prometheus.program.stop() }
        let victoria = try await VictoriaMetrics(configuration: configuration, folder: own, transport: controller.transport)
        defer { victoria.program.stop() }
        // The job at the agents that does not verify them by their name has a target that is down.
        let isOfWindows = block.text.contains("static_configs") || block.text.contains("source=windows\n")
        let expected = block.text.contains("server_name: rollcall-agent") ? 1 : isOfWindows ? 2 : 3
        for server in [prometheus, victoria] as [any QueryServer] {
          try await eventually("\(expected) targets are scraped by \(server.url): \(block)", within: .seconds(120)) {
            try await server.number("sum(up)") == Double(expected)
          }
        }
      }
    }
  }
}
