internal import ArgumentParser
internal import JSON

/// What all commands that list have in common.
struct ListOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The format: table, wide, json, yaml or name.")
  var output = ListFormat.table
}

/// Namespaces of commands that list what is in namespaces.
struct NamespacesOptions: ParsableArguments {
  @OptionGroup var one: NamespaceOptions

  @Flag(name: [.customShort("A"), .long], help: "List all namespaces.")
  var allNamespaces = false

  /// `nil` for all.
  func namespace(_ controller: ControllerOptions) throws(QueryFailure) -> String? {
    if allNamespaces { return nil }
    if let namespace = one.namespace { return namespace }
    return try controller.defaultNamespace
  }
}

/// `rollcall gaps`.
struct GapsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gaps", abstract: "List containers that are not collected, or not scraped, and why.",
    discussion: "Exit status: 0 without gaps, 1 with gaps, 2 if the controller could not be asked.")

  @OptionGroup var namespaces: NamespacesOptions
  @OptionGroup var list: ListOptions
  @OptionGroup(title: "The controller") var controller: ControllerOptions

  func run() async throws {
    try await reportingFailures {
      let namespace = try namespaces.namespace(controller)
      var document = try await controller.connect { try await $0.get("/api/v1/gaps") }
      let gaps = (document["gaps"]?.array ?? []).filter { namespace == nil || $0["namespace"]?.string == namespace }
      document["gaps"] = .array(gaps)
      print(Self.output(namespace).text(document, gaps, as: list.output), terminator: "")
      if !gaps.isEmpty { throw ExitCode.failure }
    }
  }

  static func output(_ namespace: String?) -> ListOutput {
    ListOutput(
      columns: [
        .text("NAMESPACE", "namespace"), .text("POD", "pod"), .text("CONTAINER", "container"), .text("KIND", "kind"),
        .text("REASON", "reason"), .init(heading: "AGE") { age($0["ageSeconds"]?.integer ?? 0) }, .workload(isWide: true),
        .text("NODE", "node", isWide: true), .text("SOURCE", "source", isWide: true), .text("DETAIL", "detail", isWide: true),
      ], name: { "pod/\($0["pod"]?.string ?? "")" },
      empty: namespace.map { "No gaps in namespace \($0); -A lists all namespaces." } ?? "No gaps.")
  }
}

/// `rollcall nodes`.
struct NodesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nodes", abstract: "List nodes with the containers that are expected, collected and in a gap.",
    discussion: "Exit status: 0 without gaps, 1 with gaps, 2 if the controller could not be asked.")

  @OptionGroup var list: ListOptions
  @OptionGroup(title: "The controller") var controller: ControllerOptions

  func run() async throws {
    try await reportingFailures {
      let document = try await controller.connect { try await $0.get("/api/v1/nodes") }
      let nodes = document["nodes"]?.array ?? []
      print(Self.output.text(document, nodes, as: list.output), terminator: "")
      if nodes.contains(where: { $0["gaps"]?.integer ?? 0 > 0 }) { throw ExitCode.failure }
    }
  }

  static let output = ListOutput(
    columns: [
      .text("NAME", "name"), .text("SOURCE", "source"), .init(heading: "READY") { $0["ready"]?.bool == true ? "yes" : "no" },
      .number("EXPECTED", "expected"), .number("COLLECTED", "collected"), .number("GAPS", "gaps"), .exempt,
      .text("ADDRESS", "address", isWide: true),
      .init(heading: "NOTES", isWide: true) { ($0["notes"]?.array ?? []).compactMap(\.string).joined(separator: "; ") },
    ], name: { "node/\($0["name"]?.string ?? "")" }, empty: "No nodes.")
}

/// `rollcall coverage`.
struct CoverageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage", abstract: "Show how many containers are expected, collected and in a gap, by source.",
    discussion: "Exit status: 0 without gaps, 1 with gaps, 2 if the controller could not be asked.")

  @OptionGroup var list: ListOptions
  @OptionGroup(title: "The controller") var controller: ControllerOptions

  func run() async throws {
    try await reportingFailures {
      let document = try await controller.connect { try await $0.get("/api/v1/coverage") }
      print(Self.output.text(document, Self.rows(of: document), as: list.output), terminator: "")
      if document["total"]?["gaps"]?.integer ?? 0 > 0 { throw ExitCode.failure }
    }
  }

  /// The sources that have nodes, and the total.
  static func rows(of document: JSONValue) -> [JSONValue] {
    let sources = (document["sources"]?.object ?? [:]).filter { $0.value["nodes"]?.integer ?? 0 > 0 }.sorted { $0.key < $1.key }
    return (sources.map { ($0.key, $0.value) } + [("total", document["total"] ?? [:])]).map { name, counts in
      var row = counts
      row["source"] = .string(name)
      return row
    }
  }

  static let output = ListOutput(
    columns: [
      .text("SOURCE", "source"), .number("NODES", "nodes"), .number("EXPECTED", "expected"), .number("COLLECTED", "collected"),
      .number("GAPS", "gaps"), .exempt,
    ], name: { $0["source"]?.string ?? "" }, empty: "No nodes.")
}

/// `rollcall targets`.
struct TargetsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "targets", abstract: "List the targets that Rollcall gives Prometheus.",
    discussion: "Exit status: 0, or 2 if the controller could not be asked.")

  @OptionGroup var list: ListOptions
  @OptionGroup(title: "The controller") var controller: ControllerOptions

  func run() async throws {
    try await reportingFailures {
      let document = try await controller.connect { try await $0.get("/sd/v1/targets") }
      print(Self.output.text(document, document.array ?? [], as: list.output), terminator: "")
    }
  }

  static let output = ListOutput(
    columns: [
      .init(heading: "TARGET", text: address), .label("SOURCE", "__meta_rollcall_source"), .label("NODE", "node"),
      .label("SCHEME", "__scheme__", isWide: true), .label("PATH", "__metrics_path__", isWide: true),
    ], name: address, empty: "No targets.")

  @Sendable private static func address(_ group: JSONValue) -> String { group["targets"]?[0]?.string ?? "" }
}

extension ListOutput.Column {
  fileprivate static var exempt: Self {
    Self(heading: "EXEMPT", isNumber: true) { item in
      "\((item["exempt"]?.object ?? [:]).reduce(0) { $0 + ($1.value.integer ?? 0) })"
    }
  }

  fileprivate static func label(_ heading: String, _ name: String, isWide: Bool = false) -> Self {
    Self(heading: heading, isWide: isWide) { $0["labels"]?[name]?.string ?? "" }
  }
}
