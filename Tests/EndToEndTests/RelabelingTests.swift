import Foundation
import HTTPTransport
import JSON
import Primitives
import Relabeling
import TestSupport
import Testing

/// Compares our evaluation of relabel rules with a real Prometheus.
@Suite(.timeLimit(.minutes(5)), .enabled(if: findProgram("prometheus") != nil, "prometheus is not installed"))
struct RelabelingTests {
  /// One scrape pool with one target.
  private struct Case {
    var labels: [String: String]
    var rules: [RelabelRule]
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `R117: generated rules do with generated labels what Prometheus does`(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    let cases = (0..<150).map { _ in Case(labels: Self.labels(&random), rules: (0...random.next() % 4).map { _ in Self.rule(&random) }) }
    let folder = try TemporaryFolder()
    // JSON is YAML. Nothing is scraped: the first scrape of an interval of a day is somewhere in it.
    let configuration: JSONValue = [
      "global": ["scrape_interval": "1d"],
      "scrape_configs": .array(
        cases.enumerated().map { index, one in
          [
            "job_name": .string("case-\(index)"), "relabel_configs": .array(one.rules.map(\.configuration)),
            "static_configs": [["targets": ["127.0.0.1:9"], "labels": .object(JSONObject(one.labels.map { ($0, .string($1)) }))]],
          ]
        }),
    ]
    let transport = try HTTPTransport()
    let prometheus = try await Prometheus(configuration: configuration.prettyText, folder: folder, transport: transport)
    defer { prometheus.program.stop() }
    var active: [Int: [String: String]] = [:]
    try await eventually("all targets are discovered") {
      let response = try await transport.send(HTTPRequest(url: "\(prometheus.url)/api/v1/targets", deadline: .seconds(10)))
      let answer = try JSONValue(parsing: response.body)["data"]
      for target in answer?["activeTargets"]?.array ?? [] {
        let name = try #require(target["scrapePool"]?.string)
        active[try #require(Int(name.dropFirst("case-".count)))] = Self.strings(target["labels"])
      }
      return active.count + (answer?["droppedTargets"]?.array?.count ?? 0) == cases.count
    }
    for (index, one) in cases.enumerated() {
      // Not the discovered labels of the response: Prometheus 2.42 overwrites them while it relabels.
      let given = one.labels.merging([
        "__address__": "127.0.0.1:9", "__metrics_path__": "/metrics", "__scheme__": "http", "__scrape_interval__": "1d",
        "__scrape_timeout__": "10s", "job": "case-\(index)",
      ]) { own, _ in own }
      let result = try Relabeler(one.rules, dialect: RelabelDialect(major: 2, minor: 42)).relabel(given)
      switch (result, active[index]) {
      case (.dropped, nil): break
      case (.kept(let labels), let theirs?):
        let visible = labels.filter { !$0.key.hasPrefix("__") }.merging(["instance": "127.0.0.1:9"]) { own, _ in own }
        #expect(visible == theirs, "\(given) by \(one.rules)")
      case (.dropped, _?): Issue.record("Prometheus keeps \(given) by \(one.rules), we have \(result)")
      case (.kept, nil): Issue.record("Prometheus drops \(given) by \(one.rules), we have \(result)")
      }
    }
    // The generator makes both.
    #expect((20..<130).contains(active.count))
  }

  private static func strings(_ object: JSONValue?) -> [String: String] {
    (object?.object ?? [:]).reduce(into: [:]) { $0[$1.key] = $1.value.string }
  }

  // MARK: Generator

  private static let names = ["__meta_kubernetes_namespace", "__meta_kubernetes_pod_name", "__tmp_x", "app", "tier", "x_1"]
  private static let values = [
    "", "web-0", "WEB-0", "Ärger-ß", "a;b", "x\ny", "10", "shop", "日本", "İstanbul", "aab", "web-0;shop", "$1", "app", "ΣΑΣ",
  ]
  private static let patterns = [
    "(.*)", "(.+)-([0-9]+)", "web.*", "(?i)WEB-0", "[^;]*", "(a|b)?(.*)", #"\d+"#, "(?P<first>[a-z]+).*", "Ä.*", ".", "", "shop|web-0",
    "(.*);(.*)", "a(?:a|b)+", #"\pL+-?\pN?"#, "x.y", "(?s)x.y", "^web-0$", "(a)|(w)eb-0", "[[:alpha:]]+", "a{2}b", #"\Qa;b\E"#,
  ]
  private static let templates = ["$1", "${1}", "$2-$1", "$first", "${first}x", "$1x", "constant", "", "$$1", "$0", "${3}"]
  private static let targets = ["app", "tier", "x_1", "__tmp_x", "new", "${1}", "x_$1", "x_${1}_y"]
  private static let mapPatterns = ["__meta_kubernetes_(.+)", "(x)_(.*)", "app|tier", "(a)pp", "t(.*)r"]

  private static func labels(_ random: inout SplitMix64) -> [String: String] {
    Dictionary(uniqueKeysWithValues: names.map { ($0, pick(values, &random)) })
  }

  private static func pick<Element>(_ elements: [Element], _ random: inout SplitMix64) -> Element {
    elements[Int(random.next() % UInt64(elements.count))]
  }

  /// A rule that the configuration accepts and that leaves the address alone.
  private static func rule(_ random: inout SplitMix64) -> RelabelRule {
    let sources = (0..<Int(random.next() % 3)).map { _ in pick(names, &random) }
    let plain = pick(["app", "tier", "new"], &random)
    switch pick(RelabelAction.allCases, &random) {
    case .replace:
      return RelabelRule(
        sourceLabels: sources, separator: pick([";", "-", ""], &random), regex: pick(patterns, &random),
        targetLabel: pick(targets, &random),
        replacement: pick(templates, &random))
    case .keep, .drop:
      // Rules that drop seldom, or nothing would be left.
      let isDrop = random.next() % 3 > 0
      return RelabelRule(
        isDrop ? .drop : .keep, sourceLabels: sources, regex: isDrop ? pick(patterns, &random) : ".*\(pick(patterns, &random))|w.*")
    case .keepequal: return RelabelRule(.keepequal, sourceLabels: [plain], targetLabel: pick([plain, "app"], &random))
    case .dropequal: return RelabelRule(.dropequal, sourceLabels: sources, targetLabel: plain)
    case .hashmod: return RelabelRule(.hashmod, sourceLabels: sources, modulus: random.next() >> 1 | 1, targetLabel: plain)
    case .labelmap: return RelabelRule(.labelmap, regex: pick(mapPatterns, &random), replacement: pick(["$1", "m_$1", "m_${2}"], &random))
    case .labeldrop: return RelabelRule(.labeldrop, regex: pick(["app", "t.*", "__tmp_.*", "x_[0-9]"], &random))
    case .labelkeep: return RelabelRule(.labelkeep, regex: "__.*|job|\(pick(["app", "t.*", "x"], &random))")
    case .lowercase: return RelabelRule(.lowercase, sourceLabels: sources, separator: "-", targetLabel: plain)
    case .uppercase: return RelabelRule(.uppercase, sourceLabels: sources, separator: "-", targetLabel: plain)
    }
  }
}

extension RelabelRule {
  /// As in a configuration file, without defaults: Prometheus refuses some fields with some actions.
  fileprivate var configuration: JSONValue {
    let defaults = RelabelRule()
    var configuration: JSONValue = ["action": .string(action.rawValue)]
    if !sourceLabels.isEmpty { configuration["source_labels"] = .array(sourceLabels.map { .string($0) }) }
    if separator != defaults.separator { configuration["separator"] = .string(separator) }
    if regex != defaults.regex { configuration["regex"] = .string(regex) }
    if modulus != 0 { configuration["modulus"] = .integer(Int64(modulus)) }
    if !targetLabel.isEmpty { configuration["target_label"] = .string(targetLabel) }
    if replacement != defaults.replacement { configuration["replacement"] = .string(replacement) }
    return configuration
  }
}
