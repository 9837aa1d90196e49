internal import JSON
package import Relabeling
internal import YAML

/// Who found out which rule drops a target.
package enum RelabelJudge: Hashable, Sendable {
  /// The scraper itself.
  case scraper
  /// Our evaluation of the scraper's rules, as good as the labels that we gave it.
  case rollcall
}

/// The relabel rule that drops a target.
package struct DroppingRule: Hashable, Sendable {
  /// In the scrape pool's `relabel_configs`, which begin with the operator's own rules.
  package var index: Int
  package var rule: RelabelRule
  package var judge: RelabelJudge

  package init(index: Int, rule: RelabelRule, judge: RelabelJudge) {
    self.index = index
    self.rule = rule
    self.judge = judge
  }
}

/// What the relabel rules of a scrape pool make of a target.
package enum RelabelVerdict: Hashable, Sendable {
  case kept
  case dropped(DroppingRule)
}

/// Reads a Prometheus configuration as `/api/v1/status/config` returns it.
enum ScrapeConfiguration {
  /// The relabel rules of a scrape pool; `nil` if there is no such pool.
  ///
  /// Only the pool's own lines are parsed: a configuration of 500 monitors has several megabytes. Prometheus writes each entry of
  /// `scrape_configs` as `- job_name: NAME` and lines that are indented.
  static func relabelRules(pool: String, in yaml: String) throws(YAMLError) -> [RelabelRule]? {
    guard let start = yaml.firstRange(of: "\nscrape_configs:\n")?.upperBound else { return nil }
    var lines: [Substring] = []
    for line in yaml[start...].split(separator: "\n", omittingEmptySubsequences: false) {
      // The next section.
      if let first = line.first, first != "-", first != " " { break }
      if line.hasPrefix("- ") {
        if !lines.isEmpty { break }
        if isEntry(line, of: pool) { lines.append(line) }
      } else if !lines.isEmpty {
        lines.append(line)
      }
    }
    guard !lines.isEmpty else { return nil }
    let entry = try YAMLNode(parsing: lines.joined(separator: "\n").utf8, file: "the scrape pool \(pool)")
    let rules = try entry.elements().first?.mapping().optional("relabel_configs")?.elements() ?? []
    return try rules.map { (rule) throws(YAMLError) in try RelabelRule(yaml: rule) }
  }

  private static func isEntry(_ line: Substring, of pool: String) -> Bool {
    guard let node = try? YAMLNode(parsing: line.utf8, file: pool), let entry = try? node.elements().first?.mapping() else { return false }
    return (try? entry["job_name"]?.text()) == pool
  }
}

extension RelabelRule {
  /// The names of Prometheus's configuration file. Its API writes them too.
  init?(configuration: JSONValue) {
    guard let action = RelabelAction(rawValue: (configuration["action"]?.string ?? "replace").lowercased()) else { return nil }
    self.init(action)
    sourceLabels = configuration["source_labels"]?.array?.compactMap(\.string) ?? []
    separator = configuration["separator"]?.string ?? separator
    regex = configuration["regex"]?.string ?? regex
    modulus = configuration["modulus"]?.integer.flatMap(UInt64.init(exactly:)) ?? 0
    targetLabel = configuration["target_label"]?.string ?? ""
    replacement = configuration["replacement"]?.string ?? replacement
  }

  init(yaml: YAMLNode) throws(YAMLError) {
    let rule = try yaml.mapping()
    let name = try rule.optional("action")?.text() ?? "replace"
    guard let action = RelabelAction(rawValue: name.lowercased()) else {
      throw YAMLError(.reading, at: yaml.mark, "unknown relabel action \(name)", "use a newer Rollcall")
    }
    self.init(action)
    sourceLabels = try rule.optional("source_labels")?.elements().map { (label) throws(YAMLError) in try label.text() } ?? []
    separator = try Self.text(rule["separator"]) ?? separator
    regex = try Self.text(rule["regex"]) ?? regex
    modulus = (try rule.optional("modulus")?.text()).flatMap { UInt64($0) } ?? 0
    targetLabel = try Self.text(rule["target_label"]) ?? ""
    replacement = try Self.text(rule["replacement"]) ?? replacement
  }

  /// The text of a scalar, also of one that is empty.
  private static func text(_ node: YAMLNode?) throws(YAMLError) -> String? {
    guard let node else { return nil }
    return node.isNull ? "" : try node.text()
  }
}
