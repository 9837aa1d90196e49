internal import ArgumentParser
internal import JSON

/// `rollcall explain`.
struct ExplainCommand: AsyncParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, json, yaml
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

  @Option(name: .shortAndLong, help: "The format: text, json or yaml.")
  var output = Format.text

  @OptionGroup var watch: WatchOptions

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
      let parameters = [(name: "namespace", value: namespace), (name: "pod", value: podName), (name: "container", value: container)]
      let output = output
      try await watch.run(controller) { connection in
        let explanation = try await connection.get("/api/v1/explain", parameters)
        return Answer(text: Self.text(explanation, as: output), state: explanation, status: Self.status(explanation["outcome"]?.string))
      }
    }
  }

  private static func text(_ explanation: JSONValue, as format: Format) -> String {
    switch format {
    case .text: ExplanationText(explanation, on: .standardOutput).text
    case .json: explanation.prettyText + "\n"
    case .yaml: explanation.yaml
    }
  }

  private static func status(_ outcome: String?) -> ExitCode {
    switch outcome {
    case "scraped": .success
    case "broken": .failure
    default: nothingKnown
    }
  }
}

/// A response of `/api/v1/explain` for people.
struct ExplanationText {
  /// A line, which may take several of a narrow terminal.
  private struct Line {
    var text: String
    /// Of the lines after the first.
    var indentation = 0
    /// What is colored, at the beginning of the first.
    var mark: (text: String, color: Terminal.Color?)?
  }

  private let explanation: JSONValue
  private let terminal: Terminal

  init(_ explanation: JSONValue, on terminal: Terminal = .none) {
    self.explanation = explanation
    self.terminal = terminal
  }

  var text: String {
    let asks = explanation["asks"]?.array ?? []
    var lines = [summary]
    if asks.isEmpty { lines += facts(of: explanation) }
    for ask in asks { lines += [Line(text: "")] + self.lines(of: ask) }
    if let nearest = explanation["nearest"]?.string { lines += [Line(text: ""), Line(text: "Nearest monitor: \(nearest)")] }
    if let known = explanation["scrapers"]?["known"]?.integer, let reached = explanation["scrapers"]?["reached"]?.integer, reached < known {
      lines += [Line(text: ""), Line(text: "Scrapers reached: \(reached) of \(known). Nothing is known of the others.")]
    }
    return lines.flatMap(fitted).map { "\($0)\n" }.joined()
  }

  private func fitted(_ line: Line) -> [String] {
    var lines = terminal.lines(printable(line.text), indentation: line.indentation)
    if let mark = line.mark, let range = lines[0].firstRange(of: mark.text) {
      lines[0].replaceSubrange(range, with: terminal.colored(mark.text, mark.color))
    }
    return lines
  }

  private var summary: Line {
    func name(_ key: String) -> String { explanation[key]?.string ?? "" }
    let workload = explanation["workload"].flatMap { workload in
      workload["kind"]?.string.flatMap { kind in workload["name"]?.string.map { " (\(kind)/\($0))" } }
    }
    let node = name("node").isEmpty ? "" : " on node \(name("node"))"
    return Line(
      text: "Pod \(name("namespace"))/\(name("pod"))\(workload ?? "")\(node): \(Self.word(explanation["outcome"]?.string))", indentation: 2)
  }

  private static func word(_ outcome: String?) -> String {
    switch outcome {
    case "scraped": "scraped"
    case "broken": "not scraped"
    case "waiting": "not scraped yet"
    default: "not known"
    }
  }

  private func lines(of ask: JSONValue) -> [Line] {
    let container = ask["container"]?.string.map { "container \($0)" } ?? "the Pod"
    let links = ask["links"]?.array ?? []
    let width = links.map { $0["link"]?.string?.count ?? 0 }.max() ?? 0
    var lines = [Line(text: "\(container), by \(ask["by"]?.string ?? "?"): \(Self.word(ask["outcome"]?.string))", indentation: 2)]
    for link in links {
      let name = link["link"]?.string ?? ""
      let state = link["state"]?.string ?? ""
      let text = link["text"]?.string ?? ""
      let padding = text.isEmpty ? "" : String(repeating: " ", count: width - name.count + 2)
      let mark = Self.mark(state)
      lines.append(Line(text: "  \(mark.text) \(name)\(padding)\(text)", indentation: width + 9, mark: mark))
    }
    lines += facts(of: ask)
    for replica in ask["lagging"]?.array ?? [] {
      lines.append(Line(text: "  not by \(replica["scraper"]?.string ?? "?"): \(replica["detail"]?.string ?? "")", indentation: 4))
    }
    return lines
  }

  /// The reason, what to do, and where there is more.
  private func facts(of value: JSONValue) -> [Line] {
    [("reason", "reason"), ("fix", "fix"), ("runbook", "more")].compactMap { key, label in
      value[key]?.string.map { Line(text: "  \(label): \($0)", indentation: 4) }
    }
  }

  private static func mark(_ state: String) -> (text: String, color: Terminal.Color?) {
    switch state {
    case "holds": ("[ok]", .green)
    case "broken": ("[NO]", .red)
    case "waiting": ("[..]", .yellow)
    default: ("[ ?]", nil)
    }
  }
}
