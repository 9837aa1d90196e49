import Foundation
import TestSupport
import Testing

/// Runs `rollcall-agent --once` with a process in a fake container cgroup.
@Suite(.timeLimit(.minutes(5)))
struct OnceTests {
  private let folder: TemporaryFolder
  private let container: ExternalProgram

  init() async throws {
    folder = try TemporaryFolder()
    // As root, the process gets its own network namespace and root directory.
    let script = try folder.write("exec sleep 1000\n", to: "container.sh")
    let ownRoot = OwnRoot.script(at: folder.path + "/root", running: script)
    let arguments = geteuid() == 0 ? ["unshare", "--net", "--mount", "sh", "-c", ownRoot] : ["sleep", "1000"]
    container = try ExternalProgram(arguments[0], Array(arguments.dropFirst()), log: folder.path + "/container.log")
    let pid = container.processIdentifier
    try await eventually("the container's command runs") { try String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8) == "sleep\n" }
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

  @Test func `the container is in the table, JSON and metrics`() async throws {
    defer { container.send(signal: SIGKILL) }
    let table = try await run()
    #expect(table.status == 0)
    #expect(table.output.contains(geteuid() == 0 ? "ESTABLISHED  IN USE  TIME-WAIT  ORPHAN  TOTAL  UDP" : "shares the host's network"))
    #expect(table.output.contains("abababababab  sleep "))

    let wide = try await run("-o", "wide")
    #expect(wide.status == 0)
    let root = try #require(wide.output.split(separator: "\n").last { $0.hasPrefix("abababababab  sleep ") })
    #expect(root.split(separator: " ").count == 9, "\(root)")

    let json = try await run("-o", "json")
    #expect(json.status == 0)
    let text = json.output.drop { $0 != "{" }
    let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let containers = try #require(document["containers"] as? [[String: Any]])
    #expect(containers.map { $0["id"] as? String } == [RunningAgent.containerID])
    #expect(containers.map { $0["podUID"] as? String } == ["0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11"])
    #expect(containers.map { $0["command"] as? String } == ["sleep"])
    let filesystems = try #require(containers.first?["filesystems"] as? [[String: Any]])
    #expect(filesystems.contains { $0["size"] as? Int ?? 0 > 0 })
    #expect((document["host"] as? [String: Any])?["tcpAllocated"] != nil)

    let metrics = try await run("--output", "metrics")
    #expect(metrics.status == 0)
    #expect(metrics.output.contains("\nrollcall_agent_containers_found 1\n"))
    #expect(metrics.output.contains("\nrollcall_unnamed_container_filesystem_size_bytes{"))
  }

  @Test func `remarks name the searched folders and count cgroups without a process`() async throws {
    defer { container.send(signal: SIGKILL) }
    try FileManager.default.createDirectory(atPath: folder.path + "/empty", withIntermediateDirectories: true)
    _ = try folder.write("cpu\n", to: "empty/cgroup.controllers")
    let none = try await run("--cgroup", folder.path + "/empty")
    #expect(none.status == 0)
    #expect(none.output.contains("no containers found in \(folder.path)/empty"))

    for digit in ["1", "2"] {
      let cgroup = "crio-\(String(repeating: digit, count: 64))"
      try FileManager.default.createDirectory(atPath: "\(folder.path)/cgroup/\(cgroup)", withIntermediateDirectories: true)
      _ = try folder.write("", to: "cgroup/\(cgroup)/cgroup.procs")
    }
    let table = try await run()
    #expect(table.status == 0)
    #expect(table.output.contains("container cgroups without a process: 2"))
    #expect(!table.output.contains("PidNotFound"))
  }

  @Test(.enabled(if: geteuid() == 0 && findProgram("setpriv") != nil, "needs root and setpriv, to look without rights"))
  func `without permissions every container is named and the exit status is 1`() async throws {
    defer { container.send(signal: SIGKILL) }
    chmod(folder.path, 0o755)
    // The build folder may not be accessible to other users.
    try FileManager.default.copyItem(atPath: try builtExecutable("rollcall-agent"), toPath: folder.path + "/rollcall-agent")
    let program = try ExternalProgram(
      "setpriv",
      [
        "--reuid=65534", "--regid=65534", "--clear-groups", folder.path + "/rollcall-agent", "--once", "--cgroup", folder.path + "/cgroup",
      ], log: folder.path + "/once.log")
    #expect(try await program.waitForExit() == 1)
    #expect(program.output.contains("abababababab  PermissionDenied: "))
  }

  @Test func `a missing cgroup file system is named and the exit status is not 0`() async throws {
    defer { container.send(signal: SIGKILL) }
    let outcome = try await run("--cgroup", "/nonexistent")
    #expect(outcome.status != 0)
    #expect(outcome.output.contains("/nonexistent"))
  }

  @Test func `--output without --once is rejected`() async throws {
    defer { container.send(signal: SIGKILL) }
    let program = try ExternalProgram(try builtExecutable("rollcall-agent"), ["--output", "json"], log: folder.path + "/once.log")
    #expect(try await program.waitForExit() != 0)
    #expect(program.output.contains("--output requires --once"))
  }
}
