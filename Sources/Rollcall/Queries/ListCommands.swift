internal import ArgumentParser
internal import JSON
internal import Primitives

/// What all commands that list have in common.
struct ListOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The format: table, wide, json, yaml or name.")
  var output = ListFormat.table

  @OptionGroup var watch: WatchOptions

  /// Asks for a list, and shows it.
  /// - Parameters:
  ///   - output: how an answer is shown.
  ///   - items: those of an answer that are shown; they take their place in it.
  ///   - status: what they mean.
  func run(
    _ controller: ControllerOptions, output: @escaping @Sendable (JSONValue) -> ListOutput,
    ask: @escaping @Sendable (ControllerConnection) async throws -> JSONValue,
    items: @escaping @Sendable (inout JSONValue) throws -> [JSONValue], status: @escaping @Sendable ([JSONValue]) -> ExitCode
  ) async throws {
    let format = self.output
    try await watch.run(controller) { connection in
      var document = try await ask(connection)
      let items = try items(&document)
      return Answer(
        text: output(document).text(document, items, as: format, on: .standardOutput), state: .array(items.map(\.withoutAge)),
        status: status(items))
    }
  }

  func run(
    _ controller: ControllerOptions, _ output: ListOutput, ask: @escaping @Sendable (ControllerConnection) async throws -> JSONValue,
    items: @escaping @Sendable (inout JSONValue) throws -> [JSONValue], status: @escaping @Sendable ([JSONValue]) -> ExitCode
  ) async throws {
    try await run(controller, output: { _ in output }, ask: ask, items: items, status: status)
  }
}

extension JSONValue {
  fileprivate var withoutAge: JSONValue {
    var item = self
    item["ageSeconds"] = nil
    return item
  }

  /// A member that is a list.
  /// - Throws: `QueryFailure` without it: an answer of another version must not look like an empty list.
  func list(_ key: String) throws(QueryFailure) -> [JSONValue] {
    guard let list = self[key]?.array else {
      throw QueryFailure("the controller's answer has no \(key): it is of another version than this command, \(ProductVersion.current)")
    }
    return list
  }
}

/// Exit status 1 if there are gaps.
private func status(gaps: Int64) -> ExitCode { gaps > 0 ? .failure : .success }

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
      try await list.run(controller, Self.output(namespace)) { connection in
        try await connection.get("/api/v1/gaps")
      } items: { document in
        let gaps = try document.list("gaps").filter { namespace == nil || $0["namespace"]?.string == namespace }
        document["gaps"] = .array(gaps)
        return gaps
      } status: {
        Rollcall.status(gaps: Int64($0.count))
      }
    }
  }

  static func output(_ namespace: String?) -> ListOutput {
    ListOutput(
      columns: [
        .text("NAMESPACE", "namespace"), .text("POD", "pod"), .text("CONTAINER", "container"), .text("KIND", "kind"),
        .text("REASON", "reason", color: .red), .init(heading: "AGE") { age($0["ageSeconds"]?.integer ?? 0) }, .workload(isWide: true),
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
      try await list.run(controller, Self.output) { connection in
        try await connection.get("/api/v1/nodes")
      } items: {
        try $0.list("nodes")
      } status: {
        Rollcall.status(gaps: $0.reduce(0) { $0 + ($1["gaps"]?.integer ?? 0) })
      }
    }
  }

  static let output = ListOutput(
    columns: [
      .text("NAME", "name"), .text("SOURCE", "source"), .ready,
      .number("EXPECTED", "expected"), .number("COLLECTED", "collected"), .gaps, .exempt,
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
      try await list.run(controller, Self.output) { connection in
        try await connection.get("/api/v1/coverage")
      } items: { document in
        guard document["sources"]?.object != nil else { return try document.list("sources") }
        return Self.rows(of: document)
      } status: {
        Rollcall.status(gaps: $0.last?["gaps"]?.integer ?? 0)
      }
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
      .gaps, .exempt,
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
      try await list.run(controller, Self.output) { connection in
        try await connection.get("/sd/v1/targets")
      } items: { document in
        guard let targets = document.array else { return try document.list("targets") }
        return targets
      } status: { _ in
        .success
      }
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
  fileprivate static let ready = Self(heading: "READY", color: { $0["ready"]?.bool == true ? nil : .red }) {
    $0["ready"]?.bool == true ? "yes" : "no"
  }

  fileprivate static var exempt: Self {
    Self(heading: "EXEMPT", isNumber: true) { item in
      "\((item["exempt"]?.object ?? [:]).reduce(0) { $0 + ($1.value.integer ?? 0) })"
    }
  }

  fileprivate static func label(_ heading: String, _ name: String, isWide: Bool = false) -> Self {
    Self(heading: heading, isWide: isWide) { $0["labels"]?[name]?.string ?? "" }
  }
}
