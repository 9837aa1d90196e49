internal import Subprocess

/// How the demo gives each pod its own network namespace.
enum NetworkIsolation: Sendable {
  /// As root: a namespace for each pod.
  case namespaces
  /// Unprivileged, if the kernel allows user namespaces: a network namespace inside one.
  case userNamespaces
  /// Neither is allowed: the pods share the machine's network, like pods with `hostNetwork: true`.
  case none(reason: String)

  var isIsolating: Bool { !prefix.isEmpty }

  /// The command line that starts a pod's processes in their namespace.
  var prefix: [String] {
    switch self {
    case .namespaces: ["unshare", "--net"]
    case .userNamespaces: ["unshare", "--net", "--user", "--map-root-user"]
    case .none: []
    }
  }

  /// Tries both ways on this machine.
  static func available() async -> NetworkIsolation {
    var refusals: [String] = []
    for candidate in [NetworkIsolation.namespaces, .userNamespaces] {
      do {
        let result = try await run(
          .name(candidate.prefix[0]), arguments: Arguments(Array(candidate.prefix.dropFirst()) + ["true"]),
          output: .discarded, error: .string(limit: 4096))
        if result.terminationStatus.isSuccess { return candidate }
        refusals.append(result.standardError.split(separator: "\n").first.map(String.init) ?? "refused")
      } catch {
        refusals.append("\(error)")
      }
    }
    return .none(reason: refusals.joined(separator: "; "))
  }
}

/// A Linux pod of the demo: a process for each running container, all in the network namespace of the pod, and a directory for each in a
/// tree with the layout of a node's cgroups (`<root>/kubepods/pod<uid>/<container ID>/cgroup.procs`).
struct LocalPod {
  var pod: DemoCluster.Pod
  var isolation: NetworkIsolation
  /// The executable of the demo, which has the hidden `demo-container` command.
  var executable: String
  /// The node's cgroup tree.
  var cgroups: DemoDirectory

  /// Runs the processes until the task is cancelled or the demo is killed.
  /// - Throws: `DemoError` if they exit on their own.
  func run() async throws {
    // Each process reads from the demo's pipe and exits when it closes, so no process outlives the demo.
    let starts = pod.containers.filter(\.isRunning).map { container in
      """
      "$0" demo-container --cgroup "$1/kubepods/pod\(pod.uid)/\(container.id)" \
        --listening \(container.listening) --connections \(container.connections) <&3 &
      """
    }
    let script = "exec 3<&0\n\(starts.joined(separator: "\n"))\nwait"
    let command = isolation.prefix + ["sh", "-c", script, executable, cgroups.path]
    var options = PlatformOptions()
    options.createSession = true  // Ctrl-C reaches only the demo
    _ = try await Subprocess.run(
      .name(command[0]), arguments: Arguments(Array(command.dropFirst())), platformOptions: options, input: .inputWriter,
      output: .sequence, error: .currentStandardError
    ) { execution in
      for try await _ in execution.standardOutput {}  // ends when all processes have exited
    }
    try Task.checkCancellation()
    throw DemoError(description: "the processes of pod \(pod.name) exited; see the lines above")
  }
}

/// The real `rollcall-agent` of a Linux node.
struct LocalAgent {
  var node: DemoCluster.Node
  var executable: String
  var cgroups: DemoDirectory
  var certificates: DemoDirectory

  var process: ChildProcess {
    ChildProcess(
      executable: executable,
      arguments: [
        "--node", node.name, "--listen", "\(node.address):9753", "--roll-listen", "\(node.address):9754",
        "--tls-dir", certificates.path, "--cgroup", cgroups.path, "--log-level", "warning",
      ])
  }
}
