import Foundation
import LinuxCollector
import ProcFS
import Roll
import TestSupport
import Testing

/// Fixture trees of `/proc` and `/sys/fs/cgroup`, in a temporary folder that is deleted with this object.
final class FixtureTree {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try makeFolder("proc")
    try makeFolder("cgroup")
    try write("6.18.44\n", to: "proc/sys/kernel/osrelease")
  }

  var procFS: ProcFS { ProcFS(root: folder.path + "/proc") }
  var cgroupRoot: String { folder.path + "/cgroup" }
  var locator: CgroupLocator { CgroupLocator(root: cgroupRoot, now: { Moment(milliseconds: 0) }) }

  /// Creates the root of a cgroup v2 hierarchy.
  func unify(_ path: String = "") throws {
    try write("cpu memory pids\n", to: "cgroup/\(path)/cgroup.controllers")
  }

  /// Creates a cgroup with these processes, and every cgroup above it.
  func cgroup(_ path: String, _ processes: [Int32]) throws {
    var above = path
    while !above.isEmpty {
      let list = "cgroup/\(above)/cgroup.procs"
      if !FileManager.default.fileExists(atPath: folder.path + "/" + list) { try write("", to: list) }
      above = above.split(separator: "/").dropLast().joined(separator: "/")
    }
    try write(processes.map { "\($0)\n" }.joined(), to: "cgroup/\(path)/cgroup.procs")
  }

  /// Creates a process in the network namespace of that name. Its numbers are derived from `sockets`.
  func process(_ identifier: Int32, namespace: String, sockets: Int = 0, startTicks: Int = 1000) throws {
    try Self.process(identifier, in: folder.path, namespace: namespace, sockets: sockets, startTicks: startTicks)
  }

  static func process(_ identifier: Int32, in folder: String, namespace: String, sockets: Int, startTicks: Int = 1000) throws {
    let process = "\(folder)/proc/\(identifier)"
    for directory in ["\(process)/ns", "\(process)/net"] {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }
    try enter(namespace, in: folder, process: identifier)
    for (name, text) in [
      ("stat", stat(identifier, startTicks: startTicks)), ("net/sockstat", sockstat(sockets)), ("net/sockstat6", sockstat6(sockets)),
      ("net/snmp", snmp(sockets)), ("net/netstat", netstat), ("net/dev", devices(sockets)), ("net/tcp", tcp(sockets)),
      ("net/tcp6", tcp(sockets / 2)), ("net/udp", udp), ("net/udp6", udp),
    ] {
      try Data(text.utf8).write(to: URL(filePath: "\(process)/\(name)"))
    }
  }

  /// Moves the process into the namespace of that name.
  static func enter(_ namespace: String, in folder: String, process: Int32) throws {
    let link = "\(folder)/proc/\(process)/ns/net"
    try? FileManager.default.removeItem(atPath: link)
    let file = try namespaceFile(namespace, in: "\(folder)/namespaces")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "../../../namespaces/\(file)")
  }

  /// The name of the namespace's file. As in `/proc`, the text of a link to it has the namespace's number.
  private static func namespaceFile(_ namespace: String, in folder: String) throws -> String {
    let files = FileManager.default
    try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if let file = try files.contentsOfDirectory(atPath: folder).first(where: { $0.hasPrefix(namespace + ":[") }) { return file }
    try Data().write(to: URL(filePath: "\(folder)/new"))
    let number = try #require(try files.attributesOfItem(atPath: "\(folder)/new")[.systemFileNumber])
    let file = "\(namespace):[\(number)]"
    try files.moveItem(atPath: "\(folder)/new", toPath: "\(folder)/\(file)")
    return file
  }

  func sweep(sockets: SocketMethod = .off, _ now: @escaping @Sendable () -> Moment = { Moment(milliseconds: 5000) }) -> Sweep {
    LinuxSweeper(procFS: procFS, locator: locator, sockets: sockets, now: now).sweep()
  }

  func write(_ text: String, to path: String) throws {
    let url = URL(filePath: folder.path + "/" + path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    // Replaces a named pipe instead of writing to it.
    try? FileManager.default.removeItem(at: url)
    try Data(text.utf8).write(to: url)
  }

  func remove(_ path: String) throws {
    try FileManager.default.removeItem(atPath: folder.path + "/" + path)
  }

  private func makeFolder(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: folder.path + "/" + path, withIntermediateDirectories: true)
  }

  static func stat(_ identifier: Int32, startTicks: Int) -> String {
    "\(identifier) (web server) S 1 1 1 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 1 0 \(startTicks) 1 1\n"
  }

  static func sockstat(_ sockets: Int) -> String {
    """
    sockets: used \(sockets + 4)
    TCP: inuse \(sockets) orphan 2 tw 3 alloc 90 mem 7
    UDP: inuse 1 mem 5
    UDPLITE: inuse 0
    RAW: inuse 0
    FRAG: inuse 0 memory 0

    """
  }

  static func sockstat6(_ sockets: Int) -> String {
    "TCP6: inuse \(sockets / 2)\nUDP6: inuse 1\nUDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n"
  }

  static let netstat = """
    TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPTimeouts TCPBacklogDrop TCPAbortOnMemory TCPAbortOnTimeout TCPTimeWaitOverflow \
    TCPReqQFullDrop TCPRetransFail TCPSynRetrans
    TcpExt: 1 2 3 4 5 6 7 8 9 10 11
    IpExt: InOctets OutOctets
    IpExt: 5 6
    MPTcpExt: MPCapableSYNRX MPCapableSYNACKRX MPCurrEstab
    MPTcpExt: 0 0 0

    """

  static func devices(_ sockets: Int) -> String {
    """
    Inter-|   Receive                                                |  Transmit
     face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
        lo: 999 9 0 0 0 0 0 0 999 9 0 0 0 0 0 0
      eth0: \(sockets * 100) \(sockets) 1 2 0 0 0 0 \(sockets * 200) \(sockets * 2) 3 4 0 0 0 0

    """
  }

  /// One socket in each of the eleven states, those closing without a process. The rest listen, with one connection in the accept queue.
  static func tcp(_ sockets: Int) -> String {
    let heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    return heading
      + (0..<sockets).map { index in
        let state = index < 11 ? index + 1 : 10
        let inode = [4, 5, 6, 9, 11].contains(state) ? 0 : 1000 + index
        let queue = state == 10 ? "00000000:00000001" : "00000005:00000007"
        let number = String(state, radix: 16, uppercase: true)
        return
          "   \(index): 0100007F:1F90 00000000:0000 0\(number) \(queue) 00:00000000 00000000     0        0 \(inode) 1 0000000000000000 100 0\n"
      }.joined()
  }

  static let udp = """
       sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
      123: 0100007F:0035 00000000:0000 07 00000010:00000200 00:00000000 00000000     0        0 4711 2 0000000000000000 3

    """

  static func snmp(_ sockets: Int) -> String {
    """
    Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs \
    OutRsts InCsumErrors
    Tcp: 1 200 120000 -1 21 2 3 4 \(sockets) 4665 2895 5 6 15 7
    Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
    Udp: 38 1 2 39 3 4 5 0 0

    """
  }
}
