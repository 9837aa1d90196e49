internal import ArgumentParser
internal import FoundationEssentials
internal import JSON

/// `rollcall policy`.
struct PolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "List CoveragePolicies, or find out what one would change.",
    subcommands: [PolicyListCommand.self, PolicyTestCommand.self])
}

/// `rollcall policy list`.
struct PolicyListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List CoveragePolicies in order of precedence, with what they select and what became of them.",
    discussion: "Exit status: 0, or 2 if the controller could not be asked.")

  @OptionGroup var list: ListOptions
  @OptionGroup(title: "The controller") var controller: ControllerOptions

  func run() async throws {
    try await reportingFailures {
      try await list.run(controller) { document in
        Self.output(document["state"]?.string)
      } ask: { connection in
        try await connection.get("/api/v1/policies")
      } items: {
        // Those that are not accepted have no order.
        try $0.list("policies").sorted { $0["order"]?.integer ?? .max < $1["order"]?.integer ?? .max }
      } status: { _ in
        .success
      }
    }
  }

  static func output(_ state: String?) -> ListOutput {
    let empty =
      switch state {
      case "absent": "No policies: the cluster has no definition of CoveragePolicies."
      case "forbidden": "No policies: the controller may not list and watch coveragepolicies.rollcall.dev."
      default: "No policies."
      }
    return ListOutput(
      columns: [
        .text("NAME", "name"), .init(heading: "ORDER", isNumber: true) { $0["order"]?.integer.map { "\($0)" } ?? "-" },
        .number("CONTAINERS", "containers"), .number("EXEMPT", "exempt"), .number("GAPS", "gaps"), .text("STATE", "reason"),
        .text("SELECTS", "selects", isWide: true), .text("EFFECTS", "effects", isWide: true), .text("MESSAGE", "message", isWide: true),
      ], name: { "coveragepolicy.rollcall.dev/\($0["name"]?.string ?? "")" }, empty: empty)
  }
}

/// `rollcall policy test`.
struct PolicyTestCommand: AsyncParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, json
  }

  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Tell what would change if policies were applied, without applying them.",
    discussion: """
      The controller computes which containers would be exempt or due, which thresholds, grace periods and alerts would be others, and which \
      gaps would open or close at once.

        rollcall policy test policy.yaml

      Exit status: 0 if nothing would change, 1 if something would, 2 if a policy is not valid or the controller could not be asked.
      """)

  @Argument(help: "The file with one or more CoveragePolicies, as YAML or JSON; - for standard input.")
  var file: String

  @Option(help: "The number of examples of each kind of change, at most 1000.")
  var limit = 20

  @Option(name: .shortAndLong, help: "The format: text or json.")
  var output = Format.text

  @OptionGroup(title: "The controller") var controller: ControllerOptions

  func validate() throws {
    guard (0...1000).contains(limit) else { throw ValidationError("--limit \(limit): from 0 to 1000") }
  }

  func run() async throws {
    try await reportingFailures {
      let policies = try contents()
      let document = try await controller.connect { connection in
        try await connection.post(
          "/api/v1/policy-test", [(name: "limit", value: "\(limit)")], body: policies, contentType: "application/yaml")
      }
      print(output == .json ? document.prettyText + "\n" : PolicyChangesText(document).text, terminator: "")
      if document["changes"]?.bool == true { throw ExitCode.failure }
    }
  }

  private func contents() throws(QueryFailure) -> [UInt8] {
    do {
      return Array(try Data(contentsOf: URL(filePath: file == "-" ? "/dev/stdin" : file)))
    } catch {
      throw QueryFailure("\(file): cannot be read")
    }
  }
}

/// A response of `/api/v1/policy-test` for people.
struct PolicyChangesText {
  private let document: JSONValue

  init(_ document: JSONValue) {
    self.document = document
  }

  private static let headings = [
    ("newlyExempt", "would be exempt"), ("noLongerExempt", "would no longer be exempt"), ("threshold", "would have another threshold"),
    ("grace", "would begin or end their grace period"), ("scraping", "would have to be scraped, or no longer have to"),
    ("alerts", "would have other labels on their alerts"), ("gapsOpened", "would have a gap at once"),
    ("gapsClosed", "would have no gap any more"),
  ]

  var text: String {
    var lines: [String] = []
    for policy in document["policies"]?.array ?? [] {
      let (name, state) = (policy["name"]?.string ?? "", policy["state"]?.string ?? "")
      let (containers, overridden) = (policy["containers"]?.integer ?? 0, policy["overridden"]?.integer ?? 0)
      var line = "\(name) (\(state)): selects \(Self.containers(containers))"
      if overridden > 0 { line += ", for \(overridden) of which other policies decide everything that it says" }
      lines.append(line)
    }
    if document["exemptsEverything"]?.bool == true {
      let isPart = document["shards"]?["missing"]?.array?.isEmpty == false
      lines += [
        "", "NO CONTAINER WOULD BE COLLECTED ANY MORE: every container of the \(isPart ? "asked shard" : "cluster") would be exempt.",
      ]
    }
    if document["changes"]?.bool != true { lines += ["", "Nothing would change."] }
    for (key, heading) in Self.headings {
      guard let kind = document["kinds"]?[key], let count = kind["count"]?.integer, count > 0 else { continue }
      lines += ["", "\(Self.containers(count)) \(heading):"]
      let examples = kind["examples"]?.array ?? []
      for example in examples {
        let name = ["namespace", "pod", "container"].map { example[$0]?.string ?? "" }.joined(separator: "/")
        let text = example["text"]?.string ?? ""
        lines.append("  \(name)\(text.isEmpty ? "" : "  \(text)")")
      }
      if count > examples.count { lines.append("  and \(count - Int64(examples.count)) more; see --limit") }
    }
    return lines.map { "\(printable($0))\n" }.joined()
  }

  private static func containers(_ count: Int64) -> String { count == 1 ? "1 container" : "\(count) containers" }
}
