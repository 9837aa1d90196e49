import Foundation
import LinuxCollector
import ProcFS
import Roll
import TestSupport
import Testing

/// The cache that a sweeper keeps between sweeps.
struct SweepCacheTests {
  private func sweeper(_ tree: FixtureTree, clock: ManualClock = ManualClock(), keeping count: Int = 10, netstat: Duration = .zero)
    -> LinuxSweeper
  {
    LinuxSweeper(
      procFS: tree.procFS, locator: tree.locator, cachedNamespaces: count, netstatInterval: netstat, now: clock.now)
  }

  /// Changes the content of an open file, as the kernel does.
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

  @Test func `cached files are reread in each sweep`() throws {
    let tree = try tree()
    let sweeper = sweeper(tree)
    #expect(sweeper.sweep().namespaces.map { $0.sockstat[.tcpInUse] } == [40, 40])
    try rewrite(tree, "proc/10/net/sockstat", FixtureTree.sockstat(7))
    try rewrite(tree, "proc/11/net/dev", FixtureTree.devices(9))
    let sweep = sweeper.sweep()
    #expect(sweep.namespaces.map { $0.sockstat[.tcpInUse] } == [7, 40])
    #expect(sweep.namespaces.map { $0.devices.first?.received.packets } == [40, 9])
  }

  @Test func `open files are closed with their namespace and on release, and are limited`() throws {
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

  @Test func `R50: a number reused by a process of another namespace gives that namespace's numbers`() throws {
    let tree = try tree()
    let sweeper = sweeper(tree)
    _ = sweeper.sweep()
    try tree.remove("proc/10")
    try tree.process(10, namespace: "later", sockets: 3)
    let sweep = sweeper.sweep()
    #expect(sweep.namespaces.map { $0.sockstat[.tcpInUse] } == [3, 40])
    #expect(sweep.namespaces[0].namespace != sweep.namespaces[1].namespace)
  }

  @Test func `netstat is reread if TCP counters changed, and once per minute`() throws {
    let tree = try tree()
    let clock = ManualClock()
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

  @Test func `with constantly changing TCP counters, netstat is reread once per interval`() throws {
    let tree = try tree()
    let clock = ManualClock()
    let sweeper = sweeper(tree, clock: clock, netstat: .seconds(30))
    func overflows() -> Int64? { sweeper.sweep().namespaces[0].netstat[.listenOverflows] }
    func overflow(_ count: Int) throws {
      try rewrite(tree, "proc/10/net/netstat", "TcpExt: ListenOverflows\nTcpExt: \(count)\n")
      try rewrite(tree, "proc/10/net/snmp", FixtureTree.snmp(count))
    }
    #expect(overflows() == 2)
    try overflow(50)
    #expect(overflows() == 2)
    // The first interval is shorter, by a different time for each namespace.
    clock.advance(.seconds(30))
    #expect(overflows() == 50)
    try overflow(51)
    clock.advance(.seconds(29))
    #expect(overflows() == 50)
    clock.advance(.seconds(1))
    #expect(overflows() == 51)
  }

  @Test func `a process moved to another container's cgroup belongs to that container within a minute`() throws {
    let tree = try tree()
    let clock = ManualClock()
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
