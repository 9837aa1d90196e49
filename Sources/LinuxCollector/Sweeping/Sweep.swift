package import ProcFS
package import Roll

/// What one look at the machine found.
package struct Sweep: Sendable {
  /// Every container that was found, in the order of their IDs.
  package var containers: [SweptContainer]
  /// Every network namespace that was read, each once.
  package var namespaces: [NamespaceReading]
  /// The numbers that are the whole host's, if the first process's could be read.
  package var host: FieldTable<Sockstat>?
  /// What the last look at file systems found, which may be older than the sweep; `nil` before the first one, or where they are not read.
  package var filesystems: FilesystemReport?
  /// What could not be looked at.
  package var problems: [ProcFSError]
  /// Where containers were looked for, for messages.
  package var places: [String]
  package var startedAt = Moment(milliseconds: 0)
  package var duration: Duration
  package var cost = SweepCost()
  /// Why sockets were not counted as they should have been; `nil` where they were, or nobody wanted them.
  package var socketProblem: ProcFSError?

  package init(
    containers: [SweptContainer], namespaces: [NamespaceReading], host: FieldTable<Sockstat>?, problems: [ProcFSError], places: [String],
    duration: Duration
  ) {
    self.containers = containers
    self.namespaces = namespaces
    self.host = host
    self.problems = problems
    self.places = places
    self.duration = duration
  }
}

/// The processor time that a sweep took, by its parts.
package struct SweepCost: Hashable, Sendable {
  /// Finding containers and their processes.
  package var locating = Duration.zero
  /// Reading what the kernel keeps for each namespace.
  package var reading = Duration.zero
  /// Counting sockets one by one.
  package var sockets = Duration.zero

  package init() {}

  package static func += (left: inout SweepCost, right: SweepCost) {
    left.locating += right.locating
    left.reading += right.reading
    left.sockets += right.sockets
  }
}

package struct SweptContainer: Hashable, Sendable {
  package var id: ContainerID
  package var podUID: String?
  /// Where it was found: its cgroup, or the runtime's socket.
  package var place: String
  package var finding: Finding

  package init(id: ContainerID, podUID: String?, place: String, finding: Finding) {
    self.id = id
    self.podUID = podUID
    self.place = place
    self.finding = finding
  }

  package enum Finding: Hashable, Sendable {
    /// It is in the namespace with this place in `Sweep.namespaces`.
    case namespace(Int)
    /// It is in the host's namespace, whose numbers belong to no pod.
    case host(at: Moment)
    case missed(Reason, detail: String)
  }
}

/// The numbers of one network namespace.
package struct NamespaceReading: Hashable, Sendable {
  package var namespace: NamespaceNumber
  package var readAt: Moment
  package var sockstat: FieldTable<Sockstat>
  /// `nil` on a kernel without IPv6.
  package var sockstat6: FieldTable<Sockstat6>?
  package var snmp: FieldTable<SNMP>
  package var netstat: FieldTable<Netstat>
  package var devices: [NetworkDevice]
  /// `nil` where they were not counted.
  package var sockets: SocketCounts?
}

extension NamespaceReading {
  /// Whether there is a TCP socket in any state, as far as the numbers tell that cost nothing.
  var mayHaveTCP: Bool {
    // A kernel that does not say how many are in TIME_WAIT may have some.
    sockstat[.tcpInUse] != 0 || sockstat[.tcpTimeWait] != 0 || sockstat6.map { $0[.tcpInUse] != 0 } == true
  }
}
