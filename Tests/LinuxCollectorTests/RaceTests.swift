import Foundation
import LinuxCollector
import Primitives
import ProcFS
import Roll
import TestSupport
import Testing

/// Deterministic races: a fixture file is a named pipe, on which the sweep blocks until the test has changed the tree.
struct RaceTests {
  /// Sweeps one container and runs `change` while its `sockstat` is read.
  private func sweep(_ tree: FixtureTree, during change: @escaping @Sendable () throws -> Void) throws -> Sweep {
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "a", sockets: 40)
    try tree.cgroup("docker/\(containerID("1"))", [10])
    try tree.remove("proc/10/net/sockstat")
    let pipe = tree.folder.path + "/proc/10/net/sockstat"
    try #require(mkfifo(pipe, 0o600) == 0)

    let writer = Thread {
      // Blocks until the sweep opens the other end.
      let descriptor = open(pipe, O_WRONLY)
      try? change()
      let text = FixtureTree.sockstat(40)
      _ = text.withCString { write(descriptor, $0, strlen($0)) }
      close(descriptor)
    }
    writer.start()
    return tree.sweep()
  }

  @Test(.timeLimit(.minutes(1)))
  func `R50: a process number reused during the read gives neither process's numbers`() throws {
    let tree = try FixtureTree()
    let folder = tree.folder
    let sweep = try sweep(tree) {
      try FileManager.default.removeItem(atPath: folder.path + "/proc/10")
      try FixtureTree.process(10, in: folder.path, namespace: "another", sockets: 999, startTicks: 2000)
    }
    #expect(sweep.namespaces.isEmpty)
    guard case .missed(.pidNotFound, _) = try #require(sweep.containers.first).finding else {
      Issue.record("not PidNotFound: \(sweep.containers)")
      return
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["proc/10/ns/net", "proc/10"])
  func `R50: a process that ends during the read gives no numbers`(vanishing: String) throws {
    let tree = try FixtureTree()
    let path = tree.folder.path + "/" + vanishing
    let sweep = try sweep(tree) { try FileManager.default.removeItem(atPath: path) }
    #expect(sweep.namespaces.isEmpty)
    let answers = sweep.answers(to: [RollEntry.test("shop", "web", "app", id: containerID("1"))], at: Moment(milliseconds: 0))
    #expect(answers.map(\.reason) == [.pidNotFound])
  }

  @Test(.timeLimit(.minutes(1)))
  func `R50: a process that moves to another namespace during the read gives no numbers`() throws {
    let tree = try FixtureTree()
    let folder = tree.folder.path
    let sweep = try sweep(tree) { try FixtureTree.enter("host", in: folder, process: 10) }
    #expect(sweep.namespaces.isEmpty)
  }

  @Test(.timeLimit(.minutes(1)))
  func `without a change during the read, the same tree gives its numbers`() throws {
    let tree = try FixtureTree()
    let sweep = try sweep(tree) {}
    #expect(sweep.namespaces.map { $0.sockstat[.tcpInUse] } == [40])
  }

  @Test func `R50: a process that left the container before it was opened is not read`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "a", sockets: 40)
    try tree.cgroup("docker/\(containerID("1"))", [])
    let cgroup = tree.cgroupRoot + "/docker/\(containerID("1"))"
    let stale = StaleLocator(cgroup: cgroup)
    let sweep = LinuxSweeper(procFS: tree.procFS, locator: stale, now: { Moment(milliseconds: 0) }).sweep()
    #expect(sweep.namespaces.isEmpty)
    guard case .missed(.pidNotFound, let detail) = try #require(sweep.containers.first).finding else {
      Issue.record("not PidNotFound: \(sweep.containers)")
      return
    }
    #expect(detail.contains("process 10 in \(cgroup)"))
  }

  /// A locator with an outdated result.
  private final class StaleLocator: ContainerLocator {
    let cgroup: String

    init(cgroup: String) {
      self.cgroup = cgroup
    }

    func locate(_ buffer: ReadBuffer) -> LocatorResult {
      let id = ContainerID(containerID("1"))
      let containers = id.map {
        [LocatedContainer(id: $0, podUID: nil, origin: cgroup, processes: [LocatedProcess(identifier: 10, membership: .cgroup(cgroup))])]
      }
      return LocatorResult(containers: containers ?? [], problems: [], searchedPaths: [cgroup])
    }

    func processes(of container: LocatedContainer, _ buffer: ReadBuffer) -> [LocatedProcess] { [] }
  }
}
