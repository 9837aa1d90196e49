import Foundation
import HTTPTransport
import JSON
import Roll
import TestSupport
import Testing

@testable import Rollcall

/// `rollcall demo`, and what it tells people to try.
@Suite(.timeLimit(.minutes(5)))
struct DemoTests {
  private let folder: TemporaryFolder
  private let address = OwnAddress(port: 9750)

  init() throws { folder = try TemporaryFolder() }

  private func start() async throws -> ExternalProgram {
    let port = try ClosedPort()
    let demo = try ExternalProgram(
      try builtExecutable("rollcall"),
      ["demo", "--listen", "\(address)", "--api-port", "\(port.number)", "--network", address.network],
      log: "\(folder.path)/demo.log")
    _ = try await demo.waitForLine(containing: "Ctrl-C stops everything")
    return demo
  }

  private func gaps() async throws -> [String: String] {
    // The controller starts after the announcement.
    let response = try? await HTTPTransport().send(HTTPRequest(url: "http://\(address)/api/v1/gaps", deadline: .seconds(20)))
    let gaps = (try? response.map { try JSONValue(parsing: $0.body) })?["gaps"]?.array ?? []
    return Dictionary(gaps.map { ($0["pod"]?.string ?? "", $0["reason"]?.string ?? "") }) { $1 }
  }

  @Test func `R138: every command that the demo prints works when it is pasted, and each link is broken as it is meant to be`() async throws
  {
    let demo = try await start()
    defer { demo.stop() }
    // What takes five minutes by design is left out.
    let expected = DemoWorkload.allCases.filter { ![nil, .notLoaded].contains($0.reason) }
    var seen: [String: String] = [:]
    try await eventually("each broken link is a gap", within: .seconds(240)) {
      seen = try await gaps()
      return expected.allSatisfy { seen[$0.podName] == $0.reason?.rawValue }
    }
    // Nothing else is a gap: not what is scraped, and not what is exempt.
    #expect(Set(seen.keys).subtracting(expected.map(\.podName)).subtracting([DemoWorkload.ledger.podName]) == [])

    let commands = demo.output.split(separator: "\n").filter { $0.hasPrefix("    ") }.map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(commands.count >= 8)
    for command in commands where findProgram("kubectl") != nil || !command.hasPrefix("kubectl") {
      // As it is pasted, and elsewhere.
      let shell = try ExternalProgram("bash", ["-c", command], directory: folder.path, log: "\(folder.path)/\(UUID())")
      let status = try await shell.waitForExit()
      // 1: a gap, a broken link or a mistake.
      let isQuestion = ["gaps", "explain", "doctor", "coverage", "nodes", "policy"].contains { command.contains(" \($0) ") }
      #expect(status == 0 || status == 1 && isQuestion, "\(command): \(shell.output)")
      #expect(shell.output.split(separator: "\n").count > 1, "\(command): \(shell.output)")
      if command.contains("doctor") {
        // The one mistake that the demo has: its Prometheus does not select Rollcall's own monitors.
        #expect(shell.output.contains("fix: Set --service-monitor-labels release=prod"), "\(shell.output)")
        #expect(shell.output.hasSuffix("\n1 mistake.\n"), "\(shell.output)")
      }
      if command.contains("explain") {
        #expect(shell.output.contains("this one has no label release"), "\(shell.output)")
        #expect(shell.output.contains("fix: Add the label release: prod to the monitor"), "\(shell.output)")
      }
    }
  }

  /// The command and its output in the README, for the controller of the test.
  private func documented(_ question: String) throws -> (arguments: [String], output: String) {
    let text = try Repository.text("README.md")
    let start = try #require(text.firstRange(of: "$ .build/debug/rollcall \(question) ")).upperBound
    let block = text[start...].prefix { $0 != "`" }
    let lines = block.split(separator: "\n", omittingEmptySubsequences: false)
    let arguments = [question] + lines[0].split(separator: " ").map(String.init)
    let output = lines.dropFirst().prefix { !$0.hasPrefix("$ ") }.joined(separator: "\n")
    return (arguments.map { $0.replacing("127.0.0.1:9750", with: "\(address)") }, output)
  }

  @Test func `R139: what the README shows of the demo is what the demo shows`() async throws {
    let demo = try await start()
    defer { demo.stop() }
    let (arguments, expected) = try documented("explain")
    var output = ""
    try await eventually("the explanation is that of the README", within: .seconds(120)) {
      let program = try ExternalProgram(try builtExecutable("rollcall"), arguments, log: "\(folder.path)/\(UUID())")
      _ = try await program.waitForExit()
      output = program.output
      return output == expected
    }
    #expect(output.contains("this one has no label release"))
    let (questions, table) = try documented("gaps")
    try await eventually("the gaps of the README are there", within: .seconds(240)) {
      let program = try ExternalProgram(try builtExecutable("rollcall"), questions, log: "\(folder.path)/\(UUID())")
      _ = try await program.waitForExit()
      // Without ages.
      func rows(_ text: String) -> Set<[Substring]> {
        Set(text.split(separator: "\n").map { $0.split(separator: " ").dropLast() }.map(Array.init))
      }
      return rows(table).isSubset(of: rows(program.output))
    }
  }

  @Test func `R138: the demo has a workload for every link that the controller can see broken`() {
    let reasons = Set(DemoWorkload.allCases.compactMap(\.reason))
    #expect(reasons == Set(Reason.ofScrapes))
    #expect(DemoWorkload.allCases.filter { $0.reason == nil } == [.checkout])
  }

  @Test func `the demo rejects a network that is none`() async throws {
    for network in ["10.0.0", "127.0", "127.0.256", "127.0.0.1"] {
      let demo = try ExternalProgram(try builtExecutable("rollcall"), ["demo", "--network", network], log: "\(folder.path)/\(UUID())")
      #expect(try await demo.waitForExit() == 64)
      #expect(demo.output.contains("--network \(network): three numbers"))
    }
  }
}
