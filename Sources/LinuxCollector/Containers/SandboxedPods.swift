internal import Glibc
package import Primitives
internal import ProcFS
internal import Roll

/// The pods on a roll whose containers run inside a sandbox, so that no process of theirs is on the host: gVisor and Kata Containers.
///
/// Their cgroups: gVisor creates an empty cgroup for each container, and puts its own processes into the pod's cgroup (version 1) or, as
/// systemd creates no empty scopes, into the pause container's (version 2). Kata Containers puts the virtual machine into one cgroup of the
/// pod, or only its threads, with the processes outside of the pod; then nothing is visible here.
/// Source: `setupCgroupForRoot` and `setupCgroupForSubcontainer` of gVisor, design/host-cgroups.md of Kata Containers.
package struct SandboxedPods: Hashable, Sendable {
  /// By UID. Nothing that the host knows of these pods' network namespaces is true of their containers.
  package private(set) var all: Set<String> = []
  /// Those whose sandbox has run for a while.
  package private(set) var settled: Set<String> = []

  /// How old a sandbox's processes must be. A container's process that is not on the roll yet looks the same for a moment where pods have
  /// no pause container (CRI-O leaves it out by default), and so does a pause container before it starts its program.
  private static let settlingTime: Duration = .seconds(10)

  package init() {}

  /// - Parameters:
  ///   - candidates: pods none of whose containers on the roll has a process, by UID.
  ///   - roll: the containers on the roll.
  init(
    _ candidates: Set<String>, roll: Set<ContainerID>, locator: any ContainerLocator, procFS: ProcFS, _ buffer: ReadBuffer, at now: Moment
  ) {
    for pod in candidates {
      let processes = locator.processes(ofPod: pod, buffer)
      // A container that has started since the sweep.
      if processes.contains(where: { $0.container.map(roll.contains) ?? false }) { continue }
      guard let started = Self.start(ofSandbox: processes, procFS, buffer) else { continue }
      all.insert(pod)
      if now - started >= Self.settlingTime { settled.insert(pod) }
    }
  }

  /// When the sandbox of these processes started; `nil` if one of them is a pause container's, or none can be read.
  private static func start(ofSandbox processes: [PodProcess], _ procFS: ProcFS, _ buffer: ReadBuffer) -> Moment? {
    var first: Int64?
    for process in processes {
      guard let directory = try? procFS.process(process.identifier), let program = try? directory.command(buffer),
        let ticks = try? directory.stat(buffer).startTicks
      else { continue }
      // A pod with one has ordinary containers.
      if ContainerProgram.isPause(program) { return nil }
      first = min(first ?? ticks, ticks)
    }
    return first.map { Moment(milliseconds: $0 * 1000 / ticksPerSecond) }
  }

  private static let ticksPerSecond = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
}

/// A process in a pod's cgroup.
package struct PodProcess: Hashable, Sendable {
  package var identifier: Int32
  /// The container whose cgroup it is in; `nil` if it is in the pod's own or in one with a different name.
  package var container: ContainerID?

  package init(identifier: Int32, container: ContainerID?) {
    self.identifier = identifier
    self.container = container
  }
}
