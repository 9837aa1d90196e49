import LinuxCollector
import NIOPosix
import Primitives
import ProcFS
import Roll

/// A sweep of this host, with the commands that identify containers in the absence of a roll.
struct HostSnapshot {
  let sweep: Sweep
  /// The command of each container's first process, if it can be read.
  let commands: [ContainerID: String]
  /// Containers whose cgroup has no process.
  let empty: Set<ContainerID>

  /// - Parameter filesystems: whether to read file systems as well. A hanging one takes two seconds.
  init(_ settings: AgentSettings, filesystems: Bool) {
    let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var sweep = settings.sweeper(cachedNamespaces: 0, filesystems: false, eventLoops: eventLoops).sweep()
    let procFS = ProcFS(root: settings.proc)
    let buffer = ReadBuffer()
    let found = settings.locator.makeLocator(cgroup: settings.cgroup, procFS: procFS, eventLoops: eventLoops).locate(buffer).containers
    var commands: [ContainerID: String] = [:]
    for container in found {
      for process in container.processes where commands[container.id] == nil {
        // The process may have exited, or its command may not be readable. It is optional.
        commands[container.id] = try? process.open(procFS, buffer).command(buffer)
      }
    }
    if filesystems, settings.filesystemInterval != nil {
      sweep.filesystems = FilesystemMonitor(procFS: procFS, now: monotonicNow).read(found)
    }
    self.sweep = sweep
    self.commands = commands
    empty = Set(found.lazy.filter(\.processes.isEmpty).map(\.id))
  }

  /// Whether nothing could be read, as opposed to a host without containers.
  var hasFailed: Bool {
    var isDenied = false
    for container in sweep.containers {
      guard case .missed(let reason, _) = container.finding else { return false }
      if reason == .permissionDenied { isDenied = true }
    }
    return isDenied || !sweep.problems.isEmpty
  }

  /// The containers whose commands describe a pod: all except the pause container, which only holds its network namespace.
  func workloads(of containers: [SweptContainer]) -> [SweptContainer] {
    let workloads = containers.filter { commands[$0.id] != "pause" && !empty.contains($0.id) }
    return workloads.isEmpty ? containers : workloads
  }
}
