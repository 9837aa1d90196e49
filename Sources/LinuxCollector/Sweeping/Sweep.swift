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
  /// What could not be looked at.
  package var problems: [ProcFSError]
  /// Where containers were looked for, for messages.
  package var places: [String]
  package var duration: Duration

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

package struct SweptContainer: Hashable, Sendable {
  package var id: ContainerID
  package var podUID: String?
  package var finding: Finding

  package init(id: ContainerID, podUID: String?, finding: Finding) {
    self.id = id
    self.podUID = podUID
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
  package var namespace: FileIdentity
  package var readAt: Moment
  package var sockstat: FieldTable<Sockstat>
  /// `nil` on a kernel without IPv6.
  package var sockstat6: FieldTable<Sockstat6>?
  package var snmp: FieldTable<SNMP>

  package init(
    namespace: FileIdentity, readAt: Moment, sockstat: FieldTable<Sockstat>, sockstat6: FieldTable<Sockstat6>?, snmp: FieldTable<SNMP>
  ) {
    self.namespace = namespace
    self.readAt = readAt
    self.sockstat = sockstat
    self.sockstat6 = sockstat6
    self.snmp = snmp
  }
}
