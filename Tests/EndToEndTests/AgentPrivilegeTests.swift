import Foundation
import HTTPTransport
import TestSupport
import Testing

/// The agent in a containerd container with exactly the capabilities and mounts of the manifests.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct AgentPrivilegeTests {
  @Test(.enabled(if: Containerd.isPermitted, Containerd.condition), arguments: ["default", "socket-states"])
  func `R51: with the rights of a manifest the agent reads what docs/security.md lists and logs once what it cannot`(
    name: String
  ) async throws {
    let containerd = try await Containerd()
    do {
      try await run(AgentManifest(component: name == "default" ? nil : name), on: containerd)
    } catch {
      await containerd.stop()
      throw error
    }
    await containerd.stop()
  }

  private func run(_ manifest: AgentManifest, on containerd: Containerd) async throws {
    let mayEnter = manifest.capabilities.contains("SYS_ADMIN")
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/tls", withIntermediateDirectories: true)
    let podUID = UUID().uuidString.lowercased()
    let id = try containerd.start(
      podUID: podUID, networkNamespace: try containerd.makeNetworkNamespace(), hostPrograms: true, script: PodSockets.script)

    let executable = try builtExecutable("rollcall-agent")
    let address = OwnAddress()
    let agent = try containerd.start(
      podUID: UUID().uuidString.lowercased(),
      options: try manifest.options(volumes: ["tls": folder.path + "/tls"]) + Self.programs(for: executable)
        + ["--log-uri", "file://\(folder.path)/agent.log"],
      command: [
        executable, "--listen", "\(address)", "--roll-listen", "\(OwnAddress())", "--node", "n", "--filesystem-interval", "1s",
      ] + manifest.arguments)
    let transport = try HTTPTransport()
    let pod = "pod_uid=\"\(podUID)\""
    var metrics = try ScrapedMetrics([])
    try await eventually("the agent has swept everything") {
      let request = HTTPRequest(url: "http://\(address)/metrics", deadline: .seconds(10))
      guard let response = try? await transport.send(request) else { return false }
      metrics = try ScrapedMetrics(response.body)
      return metrics("rollcall_unnamed_container_sockstat_tcp_inuse", pod) == Double(PodSockets.both[0].inUse)
        && metrics("rollcall_unnamed_container_filesystem_size_bytes", id, "/data") != nil
    }
    let status = try String(contentsOfFile: "/proc/\(containerd.process(of: agent))/status", encoding: .utf8)
    func line(_ name: String) -> String? {
      status.split(separator: "\n").first { $0.hasPrefix(name + ":") }?.split(separator: "\t").last.map(String.init)
    }
    #expect(line("CapEff").flatMap { UInt64($0, radix: 16) } == (try manifest.bits))
    #expect(line("NoNewPrivs") == "1")
    // A seccomp filter is active.
    #expect(line("Seccomp") == "2")

    #expect(metrics("rollcall_agent_sweep_problems") == 0)
    #expect(metrics("rollcall_unnamed_container_sockstat_tcp6_inuse", pod) == Double(PodSockets.both[1].inUse))
    #expect(metrics("rollcall_unnamed_container_filesystem_size_bytes", id, "/data") == Double(Containerd.volumeBytes))
    #expect(metrics.all("rollcall_unnamed_container_filesystem_unreadable").keys.filter { $0.contains(id) } == [])
    // Counting by state needs SYS_ADMIN.
    #expect(metrics("rollcall_agent_socket_states") == (mayEnter ? 1 : 0))
    #expect(metrics.names(with: pod).contains("rollcall_unnamed_container_tcp_sockets") == mayEnter)
    for (state, number) in PodSockets.both[1].states where mayEnter && state != "time_wait" {
      #expect(metrics("rollcall_unnamed_container_tcp_sockets", pod, "state=\"\(state)\",family=\"ipv6\"") == Double(number), "\(state)")
    }
    let log = try String(contentsOfFile: "\(folder.path)/agent.log", encoding: .utf8)
    let complaints = log.split(separator: "\n").filter { $0.contains("cannot count sockets by state") }
    #expect(complaints.count == (mayEnter ? 0 : 1), "\(log)")
    #expect(complaints.allSatisfy { $0.contains("manifests/socket-states") })
  }

  /// The image contains only busybox; the executable and its libraries are mounted from this machine.
  private static func programs(for executable: String) throws -> [String] {
    let libraries = try Shell.run("ldd", executable).split(separator: "\n").compactMap { line in
      line.split(separator: " ").first { $0.hasPrefix("/") }.map { URL(filePath: String($0)).deletingLastPathComponent().path }
    }
    let system = ["/usr", "/lib", "/lib64"].filter(FileManager.default.fileExists(atPath:))
    let others = Set(libraries + [URL(filePath: executable).deletingLastPathComponent().path])
      .filter { folder in !system.contains { folder == $0 || folder.hasPrefix($0 + "/") } }
    return (system + others.sorted()).flatMap { Containerd.sharing($0) }
  }
}
