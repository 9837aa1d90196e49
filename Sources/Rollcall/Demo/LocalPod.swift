internal import Logging
internal import Subprocess

/// How far the demo can go in giving each pod a network namespace of its own.
enum NetworkIsolation: Sendable {
  /// As root: a namespace for each pod.
  case namespaces
  /// Unprivileged, where the kernel allows user namespaces: a network namespace inside one.
  case userNamespaces
  /// Neither is allowed: the pods share the machine's network, as pods with `hostNetwork: true` do.
  case none(reason: String)

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
  var logger: Logger

  /// Runs until the task is cancelled; the processes end with it, and also if the demo is killed.
  func run() async throws {
    // Every process reads the demo's end of the pipe and ends when it closes: nothing is left behind, however the demo ends.
    let starts = pod.containers.filter(\.isRunning).map { container in
      "\"$0\" demo-container --name \(container.name) --listening \(container.listening) --connections \(container.connections) <&3 &"
    }
    let script = "exec 3<&0; \(starts.joined(separator: " ")) wait"
    let command = isolation.prefix + ["sh", "-c", script, executable]
    _ = try await Subprocess.run(
      .name(command[0]), arguments: Arguments(Array(command.dropFirst())), input: .inputWriter, output: .sequence,
      error: .currentStandardError
    ) { execution in
      for try await line in execution.standardOutput.strings() {
        try record(line)
      }
    }
    if !Task.isCancelled { logger.error("The processes of a pod of the demo ended", metadata: ["pod": "\(pod.name)"]) }
  }

  /// `line` is what a container's process says once its sockets are open: its name and its process ID.
  private func record(_ line: String) throws {
    let words = line.split(whereSeparator: \.isWhitespace)
    guard words.count == 2, let container = pod.containers.first(where: { $0.name == words[0] }) else { return }
    try cgroups.write("\(words[1])\n", to: "kubepods/pod\(pod.uid)/\(container.id)/cgroup.procs")
  }
}
