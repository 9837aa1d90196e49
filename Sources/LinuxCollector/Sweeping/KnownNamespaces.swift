internal import ProcFS
internal import Roll

/// What a sweep remembers of the last one. It belongs to the thread that sweeps.
final class SweepMemory {
  /// Where the fields stand in the files of this kernel, once they were found.
  var snmpLayout = HeaderLayout<SNMP>()
  var netstatLayout = HeaderLayout<Netstat>()
  /// A namespace is in here until a sweep finds nobody in it. While its files are open it lives, so that its number is nobody else's.
  var namespaces: [FileIdentity: KnownNamespace] = [:]
  /// The process that told of each container.
  var processes: [ContainerID: KnownProcess] = [:]

  /// The process that is known of the container, for as long as the locator lists it, too.
  func process(of container: LocatedContainer, at now: Moment) -> KnownProcess? {
    guard let known = processes[container.id], container.processes.contains(known.located), now - known.heldAt < KnownProcess.limit else {
      return nil
    }
    return known
  }
}

/// A process that was found to be a container's. What is read through its directory is its own or fails, whoever gets its number later.
final class KnownProcess {
  /// Somebody may have moved it into another cgroup meanwhile, which is looked at so often.
  static let limit: Duration = .seconds(60)

  let located: LocatedProcess
  let directory: ProcessDirectory
  let heldAt: Moment

  init(_ process: LocatedProcess, _ directory: consuming ProcessDirectory, at now: Moment) {
    located = process
    self.directory = directory
    heldAt = now
  }
}

/// A network namespace whose files are open.
final class KnownNamespace {
  private let files: NetworkFiles
  /// What netstat said, and what snmp did and when.
  private var last: (netstat: FieldTable<Netstat>, tcp: [Int64?], at: Moment)?

  /// How old netstat's numbers may become where TCP does nothing.
  private static let netstatLimit: Duration = .seconds(60)

  init(_ files: NetworkFiles) {
    self.files = files
  }

  func read(
    _ namespace: FileIdentity, _ memory: SweepMemory, _ buffer: ReadBuffer, at now: Moment
  ) throws(ProcFSError) -> NamespaceReading {
    let snmp = try files.snmp(buffer, &memory.snmpLayout)
    return NamespaceReading(
      namespace: namespace, readAt: now, sockstat: try files.sockstat(buffer), sockstat6: try files.sockstat6(buffer), snmp: snmp,
      netstat: try netstat(beside: snmp, memory, buffer, at: now), devices: try files.devices(buffer), sockets: nil)
  }

  /// The kernel takes longer to write netstat than all others together. Its counters move where TCP sends, receives or gives up, and then
  /// those of snmp do, too; where none of them has moved it says what it said before. What a timer did without a segment comes a minute
  /// late at most.
  private func netstat(
    beside snmp: FieldTable<SNMP>, _ memory: SweepMemory, _ buffer: ReadBuffer, at now: Moment
  ) throws(ProcFSError) -> FieldTable<Netstat> {
    let tcp = Self.tcpFields.map { snmp[$0] }
    if let last, last.tcp == tcp, now - last.at < Self.netstatLimit { return last.netstat }
    let netstat = try files.netstat(buffer, &memory.netstatLayout)
    last = (netstat, tcp, now)
    return netstat
  }

  private static let tcpFields: [SNMP] = [
    .tcpActiveOpens, .tcpPassiveOpens, .tcpAttemptFails, .tcpEstabResets, .tcpCurrEstab, .tcpInSegs, .tcpOutSegs, .tcpRetransSegs,
    .tcpInErrs, .tcpOutRsts,
  ]
}
