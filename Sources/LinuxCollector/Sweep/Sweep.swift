package import Primitives
package import ProcFS
package import Roll

/// The result of one sweep: one pass of the agent over its node's containers and their network namespaces.
package struct Sweep: Sendable {
  /// All containers found, sorted by ID.
  package var containers: [SweptContainer]
  /// All network namespaces read, each once.
  package var namespaces: [NamespaceReading]
  /// The host-wide numbers; `nil` if process 1 could not be read.
  package var host: FieldTable<Sockstat>?
  /// The latest file system report, possibly older than the sweep. `nil` before the first one, or if file systems are not read.
  package var filesystems: FilesystemReport?
  /// Errors of finding containers and of reading the host's namespace.
  package var problems: [ProcFSError]
  /// The searched directories or sockets, for messages.
  package var searchedPaths: [String]
  package var startedAt = Moment(milliseconds: 0)
  package var duration: Duration
  package var cost = SweepCost()
  /// Cgroups at which the search below a container ended, because it has too many.
  package var cgroupsLeftOut = 0
  /// Why sockets were not counted by the configured method; `nil` if they were, or if counting is off.
  package var socketProblem: ProcFSError?

  package init(
    containers: [SweptContainer], namespaces: [NamespaceReading], host: FieldTable<Sockstat>?, problems: [ProcFSError],
    searchedPaths: [String], duration: Duration
  ) {
    self.containers = containers
    self.namespaces = namespaces
    self.host = host
    self.problems = problems
    self.searchedPaths = searchedPaths
    self.duration = duration
  }
}

package struct SweptContainer: Hashable, Sendable {
  package var id: ContainerID
  /// As in `LocatedContainer`.
  package var podUID: String?
  package var nesting: ContainerNesting
  /// The path of the container's cgroup, or of the runtime's socket.
  package var origin: String
  package var finding: Finding
  /// `other` outside Kubernetes.
  package var program: ContainerProgram

  package init(
    id: ContainerID, podUID: String?, nesting: ContainerNesting = ContainerNesting(), origin: String, finding: Finding,
    program: ContainerProgram = .other
  ) {
    self.id = id
    self.podUID = podUID
    self.nesting = nesting
    self.origin = origin
    self.finding = finding
    self.program = program
  }

  /// The pod that a container without a name on the roll belongs to.
  package var outerPodUID: String? { nesting.podUID ?? podUID }

  package enum Finding: Hashable, Sendable {
    /// The container is in the namespace at this index of `Sweep.namespaces`.
    case namespace(Int)
    /// The container is in the host's network namespace, whose numbers belong to no pod.
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
  /// `nil` if sockets were not counted.
  package var sockets: SocketCounts?
}

extension NamespaceReading {
  /// Whether the namespace may have a TCP socket in any state, according to sockstat.
  var mayHaveTCP: Bool {
    // An unknown number of TIME_WAIT sockets may be greater than 0.
    sockstat[.tcpInUse] != 0 || sockstat[.tcpTimeWait] != 0 || sockstat6.map { $0[.tcpInUse] != 0 } == true
  }

  /// Whether the namespace has had a connection of Multipath TCP.
  var usesMultipath: Bool {
    netstat.counter(.mpCapableSYNRX) ?? 0 > 0 || netstat.counter(.mpCapableSYNACKRX) ?? 0 > 0 || netstat[.mpCurrEstab] ?? 0 > 0
  }
}

/// The CPU time of a sweep by part.
package struct SweepCost: Hashable, Sendable {
  /// Finding containers and their processes.
  package var locating = Duration.zero
  /// Reading the files of namespaces.
  package var reading = Duration.zero
  /// Counting sockets.
  package var sockets = Duration.zero

  package init() {}

  package static func += (left: inout SweepCost, right: SweepCost) {
    left.locating += right.locating
    left.reading += right.reading
    left.sockets += right.sockets
  }
}
