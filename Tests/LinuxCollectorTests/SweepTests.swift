import Foundation
import LinuxCollector
import ProcFS
import Roll
import TestSupport
import Testing

struct SweepTests {
  @Test func `R50: each namespace is read once, and a pod's containers share it`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "a", sockets: 40)
    try tree.process(11, namespace: "a", sockets: 999)
    try tree.cgroup("docker/\(containerID("1"))", [10])
    try tree.cgroup("docker/\(containerID("2"))", [11])
    let sweep = tree.sweep()
    #expect(sweep.containers.map(\.finding) == [.namespace(0), .namespace(0)])
    #expect(sweep.namespaces.map { $0.sockstat[.tcpInUse] } == [40])
    #expect(sweep.problems.isEmpty)
  }

  @Test func `a container in the host's namespace is collected without numbers of its own`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host", sockets: 500)
    try tree.process(10, namespace: "host", sockets: 500)
    try tree.cgroup("docker/\(containerID("1"))", [10])
    let sweep = tree.sweep()
    #expect(sweep.namespaces.isEmpty)
    #expect(
      sweep.answers(to: [RollEntry.test("shop", "web", "app", id: containerID("1"))], at: Moment(milliseconds: 7000)) == [
        .collected(age: 2)
      ])
    #expect(sweep.host?[.hostTCPOrphans] == 2)
  }

  @Test func `a pod's socket numbers are its namespace's, and the host's belong to no pod`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host", sockets: 500)
    try tree.process(10, namespace: "a", sockets: 40)
    try tree.process(11, namespace: "b", sockets: 41)
    try tree.process(12, namespace: "host", sockets: 500)
    for (number, process) in [("1", Int32(10)), ("2", 11), ("3", 12)] { try tree.cgroup("docker/\(containerID(number))", [process]) }
    let sweep = tree.sweep()
    // No container on the roll is in namespace b.
    let pods = sweep.sockets(of: [
      RollEntry.test("shop", "web", "app", id: containerID("1")), RollEntry.test("shop", "proxy", "app", id: containerID("3")),
    ])
    let reading = try #require(sweep.namespaces.first)
    var expected = PodSockets(namespace: "shop", pod: "web")
    expected.established = reading.snmp[.tcpCurrEstab]
    expected.inUse = 40 + (reading.sockstat6?[.tcpInUse] ?? 0)
    expected.timeWait = reading.sockstat[.tcpTimeWait]
    expected.orphans = reading.sockets?.orphans
    expected.total = reading.sockstat[.socketsUsed]
    expected.udp = (reading.sockstat[.udpInUse] ?? 0) + (reading.sockstat6?[.udpInUse] ?? 0)
    #expect(pods == [expected])
    #expect(expected.established != nil && expected.timeWait != nil && expected.total != nil)
  }

  @Test func `a process that has ended is skipped for the container's next one`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(11, namespace: "a", sockets: 6)
    try tree.cgroup("docker/\(containerID("1"))", [10, 11])
    #expect(tree.sweep().namespaces.map { $0.sockstat[.tcpInUse] } == [6])
  }

  @Test(arguments: [
    ("an empty cgroup", [], "has no process"),
    ("a process that has ended", [Int32(10)], "/proc/10: No such file or directory"),
    ("a process outside the agent's PID namespace", [0], "hostPID"),
  ])
  func `a container without a running process is answered PidNotFound`(name: String, processes: [Int32], detail: String) throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.cgroup("docker/\(containerID("1"))", processes)
    let answer = try #require(
      tree.sweep().answers(to: [RollEntry.test("shop", "web", "app", id: containerID("1"))], at: .init(milliseconds: 0)).first)
    #expect(answer.reason == .pidNotFound)
    #expect(answer.detail?.contains(detail) == true)
  }

  @Test(arguments: [
    ("", "has no container ID"), ("abc", "does not have 64 hexadecimal digits: abc"),
    (containerID("9"), "no container 000000000000 in"),
  ])
  func `an entry without a container on this node is answered PidNotFound`(id: String, detail: String) throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    let answer = try #require(tree.sweep().answers(to: [RollEntry.test("shop", "web", "app", id: id)], at: .init(milliseconds: 0)).first)
    #expect(answer.reason == .pidNotFound)
    #expect(answer.detail?.contains(detail) == true)
  }

  @Test func `every entry is answered, in the roll's order`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "a")
    try tree.cgroup("docker/\(containerID("1"))", [10])
    let roll = [
      RollEntry.test("a", "x", "c", id: containerID("8")), RollEntry.test("b", "y", "c", id: containerID("1")),
      RollEntry.test("c", "z", "c", id: ""),
    ]
    let answers = tree.sweep().answers(to: roll, at: Moment(milliseconds: 5250))
    #expect(answers.map(\.reason) == [.pidNotFound, nil, .pidNotFound])
    #expect(answers[1] == .collected(age: 0.25))
  }

  @Test func `a malformed file is answered Unknown with file and line, and does not affect other containers`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "a")
    try tree.process(11, namespace: "b")
    try tree.write("sockets: used 3\nTCP: inuse what\n", to: "proc/10/net/sockstat")
    try tree.cgroup("docker/\(containerID("1"))", [10])
    try tree.cgroup("docker/\(containerID("2"))", [11])
    let sweep = tree.sweep()
    #expect(
      sweep.containers[0].finding
        == .missed(.unknown, detail: "\(tree.folder.path)/proc/10/net/sockstat line 2: inuse is what, not a number"))
    #expect(sweep.containers[1].finding == .namespace(0))
  }

  @Test func `a kernel without IPv6 has no sockstat6`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "a")
    try tree.remove("proc/10/net/sockstat6")
    try tree.cgroup("docker/\(containerID("1"))", [10])
    let reading = try #require(tree.sweep().namespaces.first)
    #expect(reading.sockstat6 == nil)
    #expect(reading.sockstat[.tcpInUse] == 0)
  }

  @Test(arguments: [("3.10.0-1160.el7.x86_64", nil), ("4.10.17", nil), ("4.11.0", 3), ("6.18.44", 3)])
  func `TIME_WAIT is exported only on kernels that count it by namespace`(release: String, expected: Int64?) throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.write(release + "\n", to: "proc/sys/kernel/osrelease")
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "a")
    try tree.cgroup("docker/\(containerID("1"))", [10])
    #expect(try #require(tree.sweep().namespaces.first).sockstat[.tcpTimeWait] == expected)
  }

  @Test func `kthreadd does not stand in for a missing process 1`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(2, namespace: "host")
    try tree.write("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 11 0 0\n", to: "proc/2/stat")
    try tree.process(10, namespace: "host")
    try tree.cgroup("docker/\(containerID("1"))", [10])
    // Only if access is denied: without process 1 this is not the host's PID namespace, and process 2 can be any process.
    #expect(tree.sweep().containers[0].finding == .namespace(0))
  }
}
