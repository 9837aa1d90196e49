internal import Primitives
internal import ProcFS
internal import Roll

/// State that a sweeper keeps between sweeps. It belongs to the sweeping thread.
final class SweepCache {
  /// The columns of this kernel's snmp and netstat.
  var snmpLayout = HeaderLayout<SNMP>()
  var netstatLayout = HeaderLayout<Netstat>()
  /// The maximum age of netstat's counters in namespaces with TCP activity.
  let netstatInterval: Duration
  /// Namespaces, until a sweep finds no container in them. An open namespace continues to exist, so its number is not reused.
  var namespaces: [NamespaceNumber: CachedNamespace] = [:]
  /// The process through which each container was read.
  var processes: [ContainerID: CachedProcess] = [:]

  init(netstatInterval: Duration) {
    self.netstatInterval = netstatInterval
  }

  /// The container's cached process, if the locator still lists it.
  func process(of container: LocatedContainer, at now: Moment) -> CachedProcess? {
    guard let cached = processes[container.id], container.processes.contains(cached.located), now - cached.openedAt < CachedProcess.limit
    else { return nil }
    return cached
  }
}

/// A container's process with its open directory. Reads through it are of this process or fail, even after its number is reused.
final class CachedProcess {
  /// The process may have moved to another cgroup, so its membership is checked again after this time.
  static let limit: Duration = .seconds(60)

  let located: LocatedProcess
  let directory: ProcessDirectory
  let program: ContainerProgram
  let openedAt: Moment

  init(_ process: LocatedProcess, _ directory: consuming ProcessDirectory, program: ContainerProgram, at now: Moment) {
    located = process
    self.directory = directory
    self.program = program
    openedAt = now
  }
}

/// A network namespace with its files open, and the last values of what is expensive to read.
final class CachedNamespace {
  private let files: NetworkFiles
  /// The last netstat, and the TCP activity at that time.
  private var netstat: (table: FieldTable<Netstat>, tcp: TCPActivity, at: Moment)?
  /// The last counts of TCP sockets, and the TCP activity just before.
  private var sockets: (counts: SocketCounts, tcp: TCPActivity, at: Moment)?

  /// The maximum age of values without TCP activity.
  private static let idleLimit: Duration = .seconds(60)
  /// The maximum age of socket counts with TCP activity, if the budget for counting is spent.
  private static let busyLimit: Duration = .seconds(30)

  init(_ files: NetworkFiles) {
    self.files = files
  }

  func read(
    _ namespace: NamespaceNumber, _ cache: SweepCache, _ buffer: ReadBuffer, at now: Moment
  ) throws(ProcFSError) -> NamespaceReading {
    let snmp = try files.snmp(buffer, &cache.snmpLayout)
    return NamespaceReading(
      namespace: namespace, readAt: now, sockstat: try files.sockstat(buffer), sockstat6: try files.sockstat6(buffer), snmp: snmp,
      netstat: try netstat(of: namespace, TCPActivity(snmp), cache, buffer, at: now), devices: try files.devices(buffer), sockets: nil)
  }

  /// Writing netstat takes the kernel longer than all other files together. Its counters change when TCP sends, receives or gives up, and
  /// then counters of snmp change too; while none does, the cached table is returned. A timer that expires without a segment shows up to
  /// `idleLimit` late. With constant activity, netstat is read once per `netstatInterval`.
  private func netstat(
    of namespace: NamespaceNumber, _ tcp: TCPActivity, _ cache: SweepCache, _ buffer: ReadBuffer, at now: Moment
  ) throws(ProcFSError) -> FieldTable<Netstat> {
    if let netstat, now - netstat.at < (netstat.tcp == tcp ? Self.idleLimit : cache.netstatInterval) { return netstat.table }
    let table = try files.netstat(buffer, &cache.netstatLayout)
    let offset = netstat == nil ? stagger(namespace, over: cache.netstatInterval) : .zero
    netstat = (table, tcp, now - offset)
    return table
  }

  /// The last counts of TCP sockets, if a new count would have the same result; otherwise `nil`.
  ///
  /// A socket changes state by a segment, by a timer that sends one, or by a call that sends one or adds or removes the socket; each
  /// changes a number of `TCPActivity`. Two calls do not: accepting a waiting connection, and closing a socket whose direction was closed
  /// before, which makes it an orphan.
  func sockets(for reading: NamespaceReading) -> SocketCounts? {
    guard let sockets, reading.readAt - sockets.at < Self.idleLimit, sockets.counts.acceptQueues.total == 0,
      sockets.counts.heldHalfClosed == 0
    else { return nil }
    let tcp = TCPActivity(reading)
    // Without one of its numbers, for example that of TIME_WAIT sockets, changes go unnoticed.
    return tcp.isComplete && sockets.tcp == tcp ? sockets.counts : nil
  }

  /// The last counts of TCP sockets up to `busyLimit`, for a sweep without budget for a new count.
  func recentSockets(for reading: NamespaceReading) -> SocketCounts? {
    guard let sockets, reading.readAt - sockets.at < Self.busyLimit else { return nil }
    return sockets.counts
  }

  func remember(_ sockets: SocketCounts, of reading: NamespaceReading) {
    let offset = self.sockets == nil ? stagger(reading.namespace, over: Self.busyLimit) : .zero
    self.sockets = (sockets, TCPActivity(reading), reading.readAt - offset)
  }

  /// An offset below the interval that differs between namespaces, so that values first read in one sweep do not expire in one sweep.
  private func stagger(_ namespace: NamespaceNumber, over interval: Duration) -> Duration {
    let milliseconds = interval.wholeMilliseconds
    return milliseconds > 0 ? .milliseconds(Int64(namespace.inode % UInt64(milliseconds))) : .zero
  }
}

/// Counters of TCP activity: at least one of them changes with it.
private struct TCPActivity: Equatable {
  private var numbers = InlineArray<14, Int64>(repeating: Self.absent)

  private static let absent = Int64.min
  private static let fields: [SNMP] = [
    .tcpActiveOpens, .tcpPassiveOpens, .tcpAttemptFails, .tcpEstabResets, .tcpCurrEstab, .tcpInSegs, .tcpOutSegs, .tcpRetransSegs,
    .tcpInErrs, .tcpOutRsts,
  ]

  init(_ snmp: FieldTable<SNMP>) {
    for (index, field) in Self.fields.enumerated() { numbers[index] = snmp[field] ?? Self.absent }
  }

  init(_ reading: NamespaceReading) {
    self.init(reading.snmp)
    numbers[10] = reading.sockstat[.tcpInUse] ?? Self.absent
    numbers[11] = reading.sockstat[.tcpTimeWait] ?? Self.absent
    numbers[12] = reading.usesMultipath ? 1 : 0
    // Absent without IPv6.
    numbers[13] = reading.sockstat6?[.tcpInUse] ?? Self.absent
  }

  /// Whether the kernel has all numbers that do not depend on IPv6.
  var isComplete: Bool {
    for index in 0...12 where numbers[index] == Self.absent { return false }
    return true
  }

  static func == (left: TCPActivity, right: TCPActivity) -> Bool {
    for index in left.numbers.indices where left.numbers[index] != right.numbers[index] { return false }
    return true
  }
}
