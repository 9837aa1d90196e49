import Foundation
import HTTPTransport
import TestSupport
import Testing

/// What the agent can read with which capabilities, of a container that runs as root and one that runs as another user.
///
/// This is the table of `docs/security.md`. `manifests/default/agent.yaml` sets the capabilities.
@Suite(
  .timeLimit(.minutes(3)),
  .enabled(if: geteuid() == 0 && findProgram("setpriv") != nil, "needs root and setpriv (Debian: util-linux)"))
struct PrivilegeTests {
  struct Rights: CustomTestStringConvertible, Sendable {
    var user: Int
    var capabilities: [String]
    /// Whether /proc hides processes of other users (`hidepid=invisible`).
    var hidesProcesses = false
    /// Whether the agent can read the containers' network namespaces.
    var network: Bool
    /// Why the agent cannot read a volume in another user's private folder; `nil` if it can.
    var volumeFailure: String?
    /// Whether the agent can count sockets by state.
    var states = false

    var testDescription: String {
      "user \(user) with \(capabilities.isEmpty ? "nothing" : capabilities.joined(separator: " and "))\(hidesProcesses ? ", hidepid" : "")"
    }

    var arguments: [String] {
      let list = (["-all"] + capabilities.map { "+" + $0 }).joined(separator: ",")
      let identity = ["--reuid", "\(user)", "--regid", "\(user)", "--clear-groups", "--no-new-privs", "--bounding-set", list]
      // Root gets the whole bounding set; other users only get ambient capabilities.
      return identity + ["--inh-caps", list] + (user == 0 ? [] : ["--ambient-caps", list])
    }
  }

  static let table: [Rights] = [
    Rights(
      user: 0, capabilities: ["sys_ptrace", "dac_read_search", "sys_admin"], network: true, volumeFailure: nil, states: true),
    Rights(user: 0, capabilities: ["sys_ptrace", "dac_read_search"], network: true, volumeFailure: nil),
    Rights(user: 0, capabilities: ["sys_ptrace"], network: true, volumeFailure: "PermissionDenied"),
    Rights(user: 0, capabilities: ["dac_read_search"], network: false, volumeFailure: "PermissionDenied"),
    Rights(user: 0, capabilities: [], network: false, volumeFailure: "PermissionDenied"),
    Rights(user: 65_532, capabilities: ["sys_ptrace", "dac_read_search"], network: true, volumeFailure: nil),
    Rights(user: 65_532, capabilities: ["sys_ptrace"], network: true, volumeFailure: "PermissionDenied"),
    Rights(
      user: 65_532, capabilities: ["sys_ptrace", "dac_read_search"], hidesProcesses: true, network: true, volumeFailure: nil),
    Rights(user: 65_532, capabilities: [], network: false, volumeFailure: "PermissionDenied"),
  ]

  @Test(arguments: table)
  func `R51: the agent reads what its capabilities allow and names unreadable containers`(rights: Rights) async throws {
    let folder = try TemporaryFolder()
    // Accessible to other users.
    chmod(folder.path, 0o755)
    let agentProgram = "\(folder.path)/rollcall-agent"
    try FileManager.default.copyItem(atPath: builtExecutable("rollcall-agent"), toPath: agentProgram)
    try FileManager.default.createDirectory(atPath: "\(folder.path)/cgroup/docker", withIntermediateDirectories: true)
    try Data("cpu\n".utf8).write(to: URL(filePath: "\(folder.path)/cgroup/cgroup.controllers"))
    // A container with more capabilities than the agent, and one of another user, each with a volume in a private folder.
    let containers = try [0, 1000].map { user in
      let mount = "\(folder.path)/private-\(user)"
      let script = try folder.write(
        """
        set -e; mkdir -p \(mount)/volume; mount -t tmpfs -o size=1m none \(mount)/volume; chown 1000 \(mount); chmod 700 \(mount)
        echo is ready; exec setpriv --reuid \(user) --regid \(user) --clear-groups sleep 1000

        """, to: "container-\(user).sh")
      return try ExternalProgram(
        "unshare", ["--mount", "--net", "sh", "-c", OwnRoot.script(at: "\(folder.path)/root-\(user)", running: script)],
        log: "\(folder.path)/container-\(user).log")
    }
    defer {
      for container in containers {
        container.send(signal: SIGKILL)
        container.stop()
      }
    }
    for (index, container) in containers.enumerated() {
      _ = try await container.waitForLine(containing: "is ready")
      let cgroup = "\(folder.path)/cgroup/docker/\(String(repeating: "\(index + 1)", count: 64))"
      try FileManager.default.createDirectory(atPath: cgroup, withIntermediateDirectories: true)
      try Data("\(container.processIdentifier)\n".utf8).write(to: URL(filePath: "\(cgroup)/cgroup.procs"))
    }

    try FileManager.default.createDirectory(atPath: "\(folder.path)/proc", withIntermediateDirectories: true)
    let agent = try ExternalProgram(
      "unshare",
      [
        "--mount", "sh", "-c",
        """
        set -e; mount -t proc -o hidepid=\(rights.hidesProcesses ? 2 : 0) proc \(folder.path)/proc
        exec setpriv \(rights.arguments.joined(separator: " ")) \(agentProgram) --listen 127.0.0.1:0 --roll-listen 127.0.0.1:0 \
          --tls-dir \(folder.path) --proc \(folder.path)/proc --cgroup \(folder.path)/cgroup --node n
        """,
      ], log: "\(folder.path)/agent.log")
    defer { agent.stop() }
    let line = try await agent.waitForLine(containing: "purpose=metrics ")
    let address = try #require(line.split(separator: " ").first { $0.hasPrefix("address=") }).dropFirst("address=".count)
    let transport = try HTTPTransport()
    var exposition = ""
    try await eventually("the file systems have been read") {
      let response = try await transport.send(HTTPRequest(url: "http://\(address)/metrics", deadline: .seconds(30)))
      exposition = String(decoding: response.body, as: UTF8.self)
      return exposition.contains("rollcall_agent_filesystems_age_seconds ")
    }
    let lines = exposition.split(separator: "\n").map(String.init)
    func value(_ start: String, _ texts: String...) -> String? {
      lines.first { line in line.hasPrefix(start) && texts.allSatisfy(line.contains) }?.split(separator: " ").last.map(String.init)
    }

    #expect(value("rollcall_agent_containers_found ") == "2")
    #expect(value("rollcall_agent_namespaces_read ") == (rights.network ? "2" : "0"))
    // Without the capability the series are absent instead of 0, and the agent logs that once.
    #expect(value("rollcall_agent_socket_states ") == (rights.states ? "1" : "0"))
    #expect(lines.contains { $0.hasPrefix("rollcall_unnamed_container_tcp_sockets{") } == rights.states)
    let complaints = agent.output.split(separator: "\n").filter { $0.contains("cannot count sockets by state") }
    #expect(complaints.count == (rights.states ? 0 : 1))
    #expect(complaints.allSatisfy { $0.contains("CAP_SYS_ADMIN") })
    for (index, user) in [0, 1000].enumerated() {
      let id = "container_id=\"\(String(repeating: "\(index + 1)", count: 64))\""
      let volume = "private-\(user)/volume\""
      let size = value("rollcall_unnamed_container_filesystem_size_bytes", id, volume)
      let reason = rights.volumeFailure.map { "reason=\"\($0)\"" } ?? ""
      let unreadable = value("rollcall_unnamed_container_filesystem_unreadable", id, reason)
      #expect(size == (rights.volumeFailure == nil ? "1048576" : nil))
      #expect(unreadable == (rights.volumeFailure == nil ? nil : "1"))
    }
  }
}
