import Exposition
import Foundation
import HTTPTransport
import JSON
import Primitives
import TestSupport
import Testing

/// Our parser and a real Prometheus read the same expositions.
@Suite(.timeLimit(.minutes(5)), .enabled(if: findProgram("prometheus") != nil, "prometheus is not installed"))
struct ExpositionCorpusTests {
  @Test func `R94: a body is accepted if Prometheus accepts it, and its series have the same labels and values`() async throws {
    let cases = ExpositionCorpus.cases(mutations: 300)
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let one = cases[Int(request.target.dropFirst()) ?? 0]
        try connection.respond(status: 200, headers: [("Content-Type", one.format.contentType)], body: one.body)
      }
    }
    defer { server.stop() }
    let folder = try TemporaryFolder()
    let prometheus = try await Prometheus(
      configuration: Self.configuration(server, cases.count), folder: folder, transport: try HTTPTransport())
    defer { prometheus.program.stop() }
    var accepted: [String: Double] = [:]
    try await eventually("every body was scraped", within: .seconds(120)) {
      accepted = try await prometheus.query("up", by: "case")
      return accepted.count == cases.count
    }
    let series = try await Self.series(prometheus)
    let isOf3 = try await prometheus.version().hasPrefix("3.")

    for (number, one) in cases.enumerated() {
      let text = "\(one.format): \(String(decoding: one.body, as: UTF8.self).debugDescription)"
      let result = Result { () throws(ExpositionError) in try parsedSamples(one.body, one.format) }
      let isAccepted = accepted["\(number)"] == 1
      switch result {
      case .success(let samples):
        guard isAccepted else {
          #expect(!isOf3 && Self.isOfPrometheus3(one), "Prometheus refuses \(text)")
          continue
        }
        // Prometheus drops what is too old or too new, and an empty label counts as absent.
        let current = samples.filter { $0.timestamp == nil }
        #expect(Set(current.map(Self.line)) == series["\(number)", default: []], "\(text)")
      case .failure(let error):
        #expect(!isAccepted || Self.isDecided(error, one) || isOf3 && Self.isRefusedBy2(error, one), "Prometheus accepts \(text): \(error)")
      }
    }
    // Neither of the two accepts or refuses everything.
    #expect(accepted.values.count { $0 == 1 } > 300 && accepted.values.count { $0 == 0 } > 300)
  }

  /// Quoted names, an exemplar on any series and a comma after the last label in OpenMetrics: refused by 2.42, accepted by 3.
  private static func isOfPrometheus3(_ one: ExpositionCorpus.Case) -> Bool {
    let text = String(decoding: one.body, as: UTF8.self)
    return text.contains(/[{,]\s*"/) || text.contains(/# (HELP|TYPE) "/)
      || one.format == .openMetrics && (text.contains(" # {") || text.contains(",}"))
  }

  /// What 3 accepts, 2.42 does not, and we do not either.
  private static func isRefusedBy2(_ error: ExpositionError, _ one: ExpositionCorpus.Case) -> Bool {
    let text = "\(error)"
    return one.body.isEmpty
      || ["a blank before the metric name", "an empty name in quotes", "unterminated name in quotes"].contains { text.contains($0) }
  }

  /// What docs/virtual-nodes.md lists.
  private static func isDecided(_ error: ExpositionError, _ one: ExpositionCorpus.Case) -> Bool {
    let text = "\(error)"
    return ["duplicate series", "duplicate label", "unterminated label value"].contains { text.contains($0) } || one.body.contains(0)
  }

  private static func configuration(_ server: ScriptedServer, _ count: Int) -> String {
    let address = server.url.replacing("http://", with: "")
    let targets = (0..<count).map { number in
      """
            - targets: ["\(address)"]
              labels: {case: "\(number)", __metrics_path__: "/\(number)"}
      """
    }
    return """
      global: {scrape_interval: 5s, scrape_timeout: 5s}
      scrape_configs:
        - job_name: corpus
          static_configs:
      \(targets.joined(separator: "\n"))
      """
  }

  /// The stored series of each case, as `line` writes them.
  private static func series(_ prometheus: Prometheus) async throws -> [String: Set<String>] {
    let query = "%7Bcase%21%3D%22%22%2C__name__%21~%22up%7Cscrape_.%2A%22%7D"
    let response = try await prometheus.transport.send(
      HTTPRequest(url: "\(prometheus.url)/api/v1/query?query=\(query)", deadline: .seconds(30)))
    var series: [String: Set<String>] = [:]
    for one in try JSONValue(parsing: response.body)["data"]?["result"]?.array ?? [] {
      var labels: [String: String] = [:]
      for (name, value) in one["metric"]?.object ?? [:] { labels[name] = value.string ?? "" }
      guard let number = labels["case"], let name = labels["__name__"], let value = one["value"]?[1]?.string.flatMap(Double.init) else {
        continue
      }
      for own in ["case", "__name__", "job", "instance"] { labels[own] = nil }
      series[number, default: []].insert(line(name, labels, value))
    }
    return series
  }

  private static func line(_ sample: ParsedSample) -> String {
    var labels = Dictionary(sample.labels.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    // Without `honor_labels` Prometheus renames labels that clash with its own.
    for own in ["job", "instance"] {
      guard let value = labels.removeValue(forKey: own) else { continue }
      labels[labels["exported_\(own)"] == nil ? "exported_\(own)" : "exported_exported_\(own)"] = value
    }
    return line(sample.name, labels.filter { !$0.value.isEmpty }, sample.value)
  }

  private static func line(_ name: String, _ labels: [String: String], _ value: Double) -> String {
    // Prometheus 3 writes these as numbers: `le="1"` is stored as `1.0`.
    let labels = labels.sorted { $0.key < $1.key }.map { name, value in
      [name, ["le", "quantile"].contains(name) ? Double(value).map { "\($0)" } ?? value : value]
    }
    return "\(name) \(labels) \(value)"
  }
}
