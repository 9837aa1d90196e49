import Foundation
import LinuxCollector
import ProcFS
import Roll
import Synchronization
import TestSupport
import Testing

/// What is kept open from one sweep to the next.
struct SweepCacheTests {
  private func sweeper(_ tree: FixtureTree, clock: HandClock = HandClock(), keeping count: Int = 10, netstat: Duration = .zero)
    -> LinuxSweeper
  {
    LinuxSweeper(
      procFS: tree.procFS, locator: tree.locator, cachedNamespaces: count, netstatInterval: netstat, now: { clock.now })
  }

  private final class HandClock: Sendable {
    private let moment = Mutex(Moment(milliseconds: 0))

    var now: Moment { moment.withLock { $0 } }

    func advance(_ duration: Duration) {
      moment.withLock { $0 = $0 + duration }
    }
  }

  /// As the kernel does it: other content in the same file.
  private func rewrite(_ tree: FixtureTree, _ path: String, _ text: String) throws {
    try text.write(toFile: tree.folder.path + "/" + path, atomically: false, encoding: .utf8)
  }

  private func openFiles(below folder: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + $0))?.hasPrefix(folder + "/proc") == true
    }
  }

  private func tree() throws -> FixtureTree {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    for process in [10, 11] {
      try tree.process(Int32(process), namespace: "\(process)", sockets: 40)
      try tree.cgroup("docker/\(containerID("\(process)"))", [Int32(process)])
    }
    return tree
  }

  @Test func `open files are read anew each time`() throws {
    let tree = try tree()
    let sweeper = sweeper(tree)
    #expect(sweeper.sweep().namespaces.map { $0.sockstat[.tcpInUse] } == [40, 40])
    try rewrite(tree, "proc/10/net/sockstat", FixtureTree.sockstat(7))
    try rewrite(tree, "proc/11/net/dev", FixtureTree.devices(9))
    let sweep = sweeper.sweep()
    #expect(sweep.namespaces.map { $0.sockstat[.tcpInUse] } == [7, 40])
    #expect(sweep.namespaces.map { $0.devices.first?.received.packets } == [40, 9])
  }

  @Test func `what is open goes with its namespace, on release, and never passes the limit`() throws {
    let tree = try tree()
    let each = NetworkFiles.descriptors + ProcessDirectory.descriptors
    let sweeper = sweeper(tree)
    _ = sweeper.sweep()
    #expect(try openFiles(below: tree.folder.path) == 2 * each)
    try tree.remove("proc/11")
    #expect(sweeper.sweep().namespaces.count == 1)
    #expect(try openFiles(below: tree.folder.path) == each)
    sweeper.release()
    #expect(try openFiles(below: tree.folder.path) == 0)
    #expect(sweeper.sweep().namespaces.count == 1)

    let limited = try self.tree()
    let one = self.sweeper(limited, keeping: 1)
    #expect(one.sweep().namespaces.count == 2)
    #expect(try openFiles(below: limited.folder.path) == each + ProcessDirectory.descriptors)
  }

  @Test func `R50 a number that went to a process of another namespace gives the other's numbers`() throws {
    let tree = try tree()
    let sweeper = sweeper(tree)
    _ = sweeper.sweep()
    try tree.remove("proc/10")
    try tree.process(10, namespace: "later", sockets: 3)
    let sweep = sweeper.sweep()
    #expect(sweep.namespaces.map { $0.sockstat[.tcpInUse] } == [3, 40])
    #expect(sweep.namespaces[0].namespace != sweep.namespaces[1].namespace)
  }

  @Test func `netstat is read when TCP's counters moved, and once a minute in any case`() throws {
    let tree = try tree()
    let clock = HandClock()
    let sweeper = sweeper(tree, clock: clock)
    func overflows() -> Int64? { sweeper.sweep().namespaces[0].netstat[.listenOverflows] }
    #expect(overflows() == 2)
    try rewrite(tree, "proc/10/net/netstat", "TcpExt: ListenOverflows\nTcpExt: 50\n")
    clock.advance(.seconds(59))
    #expect(overflows() == 2)
    clock.advance(.seconds(1))
    #expect(overflows() == 50)
    try rewrite(tree, "proc/10/net/netstat", "TcpExt: ListenOverflows\nTcpExt: 51\n")
    #expect(overflows() == 50)
    try rewrite(tree, "proc/10/net/snmp", FixtureTree.snmp(41))
    #expect(overflows() == 51)
  }

  @Test func `where TCP's counters move all the time netstat is read once an interval`() throws {
    let tree = try tree()
    let clock = HandClock()
    let sweeper = sweeper(tree, clock: clock, netstat: .seconds(30))
    func overflows() -> Int64? { sweeper.sweep().namespaces[0].netstat[.listenOverflows] }
    func overflow(_ count: Int) throws {
      try rewrite(tree, "proc/10/net/netstat", "TcpExt: ListenOverflows\nTcpExt: \(count)\n")
      try rewrite(tree, "proc/10/net/snmp", FixtureTree.snmp(count))
    }
    #expect(overflows() == 2)
    try overflow(50)
    #expect(overflows() == 2)
    // The first time the interval is shorter, and not the same for all.
    clock.advance(.seconds(30))
    #expect(overflows() == 50)
    try overflow(51)
    clock.advance(.seconds(29))
    #expect(overflows() == 50)
    clock.advance(.seconds(1))
    #expect(overflows() == 51)
  }

  @Test func `a process that was moved to another container's cgroup is that container's within a minute`() throws {
    let tree = try tree()
    let clock = HandClock()
    let sweeper = sweeper(tree, clock: clock)
    _ = sweeper.sweep()
    try rewrite(tree, "cgroup/docker/\(containerID("10"))/cgroup.procs", "")
    try rewrite(tree, "cgroup/docker/\(containerID("11"))/cgroup.procs", "11\n10\n")
    clock.advance(.seconds(60))
    let sweep = sweeper.sweep()
    guard case .missed(.pidNotFound, _) = try #require(sweep.containers.first).finding else {
      Issue.record("not PidNotFound: \(sweep.containers)")
      return
    }
    #expect(sweep.namespaces.count == 1)
  }
}
