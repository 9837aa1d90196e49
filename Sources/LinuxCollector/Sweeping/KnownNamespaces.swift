internal import ProcFS
internal import Roll

/// What a sweep remembers of the last one. It belongs to the thread that sweeps.
final class SweepMemory {
  /// Where the fields stand in the files of this kernel, once they were found.
  var snmpLayout = HeaderLayout<SNMP>()
  var netstatLayout = HeaderLayout<Netstat>()
  /// How old netstat's numbers may become where TCP does something.
  let netstatInterval: Duration
  /// A namespace is in here until a sweep finds nobody in it. While its files are open it lives, so that its number is nobody else's.
  var namespaces: [NamespaceNumber: KnownNamespace] = [:]
  /// The process that told of each container.
  var processes: [ContainerID: KnownProcess] = [:]

  init(netstatInterval: Duration) {
    self.netstatInterval = netstatInterval
  }

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
  /// What netstat said, what snmp said then, and when.
  private var netstat: (table: FieldTable<Netstat>, tcp: TCPActivity, at: Moment)?
  /// The TCP sockets as they were counted one by one, what the other numbers were just before, and when.
  private var sockets: (counts: SocketCounts, tcp: TCPActivity, at: Moment)?

  /// How old numbers may become where TCP does nothing.
  private static let quietLimit: Duration = .seconds(60)
  /// How old counts of sockets may become where TCP does something and counting takes too long.
  private static let busyLimit: Duration = .seconds(30)

  init(_ files: NetworkFiles) {
    self.files = files
  }

  func read(
    _ namespace: NamespaceNumber, _ memory: SweepMemory, _ buffer: ReadBuffer, at now: Moment
  ) throws(ProcFSError) -> NamespaceReading {
    let snmp = try files.snmp(buffer, &memory.snmpLayout)
    return NamespaceReading(
      namespace: namespace, readAt: now, sockstat: try files.sockstat(buffer), sockstat6: try files.sockstat6(buffer), snmp: snmp,
      netstat: try netstat(of: namespace, TCPActivity(snmp), memory, buffer, at: now), devices: try files.devices(buffer), sockets: nil)
  }

  /// The kernel takes longer to write netstat than all others together. Its counters move where TCP sends, receives or gives up, and then
  /// those of snmp do, too; where none of them has moved it says what it said before. What a timer did without a segment comes a minute
  /// late at most. Where they move all the time it is read once an interval.
  private func netstat(
    of namespace: NamespaceNumber, _ tcp: TCPActivity, _ memory: SweepMemory, _ buffer: ReadBuffer, at now: Moment
  ) throws(ProcFSError) -> FieldTable<Netstat> {
    if let netstat, now - netstat.at < (netstat.tcp == tcp ? Self.quietLimit : memory.netstatInterval) { return netstat.table }
    let table = try files.netstat(buffer, &memory.netstatLayout)
    let ahead = netstat == nil ? spread(namespace, over: memory.netstatInterval) : .zero
    netstat = (table, tcp, now - ahead)
    return table
  }

  /// The TCP sockets of the last count, where a new one would say the same.
  ///
  /// A socket changes its state by a segment, by a timer that sends one, or by a call that sends one or puts the socket among the others
  /// or takes it away; each of these moves one of the numbers. But to accept a connection that waits is a call without one.
  func sockets(for reading: NamespaceReading) -> SocketCounts? {
    guard let sockets, reading.readAt - sockets.at < Self.quietLimit, sockets.counts.acceptQueues.total == 0 else { return nil }
    // A kernel that does not say how many are in TIME_WAIT does not say either when they are not any more.
    guard reading.sockstat[.tcpTimeWait] != nil, sockets.tcp == TCPActivity(reading) else { return nil }
    return sockets.counts
  }

  /// The same, also where a new count would say something else, for a sweep that has no time for it.
  func recentSockets(for reading: NamespaceReading) -> SocketCounts? {
    guard let sockets, reading.readAt - sockets.at < Self.busyLimit else { return nil }
    return sockets.counts
  }

  func remember(_ sockets: SocketCounts, of reading: NamespaceReading) {
    let ahead = self.sockets == nil ? spread(reading.namespace, over: Self.busyLimit) : .zero
    self.sockets = (sockets, TCPActivity(reading), reading.readAt - ahead)
  }

  /// Less than the interval, and not the same for all: what was read of many at the same time is not to be read again at the same time.
  private func spread(_ namespace: NamespaceNumber, over interval: Duration) -> Duration {
    let milliseconds = interval.wholeMilliseconds
    return milliseconds > 0 ? .milliseconds(Int64(namespace.inode % UInt64(milliseconds))) : .zero
  }
}

/// Numbers of which one moves when TCP does something.
private struct TCPActivity: Equatable {
  private var numbers: [Int64?]

  init(_ snmp: FieldTable<SNMP>) {
    numbers = Self.fields.map { snmp[$0] }
  }

  init(_ reading: NamespaceReading) {
    self.init(reading.snmp)
    numbers += [reading.sockstat[.tcpInUse], reading.sockstat[.tcpTimeWait], reading.sockstat6?[.tcpInUse]]
  }

  private static let fields: [SNMP] = [
    .tcpActiveOpens, .tcpPassiveOpens, .tcpAttemptFails, .tcpEstabResets, .tcpCurrEstab, .tcpInSegs, .tcpOutSegs, .tcpRetransSegs,
    .tcpInErrs, .tcpOutRsts,
  ]
}
