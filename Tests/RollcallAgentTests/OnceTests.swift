import Foundation
import TestSupport
import Testing

/// `rollcall-agent --once`, with a container of our own making and no cluster.
@Suite(.timeLimit(.minutes(5)))
struct OnceTests {
  private let folder: TemporaryFolder
  private let container: ExternalProgram

  init() throws {
    folder = try TemporaryFolder()
    container = try ExternalProgram("sleep", ["1000"], log: folder.path + "/container.log")
    let pod = "cgroup/kubepods/pod0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11"
    try FileManager.default.createDirectory(
      atPath: "\(folder.path)/\(pod)/\(RunningAgent.containerID)", withIntermediateDirectories: true)
    _ = try folder.write("cpu\n", to: "cgroup/cgroup.controllers")
    _ = try folder.write("", to: "\(pod)/cgroup.procs")
    _ = try folder.write("\(container.processIdentifier)\n", to: "\(pod)/\(RunningAgent.containerID)/cgroup.procs")
  }

  private func run(_ arguments: String...) async throws -> (status: Int32, output: String) {
    let program = try ExternalProgram(
      try builtExecutable("rollcall-agent"), ["--once", "--cgroup", folder.path + "/cgroup"] + arguments, log: folder.path + "/once.log")
    let status = try await program.waitForExit()
    return (status, program.output)
  }

  @Test func `a table, JSON and metrics tell of the container`() async throws {
    defer { container.send(signal: SIGKILL) }
    let table = try await run()
    #expect(table.status == 0)
    #expect(table.output.contains("ESTABLISHED  IN USE  TIME-WAIT  ORPHAN  TOTAL  UDP"))
    #expect(table.output.contains("abababababab"))

    let json = try await run("-o", "json")
    #expect(json.status == 0)
    let text = json.output.drop { $0 != "{" }
    let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let containers = try #require(document["containers"] as? [[String: Any]])
    #expect(containers.map { $0["id"] as? String } == [RunningAgent.containerID])
    #expect(containers.map { $0["podUID"] as? String } == ["0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11"])

    let metrics = try await run("--output", "metrics")
    #expect(metrics.status == 0)
    #expect(metrics.output.contains("\nrollcall_agent_containers_found 1\n"))
  }

  @Test func `where nothing can be looked at it says so and fails`() async throws {
    defer { container.send(signal: SIGKILL) }
    let outcome = try await run("--cgroup", "/nonexistent")
    #expect(outcome.status != 0)
    #expect(outcome.output.contains("/nonexistent"))
  }

  @Test func `an output without --once is refused`() async throws {
    defer { container.send(signal: SIGKILL) }
    let program = try ExternalProgram(try builtExecutable("rollcall-agent"), ["--output", "json"], log: folder.path + "/once.log")
    #expect(try await program.waitForExit() != 0)
    #expect(program.output.contains("--output is for --once"))
  }
}
