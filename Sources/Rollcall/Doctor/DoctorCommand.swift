internal import ArgumentParser
internal import JSON
internal import KubeClient
internal import Logging

/// `rollcall doctor`.
struct DoctorCommand: AsyncParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, json, yaml
  }

  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Look for mistakes of the installation, and say how to mend them.",
    discussion: """
      Reads objects with the credentials of the kubeconfig, and asks the controller, through kubectl port-forward or at --server. It changes \
      nothing. What the user may not see is not checked, and says so.

      Exit status: 0 without mistakes, 1 with mistakes, 2 if the API server could not be asked.
      """)

  @Option(help: "The namespace of the agents. If unset: that of the controller.")
  var agentNamespace: String?

  @Option(name: .shortAndLong, help: "The format: text, json or yaml.")
  var output = Format.text

  @OptionGroup(title: "The controller") var controller: ControllerOptions

  func run() async throws {
    try await reportingFailures {
      let client = try controller.client()
      let gatherer = FactGatherer(
        client: client, namespace: controller.controllerNamespace, agentNamespace: agentNamespace ?? controller.controllerNamespace)
      let controller = controller
      let facts = try await showingProgress("looking at the installation") {
        try await gatherer.facts {
          do {
            return .known(try await controller.connect { try await InstallationFacts.ControllerFacts(of: $0) })
          } catch let failure as QueryFailure {
            return .unknown(failure.message)
          } catch {
            return .unknown("\(error)")
          }
        }
      }
      let report = DoctorReport(facts)
      switch output {
      case .text: print(report.text(on: .standardOutput), terminator: "")
      case .json: print(report.json.prettyText)
      case .yaml: print(report.json.yaml, terminator: "")
      }
      if report.mistakes > 0 { throw ExitCode.failure }
    }
  }
}

/// The findings of all checks, for people and for scripts.
struct DoctorReport {
  private let results: [(name: String, finding: Finding)]

  init(_ facts: InstallationFacts, checks: [DoctorCheck] = DoctorCheck.all) {
    results = checks.flatMap { check in check.findings(facts).map { (check.name, $0) } }
  }

  var mistakes: Int { results.count { $0.finding.state == .mistake } }

  var json: JSONValue {
    [
      "findings": .array(
        results.map { name, finding in
          [
            "check": .string(name), "state": .string(finding.state.rawValue), "text": .string(finding.text),
            "fix": finding.fix.map { .string($0) } ?? .null,
          ]
        }), "mistakes": .integer(Int64(mistakes)),
    ]
  }

  func text(on terminal: Terminal) -> String {
    let width = results.map(\.name.count).max() ?? 0
    var lines: [String] = []
    for (name, finding) in results {
      let (mark, color): (String, Terminal.Color?) =
        switch finding.state {
        case .ok: ("[ok]", .green)
        case .mistake: ("[NO]", .red)
        case .unknown: ("[ ?]", .yellow)
        case .notApplicable: ("[--]", nil)
        }
      let padding = String(repeating: " ", count: width - name.count + 2)
      var fitted = terminal.lines(printable("\(mark) \(name)\(padding)\(finding.text)"), indentation: width + 7)
      fitted[0] = terminal.colored(mark, color) + fitted[0].dropFirst(mark.count)
      lines += fitted
      if let fix = finding.fix { lines += terminal.lines(printable("     fix: \(fix)"), indentation: 10) }
    }
    let unknown = results.count { $0.finding.state == .unknown }
    let summary = mistakes == 0 ? "No mistake found" : mistakes == 1 ? "1 mistake" : "\(mistakes) mistakes"
    lines += ["", unknown == 0 ? "\(summary)." : "\(summary). Not known: \(unknown)."]
    return lines.map { "\($0)\n" }.joined()
  }
}
