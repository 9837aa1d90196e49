package import ProcFS

/// Finds the containers of this machine and their processes. It may remember what it found, so it belongs to one thread.
package protocol ContainerLocator: AnyObject {
  /// Everything that runs now. It blocks on files or on a socket: call it on a thread that may wait.
  func locate(_ buffer: ReadBuffer) -> Location

  /// The container's processes as they are now; empty where it has none. For when those that `locate` gave are gone: a locator need not
  /// ask for what it knows already each time.
  func processes(of container: LocatedContainer, _ buffer: ReadBuffer) -> [LocatedProcess]
}

/// What a locator found.
package struct Location: Sendable {
  /// In the order of their IDs.
  package var containers: [LocatedContainer]
  /// What could not be looked at: a container that is not found may be there.
  package var problems: [ProcFSError]
  /// Where was looked, for messages: `/sys/fs/cgroup/pids`.
  package var places: [String]

  package init(containers: [LocatedContainer], problems: [ProcFSError], places: [String]) {
    self.containers = containers
    self.problems = problems
    self.places = places
  }
}

package struct LocatedContainer: Hashable, Sendable {
  package var id: ContainerID
  /// As the place where it was found tells it; `nil` outside of Kubernetes.
  package var podUID: String?
  package var role: ContainerRole
  /// Where it was found, for messages: its cgroup, or the runtime's socket.
  package var place: String
  /// Some of its processes, the container's first ones first. Any of them may be gone by now.
  package var processes: [LocatedProcess]

  package init(id: ContainerID, podUID: String?, role: ContainerRole = .unknown, place: String, processes: [LocatedProcess]) {
    self.id = id
    self.podUID = podUID
    self.role = role
    self.place = place
    self.processes = processes
  }
}

/// What a container is in its pod.
package enum ContainerRole: Hashable, Sendable {
  case application
  /// The pause container, which does nothing but hold the pod's namespaces.
  case sandbox
  /// The names of cgroups do not tell.
  case unknown
}

package struct LocatedProcess: Hashable, Sendable {
  /// 0 for a process that is outside of our PID namespace.
  package var identifier: Int32
  package var membership: Membership

  package init(identifier: Int32, membership: Membership) {
    self.identifier = identifier
    self.membership = membership
  }

  /// By what a process is known to be the container's, and not a later one with the same number.
  package enum Membership: Hashable, Sendable {
    /// The cgroup with this path lists it: the container's own, or one below.
    case cgroup(String)
    /// The runtime named it, and it started at this time, in clock ticks since the machine did.
    case started(ticks: Int64)
  }
}
