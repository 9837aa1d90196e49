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
    try tree.write("what\n", to: "proc/10/net/sockstat")
    try tree.cgroup("docker/\(containerID("1"))", [10])
    try tree.cgroup("docker/\(containerID("2"))", [11])
    let sweep = tree.sweep()
    #expect(
      sweep.containers[0].finding
        == .missed(.unknown, detail: "\(tree.folder.path)/proc/10/net/sockstat line 1: no known field in 1 lines"))
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

  @Test(arguments: [
    ("3.10.0-1160.el7.x86_64", nil, nil), ("4.10.17", nil, nil), ("4.11.0", 3, nil), ("4.14.355-amzn2", 3, nil), ("4.15.0", 3, nil),
    ("4.16.0", 3, 4), ("4.18.0-553.el8.x86_64", 3, 4), ("5.15.0", 3, 4), ("6.18.44", 3, 4),
  ])
  func `R91: a number of sockstat is exported for a pod only on kernels that count it by namespace`(
    release: String, timeWait: Int64?, total: Int64?
  ) throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.write(release + "\n", to: "proc/sys/kernel/osrelease")
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "a")
    try tree.cgroup("docker/\(containerID("1"))", [10])
    let sweep = tree.sweep()
    #expect(try #require(sweep.namespaces.first).sockstat[.tcpTimeWait] == timeWait)
    let pod = try #require(sweep.sockets(of: [RollEntry.test("shop", "web", "app", id: containerID("1"))]).first)
    #expect(pod.timeWait == timeWait)
    #expect(pod.total == total)
    #expect(pod.inUse == 0)
  }

  @Test func `R90: a value that cannot be read costs one series and not the container`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "a", sockets: 6)
    try tree.write(FixtureTree.sockstat(6).replacing("tw 3", with: "tw 99999999999999999999"), to: "proc/10/net/sockstat")
    try tree.write(
      FixtureTree.snmp(6).replacing("4665", with: "18446744073709551615").replacing("-1 21", with: "-1 x"), to: "proc/10/net/snmp")
    try tree.write(FixtureTree.devices(6).replacing("eth0: 600", with: "eth0: 18446744073709551615"), to: "proc/10/net/dev")
    try tree.cgroup("docker/\(containerID("1"))", [10])
    let sweep = tree.sweep()
    let metrics = AgentMetrics(
      node: "n", roll: [RollEntry.test("shop", "web", "app", id: containerID("1"))], sweep: sweep,
      state: AgentState(version: "1", sweeps: 1, answers: AnswerCounts()), process: nil, memoryPageBytes: 4096)
    let text = String(decoding: metrics.render(), as: UTF8.self)
    let labels = #"namespace="shop",pod="web",node="n""#
    #expect(text.contains("rollcall_pod_sockstat_tcp_inuse{\(labels)} 6\n"))
    #expect(!text.contains("rollcall_pod_sockstat_tcp_tw{"))
    #expect(!text.contains("rollcall_pod_tcp_active_opens_total{"))
    #expect(text.contains("rollcall_pod_tcp_passive_opens_total{\(labels)} 2\n"))
    for name in ["tcp_received_segments_total{\(labels)} ", "network_receive_bytes_total{\(labels),interface=\"eth0\"} "] {
      let value = text.split(separator: "\n").first { $0.hasPrefix("rollcall_pod_\(name)") }?.split(separator: " ").last.flatMap {
        Double($0)
      }
      #expect(value == 0x1p64, "\(name)")
    }
  }

  @Test func `R88: a process whose first thread has ended is read through another thread`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(100, namespace: "a", sockets: 6)
    for entry in ["ns/net", "net"] { try tree.remove("proc/100/\(entry)") }
    try tree.write("100 (app) Z 1 1 1 0 -1 4227084 0 0 0 0 0 0 0 0 20 0 2 0 1100 0 0\n", to: "proc/100/stat")
    try tree.cgroup("docker/\(containerID("1"))", [100])
    guard case .missed(.pidNotFound, _) = try #require(tree.sweep().containers.first).finding else {
      Issue.record("a process without any thread was read")
      return
    }
    // A thread that has ended too, and one that runs.
    try tree.write("101 (app) Z\n", to: "proc/100/task/101/stat")
    try tree.process(102, namespace: "a", sockets: 6)
    try FileManager.default.moveItem(atPath: tree.folder.path + "/proc/102", toPath: tree.folder.path + "/proc/100/task/102")
    let sweeper = LinuxSweeper(procFS: tree.procFS, locator: tree.locator, cachedNamespaces: 10, now: { Moment(milliseconds: 0) })
    for _ in 1...2 { #expect(sweeper.sweep().namespaces.map { $0.sockstat[.tcpInUse] } == [6]) }
  }

  @Test(.enabled(if: findProgram("python3") != nil, "python3 is not installed"), .timeLimit(.minutes(1)))
  func `R88: a real process whose first thread has ended is collected`() async throws {
    let tree = try FixtureTree()
    try tree.unify()
    let script = """
      import ctypes, threading, time
      threading.Thread(target=time.sleep, args=(600,)).start()
      ctypes.CDLL(None).pthread_exit(None)
      """
    let program = try ExternalProgram("python3", ["-c", script], log: tree.folder.path + "/log")
    defer { program.stop() }
    let stat = "/proc/\(program.processIdentifier)/stat"
    try await eventually("its first thread has ended") { try String(contentsOfFile: stat, encoding: .utf8).contains(") Z ") }
    try tree.cgroup("docker/\(containerID("1"))", [program.processIdentifier])
    let sweep = LinuxSweeper(procFS: ProcFS(), locator: tree.locator, now: { Moment(milliseconds: 0) }).sweep()
    let answers = sweep.answers(to: [RollEntry.test("shop", "web", "app", id: containerID("1"))], at: Moment(milliseconds: 0))
    #expect(answers.map(\.reason) == [nil])
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
