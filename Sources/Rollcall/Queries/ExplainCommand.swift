internal import ArgumentParser
internal import JSON

/// `rollcall explain`.
struct ExplainCommand: AsyncParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, json
  }

  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Explain why Prometheus scrapes a Pod's containers, or why it does not.",
    discussion: """
      Follows each way in which a container asks to be scraped from link to link: the monitor, the port, the endpoint, the Prometheus that \
      adopts the monitor, its configuration, the target and its scrapes. The first broken link is the reason.

        rollcall explain pod/web-0 -n shop

      Exit status: 0 if the Pod is scraped, 1 if a link is broken, 2 if the controller could not be asked, 3 if nothing can be said yet.
      """)

  @Argument(help: "The Pod: pod/NAME, or NAME.")
  var pod: String

  @Option(name: .shortAndLong, help: "Only this container.")
  var container: String?

  @OptionGroup var namespace: NamespaceOptions

  @Option(name: .shortAndLong, help: "The format: text or json.")
  var output = Format.text

  @OptionGroup(title: "The controller") var controller: ControllerOptions

  /// Nothing is broken, and nothing is known to be scraped.
  private static let nothingKnown = ExitCode(3)

  func validate() throws {
    if podName == nil { throw ValidationError("\(pod): write the Pod as pod/NAME") }
  }

  private var podName: String? {
    let parts = pod.split(separator: "/", omittingEmptySubsequences: false)
    guard let name = parts.last, !name.isEmpty, parts.count == 1 || parts.count == 2 && ["pod", "pods", "po"].contains(parts[0]) else {
      return nil
    }
    return String(name)
  }

  func run() async throws {
    try await reportingFailures {
      let namespace = try namespace.namespace ?? controller.defaultNamespace
      let explanation = try await controller.connect { connection in
        try await connection.get(
          "/api/v1/explain", [(name: "namespace", value: namespace), (name: "pod", value: podName), (name: "container", value: container)])
      }
      print(output == .json ? explanation.prettyText + "\n" : ExplanationText(explanation).text, terminator: "")
      switch explanation["outcome"]?.string {
      case "scraped": return
      case "broken": throw ExitCode.failure
      default: throw Self.nothingKnown
      }
    }
  }
}

/// A response of `/api/v1/explain` for people.
struct ExplanationText {
  private let explanation: JSONValue

  init(_ explanation: JSONValue) {
    self.explanation = explanation
  }

  var text: String {
    let asks = explanation["asks"]?.array ?? []
    var lines = [summary]
    if asks.isEmpty { lines += facts(of: explanation) }
    for ask in asks { lines += [""] + self.lines(of: ask) }
    if let nearest = explanation["nearest"]?.string { lines += ["", "Nearest monitor: \(nearest)"] }
    if let known = explanation["scrapers"]?["known"]?.integer, let reached = explanation["scrapers"]?["reached"]?.integer, reached < known {
      lines += ["", "Scrapers reached: \(reached) of \(known). Nothing is known of the others."]
    }
    return lines.map { "\(printable($0))\n" }.joined()
  }

  private var summary: String {
    func name(_ key: String) -> String { explanation[key]?.string ?? "" }
    let workload = explanation["workload"].flatMap { workload in
      workload["kind"]?.string.flatMap { kind in workload["name"]?.string.map { " (\(kind)/\($0))" } }
    }
    let node = name("node").isEmpty ? "" : " on node \(name("node"))"
    return "Pod \(name("namespace"))/\(name("pod"))\(workload ?? "")\(node): \(Self.word(explanation["outcome"]?.string))"
  }

  private static func word(_ outcome: String?) -> String {
    switch outcome {
    case "scraped": "scraped"
    case "broken": "not scraped"
    case "waiting": "not scraped yet"
    default: "not known"
    }
  }

  private func lines(of ask: JSONValue) -> [String] {
    let container = ask["container"]?.string.map { "container \($0)" } ?? "the Pod"
    let links = ask["links"]?.array ?? []
    let width = links.map { $0["link"]?.string?.count ?? 0 }.max() ?? 0
    var lines = ["\(container), by \(ask["by"]?.string ?? "?"): \(Self.word(ask["outcome"]?.string))"]
    for link in links {
      let name = link["link"]?.string ?? ""
      let state = link["state"]?.string ?? ""
      let text = link["text"]?.string ?? ""
      let padding = text.isEmpty ? "" : String(repeating: " ", count: width - name.count + 2)
      lines.append("  \(Self.mark(state)) \(name)\(padding)\(text)")
    }
    lines += facts(of: ask)
    for replica in ask["lagging"]?.array ?? [] {
      lines.append("  not by \(replica["scraper"]?.string ?? "?"): \(replica["detail"]?.string ?? "")")
    }
    return lines
  }

  /// The reason, what to do, and where there is more.
  private func facts(of value: JSONValue) -> [String] {
    [("reason", "reason"), ("fix", "fix"), ("runbook", "more")].compactMap { key, label in
      value[key]?.string.map { "  \(label): \($0)" }
    }
  }

  private static func mark(_ state: String) -> String {
    switch state {
    case "holds": "[ok]"
    case "broken": "[NO]"
    case "waiting": "[..]"
    default: "[ ?]"
    }
  }
}
