import LinuxCollector
import Primitives
import ProcFS
import Roll

/// A table with a row for each network namespace, followed by remarks about containers that share the host's network or could not be read.
///
/// The columns are the numbers that operators check first, as in `ss -s`.
struct NetworkTable {
  /// Limits the table's width.
  private static let maximumCommands = 3

  private var table = TextTable([
    .name("POD UID"), .name("CONTAINER"), .name("COMMAND"), .number("CONTAINERS"), .number("ESTABLISHED"), .number("IN USE"),
    .number("TIME-WAIT"), .number("ORPHAN"), .number("TOTAL"), .number("UDP"), .number("LISTEN"), .number("CLOSE-WAIT"),
    .number("ACCEPT QUEUE"),
  ])
  private var remarks: [String] = []

  init(_ snapshot: HostSnapshot) {
    let sweep = snapshot.sweep
    var members = [[SweptContainer]](repeating: [], count: sweep.namespaces.count)
    var empty = 0
    for container in sweep.containers {
      switch container.finding {
      case .namespace(let index): members[index].append(container)
      case .host:
        let pod = container.podUID.map { " (pod \($0))" } ?? ""
        remarks.append("\(container.id.short)  \(snapshot.commands[container.id] ?? "-")  shares the host's network\(pod)")
      case .missed where snapshot.empty.contains(container.id): empty += 1
      case .missed(let reason, let detail): remarks.append("\(container.id.short)  \(reason.rawValue): \(detail)")
      }
    }
    if empty > 0 {
      remarks.append("container cgroups without a process: \(empty) (of exited containers, or of pods whose cgroups CRI-O keeps)")
    }
    if sweep.containers.isEmpty, sweep.problems.isEmpty {
      remarks.append("no containers found in \(sweep.searchedPaths.joined(separator: ", "))")
    }
    for (reading, containers) in zip(sweep.namespaces, members) {
      table.add(Self.row(reading, containers, snapshot))
    }
  }

  private static func row(_ reading: NamespaceReading, _ containers: [SweptContainer], _ snapshot: HostSnapshot) -> [String] {
    func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "-" }
    func sum(_ state: TCPState) -> Int64? { reading.sockets.map { $0.ipv4[state] + $0.ipv6[state] } }
    let workloads = snapshot.workloads(of: containers)
    var commands: [String] = []
    for command in workloads.compactMap({ snapshot.commands[$0.id] }) where !commands.contains(command) { commands.append(command) }
    if commands.count > maximumCommands { commands = commands.prefix(maximumCommands) + ["…"] }
    let inUse = reading.sockstat[.tcpInUse].map { $0 + (reading.sockstat6?[.tcpInUse] ?? 0) }
    let udp = reading.sockstat[.udpInUse].map { $0 + (reading.sockstat6?[.udpInUse] ?? 0) }
    return [
      containers.lazy.compactMap(\.podUID).first ?? "-", workloads.first?.id.short ?? "-",
      commands.isEmpty ? "-" : commands.joined(separator: ","), "\(containers.count)", number(reading.snmp[.tcpCurrEstab]), number(inUse),
      number(reading.sockstat[.tcpTimeWait]), number(reading.sockets?.orphans), number(reading.sockstat[.socketsUsed]), number(udp),
      number(sum(.listen)), number(sum(.closeWait)), number(reading.sockets?.acceptQueues.total),
    ]
  }

  var text: String {
    let parts = [table.isEmpty ? "" : table.text, remarks.map { $0 + "\n" }.joined()]
    return parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }
}

/// A table with a row for each file system of each container.
struct FilesystemTable {
  private var table = TextTable([
    .name("CONTAINER"), .name("COMMAND"), .name("MOUNT POINT"), .name("TYPE"), .number("SIZE"), .number("USED"), .number("AVAILABLE"),
    .number("INODES"), .number("INODES FREE"),
  ])

  init(_ snapshot: HostSnapshot) {
    for container in snapshot.sweep.filesystems?.containers ?? [] {
      let owner = [container.id.short, snapshot.commands[container.id] ?? "-"]
      if let failure = container.failure { table.add(owner + ["/", "-", failure.rawValue, "-", "-", "-", "-"]) }
      for reading in container.readings.sorted(by: { $0.mountPoint < $1.mountPoint }) {
        table.add(owner + [reading.mountPoint, reading.type] + Self.numbers(reading.usage))
      }
    }
  }

  /// The size column shows the failure if there are no numbers.
  private static func numbers(_ usage: Result<FilesystemUsage, FilesystemFailure>) -> [String] {
    switch usage {
    case .failure(let failure): [failure.rawValue, "-", "-", "-", "-"]
    case .success(let usage): [usage.size, usage.used, usage.available].map(bytes) + ["\(usage.inodes)", "\(usage.inodesFree)"]
    }
  }

  /// Formats a size as `512`, `4.0Ki` or `252Gi`.
  static func bytes(_ count: UInt64) -> String {
    var unit = ""
    var (whole, tenths) = (count, UInt64(0))
    for next in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] where whole >= 1024 {
      tenths = whole % 1024 * 10 / 1024
      whole /= 1024
      unit = next
    }
    return whole < 10 && !unit.isEmpty ? "\(whole).\(tenths)\(unit)" : "\(whole)\(unit)"
  }

  /// Empty if there are no file systems, or they are switched off.
  var text: String { table.isEmpty ? "" : table.text }
}
