import Controller
import Foundation
import Roll
import TestSupport
import Testing

/// The documents agree with the tree: links, paths and names exist, and tables hold what the code says.
@Suite(.ownThread) struct DocumentTests {
  // MARK: Links, paths and names

  @Test func `R139: every document is in the index`() throws {
    let indexed = Set(try MarkdownDocument("docs/README.md").localLinks.map(\.path))
    for file in Repository.files(in: "docs") where file.hasSuffix(".md") && file != "README.md" {
      #expect(indexed.contains(file), "docs/README.md does not have \(file)")
    }
  }

  @Test func `links lead to files and headings that exist`() throws {
    let documents = try MarkdownDocument.all()
    let anchors = Dictionary(uniqueKeysWithValues: documents.map { ($0.path, $0.anchors) })
    for document in documents {
      let folder = document.path.split(separator: "/").dropLast().joined(separator: "/")
      for link in document.localLinks {
        let target = link.path.isEmpty ? document.path : Repository.relative(link.path, to: folder)
        #expect(Repository.exists(target), "\(document) links to \(link.path)")
        guard let anchor = link.anchor else { continue }
        #expect(anchors[target]?.contains(anchor) == true, "\(document) links to \(link.path)#\(anchor)")
      }
    }
  }

  @Test func `every decision is in the list of decisions`() throws {
    let listed = try MarkdownDocument("docs/decisions/README.md").localLinks.map(\.path)
    #expect(listed == Repository.files(in: "docs/decisions").filter { $0.hasSuffix(".md") && $0 != "README.md" })
  }

  /// A link such as [`NodeRollBuilder.grace`](…/NodeRollBuilder.swift) promises that the file declares these names.
  @Test func `a Swift file declares the names that a link to it gives`() throws {
    let declaration = /(?:func|var|let|case|struct|class|enum|protocol|actor|typealias|extension) (?:[A-Za-z_]+\.)*([A-Za-z_][A-Za-z0-9_]*)/
    for document in try MarkdownDocument.all() {
      let folder = document.path.split(separator: "/").dropLast().joined(separator: "/")
      for link in document.localLinks where link.path.hasSuffix(".swift") && link.text.hasPrefix("`") {
        let path = Repository.relative(link.path, to: folder)
        guard Repository.exists(path) else { continue }
        let declared = try Set(Repository.text(path).matches(of: declaration).map(\.1))
        // A link may name the file itself, or a parameter of a function.
        let file = path.split(separator: "/").last.map { $0.dropLast(".swift".count) } ?? ""
        let names = link.text.matches(of: /[A-Za-z_][A-Za-z0-9_]+(?!\w*:)/).map(\.output)
        for name in names where !file.split(separator: "+").contains(name) {
          #expect(declared.contains(name), "\(document): \(path) does not declare \(name)")
        }
      }
    }
  }

  @Test func `paths in code spans exist`() throws {
    let folders = ["Sources/", "Tests/", "Benchmarks/", "docs/", "hack/", "manifests/"]
    for document in try MarkdownDocument.all() {
      for span in document.codeSpans where folders.contains(where: span.hasPrefix) {
        // hack/run --inject agent-down: the first word is the path.
        let path = String(span.prefix { $0 != " " })
        if path.contains(where: "*…".contains) { continue }
        #expect(Repository.exists(path), "\(document) names \(path)")
      }
    }
  }

  @Test func `the architecture has a row for every module and folder, and for no other`() throws {
    let rows = try MarkdownDocument("docs/architecture.md").prose.filter { $0.hasPrefix("| `") }
    // The first column, which may list several.
    let named = rows.flatMap { row in row.dropFirst(2).prefix { $0 != "|" }.matches(of: /`([A-Z]\w+(?:\/\w+)?)`/).map { String($0.1) } }
    let modules = Repository.files(in: "Sources")
    let folders = modules.flatMap { module in
      Repository.folders(in: "Sources/\(module)").filter { $0 != "include" }.map { "\(module)/\($0)" }
    }
    #expect(Set(modules + folders).subtracting(named).sorted() == [])
    #expect(Set(named).subtracting(modules + folders).sorted() == [])
  }

  @Test func `log messages that the documents quote exist`() throws {
    let literals = try StringLiterals()
    for path in ["docs/runbooks.md", "docs/configuration.md", "docs/virtual-nodes.md"] {
      for span in try MarkdownDocument(path).codeSpans where span.wholeMatch(of: /[a-z]+( [a-z;]+)+/) != nil {
        if ["kubectl", "rollcall"].contains(where: span.hasPrefix) { continue }
        #expect(literals.containsOne(thatStartsWith: span), "\(path) quotes \"\(span)\"")
      }
    }
  }

  // MARK: Reasons and alerts

  @Test func `every reason and exemption has a runbook`() throws {
    let runbooks = try MarkdownDocument("docs/runbooks.md")
    let headings = Set(runbooks.headings)
    for reason in Reason.allCases.map(\.rawValue) { #expect(headings.contains(reason)) }
    let exemptions = runbooks.prose.compactMap { $0.wholeMatch(of: /\| `([A-Z]\w+)` \|.*/).map { String($0.1) } }
    #expect(Set(exemptions) == Set(Exemption.allCases.map(\.rawValue)))
  }

  @Test func `R135: every alert has a runbook, and no other heading names one`() throws {
    let rules = try Repository.text("manifests/monitoring/rules.yaml")
    let alerts = Set(rules.matches(of: /- alert: (\w+)/).map { String($0.1) })
    let headings = try MarkdownDocument("docs/runbooks.md").headings
    // One alert is in no rule: the controller sends it itself.
    #expect(Set(headings.filter { $0.hasPrefix("Rollcall") }) == alerts.union(["RollcallTooManyGaps"]))
  }

  @Test func `R135: a runbook has meaning, impact, diagnosis with commands, and fix`() throws {
    let sections = try Repository.text("docs/runbooks.md").split(separator: "\n### ").dropFirst()
    #expect(sections.count > 50)
    for section in sections {
      let name = section.prefix { $0 != "\n" }
      let parts = section.matches(of: /\n- \*\*(\w+)\*\*: (\S)/).map { String($0.1) }
      #expect(parts == ["Meaning", "Impact", "Diagnosis", "Fix"], "\(name)")
      let diagnosis = section.firstMatch(of: /\n- \*\*Diagnosis\*\*((?s).*)\n- \*\*Fix/)
      #expect(diagnosis?.1.contains("\n  $ ") == true, "\(name) has no command")
    }
  }

  @Test func `R135: the address of an alert's runbook is a section of the document`() throws {
    let anchors = try MarkdownDocument("docs/runbooks.md").anchors
    for reason in Reason.allCases { #expect(anchors.contains(reason.rawValue.lowercased())) }
    let rules = try Repository.text("manifests/monitoring/rules.yaml")
    let links = rules.matches(of: /runbook_url: (\S+)#(\S+)\n/)
    #expect(links.count == rules.matches(of: /- alert: \w/).count)
    for link in links {
      #expect(String(link.1) == "\(Runbooks.standard)")
      #expect(anchors.contains(String(link.2)), "\(link.2)")
    }
  }

  // MARK: Claims

  /// A row ends with its tests: `` `Target.Suite`: `name` ``, separated by semicolons.
  @Test func `R112: every claim of the threat model has tests, which exist`() throws {
    let text = try Repository.text("docs/security.md")
    let heading = try #require(text.firstRange(of: "| who | tries | what follows | tests |\n|---|---|---|---|\n"))
    let rows = text[heading.upperBound...].split(separator: "\n", omittingEmptySubsequences: false).prefix { $0.hasPrefix("|") }
    #expect(rows.count > 10)
    for row in rows {
      let columns = row.split(separator: " | ")
      #expect(columns.count == 4, "\(row)")
      let tests = (columns.last ?? "").matches(of: /`(\w+)\.(\w+)`: `([^`]+)`/)
      #expect(!tests.isEmpty, "\(row)")
      for test in tests {
        let (target, suite, name) = (String(test.1), String(test.2), String(test.3))
        let sources = try Repository.swiftFiles(below: "Tests/\(target)").map(Repository.text).filter {
          $0.contains(try Regex("(struct|class|extension) \(suite)\\b"))
        }
        #expect(sources.contains { $0.contains("func `\(name)`") }, "\(target).\(suite) has no test \(name)")
      }
    }
  }

  // MARK: Tables that the code writes

  @Test func `the table of settings is that of SettingsTable`() throws {
    let path = "docs/configuration.md"
    let text = try Repository.text(path)
    let (begin, end) = ("<!-- settings -->\n", "<!-- /settings -->")
    let before = try #require(text.range(of: begin)).upperBound
    let after = try #require(text.range(of: end)).lowerBound
    let rows = SettingsTable.all.map { setting in
      let byDefault = setting.shape == .truth ? "" : setting.show(ControllerSettings()).joined(separator: "; ")
      let shown = byDefault.count > 80 ? "see below" : byDefault.isEmpty ? "" : "`\(byDefault)`"
      return "| `\(setting.flag)` | `\(setting.environmentVariable)` | `\(setting.key)` | \(shown) | \(setting.help) |\n"
    }
    let updated =
      text[..<before] + "| flag | environment | file | default | help |\n|---|---|---|---|---|\n" + rows.joined() + text[after...]
    #expect(try GoldenFile("../\(path)").text(comparedWith: String(updated)) == String(updated))
  }

  /// Types, help texts and labels come from the golden files; rows whose family is in none are compared with the literals in the sources.
  @Test func `the tables of metrics are those of the golden files`() throws {
    let path = "docs/interfaces.md"
    let text = try Repository.text(path)
    let border = try #require(text.range(of: "\n## The agent")).lowerBound
    let literals = try StringLiterals()
    var updated = ""
    for (section, golden) in [(text[..<border], "ControllerTests"), (text[border...], "LinuxCollectorTests")] {
      let families = MetricFamily.families(in: try Repository.text("Tests/\(golden)/Fixtures/metrics.golden"))
      let documented = Set(section.matches(of: /\| `(\w+)` \| (?:gauge|counter|histogram) \|/).map { String($0.1) })
      for name in families.keys.map(MetricFamily.documentedName) where !documented.contains(name) {
        // cAdvisor's families are in the text.
        #expect(section.contains("`\(name)`"), "\(path) does not have \(name)")
      }
      for line in section.split(separator: "\n", omittingEmptySubsequences: false) {
        guard let row = MetricFamily(row: line) else {
          updated += "\(line)\n"
          continue
        }
        if var family = families[row.name] {
          if family.labels.isEmpty { family.labels = row.labels }
          updated += "\(family.row)\n"
        } else {
          #expect(row.isWritten(by: literals), "no code writes \(row.row)")
          updated += "\(line)\n"
        }
      }
      // A section ends without a line feed of its own.
      updated.removeLast()
    }
    #expect(try GoldenFile("../\(path)").text(comparedWith: updated) == updated)
  }

  @Test func `every metric name in the sources is documented`() throws {
    let documents = try ["docs/interfaces.md", "docs/windows.md"].map(Repository.text).joined()
    for name in try StringLiterals().metricNames.map(MetricFamily.documentedName) {
      #expect(
        documents.contains("`\(name)") || documents.contains("`\(name.replacing(/_[a-z]+_bytes$/, with: "_{"))"),
        "\(name) is in no document")
    }
  }
}

/// A row of a table of metrics.
private struct MetricFamily {
  var name: String
  var type: String
  /// As the column has them: `` `node`, `source` ``.
  var labels: String
  var help: String

  init(name: String, type: String, labels: String, help: String) {
    (self.name, self.type, self.labels, self.help) = (name, type, labels, help)
  }

  init?(row: Substring) {
    guard let match = row.wholeMatch(of: /\| `(\w+)` \| (gauge|counter|histogram) \| (.*?) \| (.*) \|/) else { return nil }
    self.init(name: String(match.1), type: String(match.2), labels: String(match.3), help: String(match.4))
  }

  var row: String { "| `\(name)` | \(type) | \(labels) | \(help) |" }

  /// Containers without a name have the families of pods and containers.
  static func documentedName(_ name: String) -> String {
    name.replacing("rollcall_unnamed_container_filesystem_", with: "rollcall_container_filesystem_")
      .replacing("rollcall_unnamed_container_", with: "rollcall_pod_")
  }

  /// By name, from HELP and TYPE lines and the labels of the samples.
  static func families(in exposition: String) -> [String: MetricFamily] {
    var families: [String: MetricFamily] = [:]
    var current = ""
    for line in exposition.split(separator: "\n") {
      if let help = line.wholeMatch(of: /# HELP (\w+) (.*)/) {
        current = String(help.1)
        families[current] = MetricFamily(name: current, type: "", labels: "", help: String(help.2))
      } else if let type = line.wholeMatch(of: /# TYPE (\w+) (\w+)/) {
        families[current]?.type = String(type.2)
      } else if families[current]?.labels == "" {
        let names = line.matches(of: /([a-z_]+)="(?:[^"\\]|\\.)*"/).map { "`\($0.1)`" }.filter { $0 != "`le`" }
        families[current]?.labels = names.joined(separator: ", ")
      }
    }
    return families
  }

  /// Whether the sources have the help text, and the name or its end, as string literals.
  func isWritten(by literals: StringLiterals) -> Bool {
    let names =
      [name] + ["rollcall_pod_", "rollcall_container_filesystem_"].filter(name.hasPrefix).map { String(name.dropFirst($0.count)) }
    return names.contains(where: literals.contains) && literals.contains(help)
  }
}
