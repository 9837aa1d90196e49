internal import Subprocess

/// How far the demo can go in giving each pod a network namespace of its own.
enum NetworkIsolation: Sendable {
  /// As root: a namespace for each pod.
  case namespaces
  /// Unprivileged, where the kernel allows user namespaces: a network namespace inside one.
  case userNamespaces
  /// Neither is allowed: the pods share the machine's network, as pods with `hostNetwork: true` do.
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

  /// Tries what this machine allows.
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

/// One Linux pod of the demo: a process for each running container, all in the pod's network namespace, and a directory for each in a
/// tree that reads like a node's cgroups (`<root>/kubepods/pod<uid>/<container ID>/cgroup.procs`).
struct LocalPod {
  var pod: DemoCluster.Pod
  var isolation: NetworkIsolation
  /// The demo's own executable, which has the hidden `demo-container` command.
  var executable: String
  /// The node's cgroup tree.
  var cgroups: DemoDirectory

  /// Runs until the task is cancelled; the processes end with it, and also if the demo is killed.
  /// - Throws: `DemoError` where they end by themselves.
  func run() async throws {
    // Every process reads the demo's end of the pipe and ends when it closes: nothing is left behind, however the demo ends.
    let starts = pod.containers.filter(\.isRunning).map { container in
      """
      "$0" demo-container --cgroup "$1/kubepods/pod\(pod.uid)/\(container.id)" \
        --listening \(container.listening) --connections \(container.connections) <&3 &
      """
    }
    let script = "exec 3<&0\n\(starts.joined(separator: "\n"))\nwait"
    let command = isolation.prefix + ["sh", "-c", script, executable, cgroups.path]
    var options = PlatformOptions()
    options.createSession = true  // Ctrl-C is for the demo
    _ = try await Subprocess.run(
      .name(command[0]), arguments: Arguments(Array(command.dropFirst())), platformOptions: options, input: .inputWriter,
      output: .sequence, error: .currentStandardError
    ) { execution in
      for try await _ in execution.standardOutput {}  // its end is theirs
    }
    try Task.checkCancellation()
    throw DemoError(description: "the processes of pod \(pod.name) ended; the lines above say why")
  }
}
