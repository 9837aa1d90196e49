package import ProcFS

/// Finds the containers of this machine and their processes.
package protocol ContainerLocator: Sendable {
  /// Everything that runs now. It blocks on files: call it on a thread that may wait.
  func locate(_ buffer: ReadBuffer) -> Location
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
  /// As the path tells it; `nil` outside of Kubernetes.
  package var podUID: String?
  /// The container's cgroup, for messages.
  package var cgroup: String
  /// Some of its processes, those nearest to the container's own cgroup first. Any of them may be gone by now.
  package var processes: [LocatedProcess]

  package init(id: ContainerID, podUID: String?, cgroup: String, processes: [LocatedProcess]) {
    self.id = id
    self.podUID = podUID
    self.cgroup = cgroup
    self.processes = processes
  }
}

package struct LocatedProcess: Hashable, Sendable {
  /// 0 for a process that is outside of our PID namespace.
  package var identifier: Int32
  /// The cgroup that lists it: the container's own, or one below.
  package var cgroup: String

  package init(identifier: Int32, cgroup: String) {
    self.identifier = identifier
    self.cgroup = cgroup
  }
}
