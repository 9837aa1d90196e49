import LinuxCollector
import ProcFS
import Roll

/// A look as a table: a line for each network namespace, then one for each container that has none of its own or could not be read.
///
/// The columns are the numbers that operators look for first: established, in use, TIME_WAIT, orphans, all sockets, UDP.
struct NetworkTable {
  /// More programs of one pod would make the table too wide.
  private static let maximumCommands = 3

  private var table = TextTable([
    .name("POD UID"), .name("CONTAINER"), .name("COMMAND"), .number("CONTAINERS"), .number("ESTABLISHED"), .number("IN USE"),
    .number("TIME-WAIT"), .number("ORPHAN"), .number("TOTAL"), .number("UDP"), .number("LISTEN"), .number("CLOSE-WAIT"),
    .number("ACCEPT QUEUE"),
  ])
  private var remarks: [String] = []

  init(_ look: HostLook) {
    let sweep = look.sweep
    var members = [[SweptContainer]](repeating: [], count: sweep.namespaces.count)
    var empty = 0
    for container in sweep.containers {
      switch container.finding {
      case .namespace(let place): members[place].append(container)
      case .host:
        let pod = container.podUID.map { " (pod \($0))" } ?? ""
        remarks.append("\(container.id.short)  \(look.commands[container.id] ?? "-")  shares the host's network\(pod)")
      case .missed where look.empty.contains(container.id): empty += 1
      case .missed(let reason, let detail): remarks.append("\(container.id.short)  \(reason.rawValue): \(detail)")
      }
    }
    if empty > 0 {
      remarks.append("cgroups of containers without a process: \(empty) (containers that have ended, or pods' own that CRI-O keeps)")
    }
    if sweep.containers.isEmpty, sweep.problems.isEmpty {
      remarks.append("no containers were found in \(sweep.searchedPaths.joined(separator: ", "))")
    }
    for (reading, containers) in zip(sweep.namespaces, members) {
      table.add(Self.row(reading, containers, look))
    }
  }

  private static func row(_ reading: NamespaceReading, _ containers: [SweptContainer], _ look: HostLook) -> [String] {
    func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "-" }
    func sum(_ state: TCPState) -> Int64? { reading.sockets.map { $0.ipv4[state] + $0.ipv6[state] } }
    let speakers = look.speakers(of: containers)
    var commands: [String] = []
    for command in speakers.compactMap({ look.commands[$0.id] }) where !commands.contains(command) { commands.append(command) }
    if commands.count > maximumCommands { commands = commands.prefix(maximumCommands) + ["…"] }
    let inUse = reading.sockstat[.tcpInUse].map { $0 + (reading.sockstat6?[.tcpInUse] ?? 0) }
    let udp = reading.sockstat[.udpInUse].map { $0 + (reading.sockstat6?[.udpInUse] ?? 0) }
    return [
      containers.lazy.compactMap(\.podUID).first ?? "-", speakers.first?.id.short ?? "-",
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
