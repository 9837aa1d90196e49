import LinuxCollector
import NIOPosix
import ProcFS
import Roll

/// One look at this host: a sweep, and what people ask about containers that no roll has named.
struct HostLook {
  let sweep: Sweep
  /// The program of each container's first process, where it may be known.
  let commands: [ContainerID: String]
  /// Containers that have a cgroup, and no process in it.
  let empty: Set<ContainerID>

  /// - Parameter filesystems: whether to look at file systems as well; one that does not answer costs two seconds.
  init(_ settings: AgentSettings, filesystems: Bool) {
    let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var sweep = settings.sweeper(cachedNamespaces: 0, filesystems: false, eventLoops: eventLoops).sweep()
    let procFS = ProcFS(root: settings.proc)
    let buffer = ReadBuffer()
    let found = settings.locator.makeLocator(cgroup: settings.cgroup, procFS: procFS, eventLoops: eventLoops).locate(buffer).containers
    var commands: [ContainerID: String] = [:]
    for container in found {
      for process in container.processes where commands[container.id] == nil {
        // Gone by now, or not ours to know: the table is of use without it.
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

  /// Nothing was read, and not for want of containers.
  var hasFailed: Bool {
    var isDenied = false
    for container in sweep.containers {
      guard case .missed(let reason, _) = container.finding else { return false }
      if reason == .permissionDenied { isDenied = true }
    }
    return isDenied || !sweep.problems.isEmpty
  }

  /// Which of a pod's containers speak for it: all but the pause container, which only holds its network.
  func speakers(of containers: [SweptContainer]) -> [SweptContainer] {
    let speakers = containers.filter { commands[$0.id] != "pause" && !empty.contains($0.id) }
    return speakers.isEmpty ? containers : speakers
  }
}
