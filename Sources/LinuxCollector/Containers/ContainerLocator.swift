package import Primitives
package import ProcFS

/// Finds the containers of this host and their processes. Implementations cache, so each instance belongs to one thread.
package protocol ContainerLocator: AnyObject {
  /// All running containers. Blocks on files or on a socket.
  func locate(_ buffer: ReadBuffer) -> LocatorResult

  /// The container's current processes; empty if it has none. Used when those from `locate`, which may be cached, have ended.
  func processes(of container: LocatedContainer, _ buffer: ReadBuffer) -> [LocatedProcess]

  /// Some of the processes in the pod's cgroup, including those of its containers; empty if the locator does not know cgroups.
  func processes(ofPod podUID: String, _ buffer: ReadBuffer) -> [PodProcess]
}

extension ContainerLocator {
  package func processes(ofPod podUID: String, _ buffer: ReadBuffer) -> [PodProcess] { [] }
}

package struct LocatorResult: Sendable {
  /// Sorted by ID.
  package var containers: [LocatedContainer]
  /// Errors. If there are any, `containers` may be incomplete.
  package var problems: [ProcFSError]
  /// The searched directories or sockets, for messages: `/sys/fs/cgroup/pids`.
  package var searchedPaths: [String]
  /// Cgroups at which the search below a container ended, because it has too many.
  package var cgroupsLeftOut: Int

  package init(containers: [LocatedContainer], problems: [ProcFSError], searchedPaths: [String], cgroupsLeftOut: Int = 0) {
    self.containers = containers
    self.problems = problems
    self.searchedPaths = searchedPaths
    self.cgroupsLeftOut = cgroupsLeftOut
  }
}

package struct LocatedContainer: Hashable, Sendable {
  package var id: ContainerID
  /// The UID in the names of the cgroups above the container's, of the innermost pod; `nil` outside Kubernetes.
  package var podUID: String?
  package var nesting: ContainerNesting
  package var role: ContainerRole
  /// The path of the container's cgroup, or of the runtime's socket.
  package var origin: String
  /// Some of the container's processes, in start order. Any may have ended.
  package var processes: [LocatedProcess]

  package init(
    id: ContainerID, podUID: String?, nesting: ContainerNesting = ContainerNesting(), role: ContainerRole = .unknown, origin: String,
    processes: [LocatedProcess]
  ) {
    self.id = id
    self.podUID = podUID
    self.nesting = nesting
    self.role = role
    self.origin = origin
    self.processes = processes
  }
}

extension LocatedContainer {
  /// The pod that the container belongs to unless the roll has a different name for it.
  package var outerPodUID: String? { nesting.podUID ?? podUID }
}

/// Where a container's cgroup is, relative to those of other containers. Whatever runs in a container may be able to create cgroups of any
/// name below the container's own, as Docker does in a pod, and as a Kind node does that runs a kubelet.
package struct ContainerNesting: Hashable, Sendable {
  /// The number of containers around it.
  package var level = 0
  /// The pod of the outermost of them.
  package var podUID: String?

  package init(level: Int = 0, podUID: String? = nil) {
    self.level = level
    self.podUID = podUID
  }
}

package enum ContainerRole: Hashable, Sendable {
  case application
  /// The pause container, which only keeps the pod's namespaces alive.
  case sandbox
  /// Cgroup names do not show the role.
  case unknown
}

package struct LocatedProcess: Hashable, Sendable {
  /// 0 for a process outside the agent's PID namespace.
  package var identifier: Int32
  package var membership: Membership

  package init(identifier: Int32, membership: Membership) {
    self.identifier = identifier
    self.membership = membership
  }

  /// What distinguishes the container's process from a later one with the same number.
  package enum Membership: Hashable, Sendable {
    /// The cgroup at this path lists the process: the container's own cgroup, or one below it.
    case cgroup(String)
    /// The runtime named the process, and it started at this time, in clock ticks since boot.
    case started(ticks: Int64)
  }

  /// Opens the process's directory and verifies that the process is the container's.
  ///
  /// The number may have been reused since the container was located. The check runs after the directory is open: if the cgroup still lists
  /// the number, or the start time matches, the directory is the container's process, or that has ended and every read of it fails.
  /// - Returns: the directory of another thread if the process's first one has ended.
  /// - Throws: an error that `isGone` if the process has left the container.
  package func open(_ procFS: ProcFS, _ buffer: ReadBuffer) throws(ProcFSError) -> ProcessDirectory {
    let directory = try procFS.process(identifier)
    switch membership {
    case .cgroup(let cgroup):
      let isMember = try readFile(cgroup + "/cgroup.procs", into: buffer) { bytes throws(MalformedFile) in
        try CgroupProcesses.contains(identifier, in: bytes)
      }
      if !isMember { throw .gone("process \(identifier) in \(cgroup)") }
    case .started(let ticks):
      if try directory.stat(buffer).startTicks != ticks { throw .gone("the container's process \(identifier)") }
    }
    if let thread = directory.liveThread(buffer) { return thread }
    return directory
  }
}
