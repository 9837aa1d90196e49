import LinuxCollector
import ProcFS
import Roll

/// A sweep as a table: a line for each network namespace, then one for each container that has none of its own or could not be read.
///
/// The columns are the numbers that operators look for first: established, in use, TIME_WAIT, orphans, all sockets, UDP.
struct SweepTable {
  private static let headings = [
    "POD UID", "CONTAINER", "CONTAINERS", "ESTABLISHED", "IN USE", "TIME-WAIT", "ORPHAN", "TOTAL", "UDP", "LISTEN", "CLOSE-WAIT",
    "ACCEPT QUEUE",
  ]

  private var rows: [[String]] = []
  private var remarks: [String] = []

  init(_ sweep: Sweep) {
    var members = [[SweptContainer]](repeating: [], count: sweep.namespaces.count)
    for container in sweep.containers {
      switch container.finding {
      case .namespace(let place): members[place].append(container)
      case .host: remarks.append("\(container.id.short)  shares the host's network")
      case .missed(let reason, let detail): remarks.append("\(container.id.short)  \(reason.rawValue): \(detail)")
      }
    }
    for (reading, containers) in zip(sweep.namespaces, members) {
      rows.append(Self.row(reading, containers))
    }
  }

  private static func row(_ reading: NamespaceReading, _ containers: [SweptContainer]) -> [String] {
    func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "-" }
    func sum(_ state: TCPState) -> Int64? { reading.sockets.map { $0.ipv4[state] + $0.ipv6[state] } }
    let inUse = reading.sockstat[.tcpInUse].map { $0 + (reading.sockstat6?[.tcpInUse] ?? 0) }
    let udp = reading.sockstat[.udpInUse].map { $0 + (reading.sockstat6?[.udpInUse] ?? 0) }
    return [
      containers.lazy.compactMap(\.podUID).first ?? "-", containers.first?.id.short ?? "-", "\(containers.count)",
      number(reading.snmp[.tcpCurrEstab]), number(inUse), number(reading.sockstat[.tcpTimeWait]), number(reading.sockets?.orphans),
      number(reading.sockstat[.socketsUsed]), number(udp), number(sum(.listen)), number(sum(.closeWait)),
      number(reading.sockets?.acceptQueues.total),
    ]
  }

  var text: String {
    let lines = [Self.headings] + rows
    let widths = Self.headings.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    var text = ""
    for line in lines {
      let cells = line.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - line[column].count)
        // Names to the left, numbers to the right.
        return column < 2 ? line[column] + padding : padding + line[column]
      }
      text += cells.joined(separator: "  ") + "\n"
    }
    if !remarks.isEmpty { text += "\n" + remarks.map { $0 + "\n" }.joined() }
    return text
  }
}
