import Foundation
import HTTPTransport
import JSON
import TestSupport
import Testing

/// The dashboards of `manifests/grafana`, against a real Prometheus that scrapes the metrics of the golden files.
@Suite(.timeLimit(.minutes(5)))
struct DashboardTests {
  /// An expression of a dashboard, with values instead of Grafana's variables.
  struct Query: CustomStringConvertible {
    var dashboard: String
    var panel: String
    var expression: String
    var description: String { "\(dashboard), \(panel): \(expression)" }
  }

  private static let folder = "manifests/grafana"

  static func dashboards() throws -> [(name: String, json: JSONValue)] {
    try Repository.files(in: folder).filter { $0.hasSuffix(".json") }
      .map { ($0, try JSONValue(parsing: Array(Repository.text("\(folder)/\($0)").utf8))) }
  }

  static func queries() throws -> [Query] {
    try dashboards().flatMap { name, json in
      (json["panels"]?.array ?? []).flatMap { panel in
        (panel["targets"]?.array ?? []).map { target in
          let expression = (target["expr"]?.string ?? "").replacing("$__rate_interval", with: "10s")
            .replacing(/\$[a-z]+/, with: ".*")
          return Query(dashboard: name, panel: panel["title"]?.string ?? "", expression: expression)
        }
      }
    }
  }

  /// A sample of each metric of the controller that the golden file has no sample of, with the labels that the documents give it.
  static func samples(missingIn golden: String) throws -> String {
    let rows = try Repository.text("docs/interfaces.md").matches(of: /\| `([a-z_]+)` \| (?:gauge|counter) \| ([^|]*) \|/)
    let present = Set(golden.split(separator: "\n").map { $0.prefix { $0 != "{" && $0 != " " } })
    return rows.filter { !present.contains($0.1) }
      .map { row in
        let labels = row.2.matches(of: /`([a-z_]+)`/).map { "\($0.1)=\"x\"" }
        return "\(row.1){\(labels.joined(separator: ","))} 1\n"
      }
      .joined()
  }

  @Test func `every dashboard has a name and panels of its own`() throws {
    let dashboards = try Self.dashboards().map(\.json)
    #expect(dashboards.count == 5)
    #expect(Set(dashboards.map { $0["uid"]?.string }).count == dashboards.count)
    for json in dashboards {
      let panels = try #require(json["panels"]?.array)
      #expect(Set(panels.map { $0["title"]?.string }).count == panels.count, "\(json["title"]?.string ?? "")")
    }
  }

  @Test func `R140: no rule and no dashboard reads series that healthy containers have on request only`() throws {
    let texts =
      try Self.dashboards().map { try Repository.text("\(Self.folder)/\($0.name)") } + [Repository.text("manifests/monitoring/rules.yaml")]
    for metric in ["rollcall_container_due_timestamp_seconds", "rollcall_container_last_collection_timestamp_seconds"] {
      #expect(try Repository.text("Sources/Controller/Serving/ControllerMetrics.swift").contains(metric))
      for text in texts { #expect(!text.contains(metric)) }
    }
  }

  @Test(.enabled(if: findProgram("prometheus") != nil && Nginx.isInstalled, "prometheus or nginx is not installed"))
  func `R140: every query of a dashboard yields data`() async throws {
    let controller = try Repository.text("Tests/ControllerTests/Fixtures/metrics.golden")
    let agent = try Repository.text("Tests/LinuxCollectorTests/Fixtures/metrics.golden")
    let labels = #"namespace="shop",pod="web-0",node="virtual-1""#
    let nginx = try await Nginx(
      files: [
        "controller": controller + Self.samples(missingIn: controller), "agent": agent,
        "windows": windowsPage(version: "0.32", frontend: WindowsCluster.frontend, worker: WindowsCluster.worker)
          + """
          windows_container_memory_usage_private_working_set_bytes{namespace="web",pod="frontend-0",container="iis"} 4096
          windows_container_network_transmit_bytes_total{namespace="web",pod="frontend-0",container="iis",interface="4E0E"} 7

          """,
        "virtual": """
        container_cpu_usage_seconds_total{\(labels),container="web"} 3
        container_memory_working_set_bytes{\(labels),container="web"} 4096
        container_network_receive_bytes_total{\(labels),interface="eth0"} 5
        container_network_transmit_bytes_total{\(labels),interface="eth0"} 6

        """,
      ], servers: "server { listen $network.1:$port; root $folder; }")
    let jobs = ["controller", "agent", "windows", "virtual"].map { page in
      """
        - job_name: \(page)
          honor_labels: true
          metrics_path: /\(page)
          static_configs: [{targets: ["\(nginx.host):\(nginx.port)"]}]
      """
    }
    let configuration = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n\(jobs.joined(separator: "\n"))\n"
    let folder = try TemporaryFolder()
    let prometheus = try await Prometheus(configuration: configuration, folder: folder, transport: HTTPTransport())
    defer { prometheus.program.stop() }
    try await eventually("all pages are scraped twice", within: .seconds(60)) {
      try await prometheus.number("sum(min_over_time(up[4s]) and count_over_time(up[4s]) > 2)") == 4
    }
    let queries = try Self.queries()
    #expect(queries.count > 40)
    for query in queries {
      #expect(try await prometheus.number("count(\(query.expression))") ?? 0 > 0, "\(query)")
    }
  }
}
