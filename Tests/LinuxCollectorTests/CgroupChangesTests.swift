import Foundation
import LinuxCollector
import Primitives
import ProcFS
import Roll
import TestSupport
import Testing

/// How a locator follows changes of the cgroup tree after its first walk.
@Suite(.ownThread) struct CgroupChangesTests {
  private let tree: FixtureTree
  private let clock = ManualClock()
  private let buffer = ReadBuffer()

  init() throws {
    tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("kubepods/burstable/pod1111/\(containerID("1"))", [10])
  }

  private func locator(watchLimit: Int = 16_384) -> CgroupLocator {
    CgroupLocator(root: tree.cgroupRoot, watchLimit: watchLimit, now: clock.now)
  }

  private func found(_ locator: CgroupLocator) -> [String] {
    locator.locate(buffer).containers.map { "\($0.podUID ?? "") \($0.id.description.suffix(2)) \($0.processes.map(\.identifier))" }
  }

  /// With inotify, and with a walk in every sweep. Both must have the same results.
  private static let watchLimits = [16_384, 0]

  @Test(arguments: watchLimits)
  func `new containers and pods are found, and removed ones are dropped`(watchLimit: Int) throws {
    let locator = locator(watchLimit: watchLimit)
    #expect(found(locator) == ["1111 01 [10]"])
    try tree.cgroup("kubepods/burstable/pod1111/\(containerID("2"))", [20])
    try tree.cgroup("kubepods/besteffort/pod2222/\(containerID("3"))", [30])
    #expect(found(locator) == ["1111 01 [10]", "1111 02 [20]", "2222 03 [30]"])
    try tree.remove("cgroup/kubepods/burstable/pod1111/\(containerID("1"))")
    #expect(found(locator) == ["1111 02 [20]", "2222 03 [30]"])
    try tree.remove("cgroup/kubepods/burstable")
    #expect(found(locator) == ["2222 03 [30]"])
  }

  @Test(arguments: watchLimits)
  func `a container replaced by another is dropped, although the link count is unchanged`(
    watchLimit: Int
  ) throws {
    let locator = locator(watchLimit: watchLimit)
    #expect(found(locator) == ["1111 01 [10]"])
    try tree.remove("cgroup/kubepods/burstable/pod1111/\(containerID("1"))")
    try tree.cgroup("kubepods/burstable/pod1111/\(containerID("2"))", [20])
    #expect(found(locator) == ["1111 02 [20]"])
  }

  @Test(arguments: watchLimits)
  func `a cgroup removed and created again under its name is the new one`(watchLimit: Int) throws {
    let locator = locator(watchLimit: watchLimit)
    #expect(found(locator) == ["1111 01 [10]"])
    for process: Int32 in [11, 12] {
      try tree.remove("cgroup/kubepods/burstable/pod1111")
      try tree.cgroup("kubepods/burstable/pod1111/\(containerID("1"))", [process])
    }
    #expect(found(locator) == ["1111 01 [12]"])
    try tree.cgroup("kubepods/burstable/pod1111/\(containerID("2"))", [20])
    #expect(found(locator) == ["1111 01 [12]", "1111 02 [20]"])
  }

  @Test(arguments: watchLimits)
  func `a renamed cgroup is found only under its new name`(watchLimit: Int) throws {
    let locator = locator(watchLimit: watchLimit)
    #expect(found(locator) == ["1111 01 [10]"])
    let qos = tree.cgroupRoot + "/kubepods/burstable"
    try FileManager.default.moveItem(atPath: qos + "/pod1111", toPath: qos + "/pod2222")
    #expect(found(locator) == ["2222 01 [10]"])
    try tree.cgroup("kubepods/burstable/pod2222/\(containerID("2"))", [20])
    #expect(found(locator) == ["2222 01 [10]", "2222 02 [20]"])
  }

  @Test func `without changes the result is cached, and a later process is found on request`() throws {
    let locator = locator()
    #expect(found(locator) == ["1111 01 [10]"])
    try tree.write("11\n", to: "cgroup/kubepods/burstable/pod1111/\(containerID("1"))/cgroup.procs")
    let container = try #require(locator.locate(buffer).containers.first)
    #expect(container.processes.map(\.identifier) == [10])
    #expect(locator.processes(of: container, buffer).map(\.identifier) == [11])
    #expect(found(locator) == ["1111 01 [11]"])
  }

  @Test func `the processes of a container that created child cgroups are found there`() throws {
    let locator = locator()
    try tree.write("", to: "cgroup/kubepods/burstable/pod1111/\(containerID("1"))/cgroup.procs")
    let container = try #require(locator.locate(buffer).containers.first)
    #expect(container.processes.isEmpty)
    try tree.cgroup("kubepods/burstable/pod1111/\(containerID("1"))/init.scope", [12])
    try tree.cgroup("kubepods/burstable/pod1111/\(containerID("1"))/kubepods/\(containerID("2"))", [13])
    #expect(locator.processes(of: container, buffer).map(\.identifier) == [12])
  }

  @Test func `the locator walks after an overflow of the event queue`() throws {
    let limit = try #require(Int(String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8).filter(\.isNumber)))
    let locator = locator()
    #expect(found(locator) == ["1111 01 [10]"])
    // Two events each, more than the queue's limit. The container is created when the queue is full.
    let folder = tree.cgroupRoot + "/kubepods/filler"
    for _ in 0...(limit / 2) {
      guard mkdir(folder, 0o700) == 0, rmdir(folder) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }
    try tree.cgroup("kubepods/besteffort/pod2222/\(containerID("3"))", [30])
    #expect(found(locator) == ["1111 01 [10]", "2222 03 [30]"])
    try tree.cgroup("kubepods/besteffort/pod2222/\(containerID("4"))", [40])
    #expect(found(locator) == ["1111 01 [10]", "2222 03 [30]", "2222 04 [40]"])
  }

  @Test func `a change without an event is found by the walk every minute`() throws {
    let locator = locator()
    #expect(found(locator) == ["1111 01 [10]"])
    try tree.write("11\n", to: "cgroup/kubepods/burstable/pod1111/\(containerID("1"))/cgroup.procs")
    clock.advance(CgroupLocator.walkInterval - .milliseconds(1))
    #expect(found(locator) == ["1111 01 [10]"])
    clock.advance(.milliseconds(1))
    #expect(found(locator) == ["1111 01 [11]"])
  }

  @Test func `the sweep reads a container through its current processes if the listed ones have ended`() throws {
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "a", sockets: 6)
    let sweeper = LinuxSweeper(procFS: tree.procFS, locator: locator(), now: { Moment(milliseconds: 0) })
    #expect(sweeper.sweep().namespaces.map { $0.sockstat[.tcpInUse] } == [6])
    try tree.remove("proc/10")
    try tree.process(11, namespace: "b", sockets: 8)
    try tree.write("11\n", to: "cgroup/kubepods/burstable/pod1111/\(containerID("1"))/cgroup.procs")
    #expect(sweeper.sweep().namespaces.map { $0.sockstat[.tcpInUse] } == [8])
  }
}
