import Foundation
import LinuxCollector
import ProcFS
import Roll
import Synchronization
import TestSupport
import Testing

/// Real sockets in a real network namespace: a thread of this process moves into a new one and stands in for the container's process.
@Suite(.ownThread, .timeLimit(.minutes(2)))
struct RealNamespaceTests {
  @Test(.enabled(if: NamespaceThread.isPermitted, "needs CAP_SYS_ADMIN to create a network namespace"))
  func `only the sockets of the namespace are counted`() async throws {
    let busy = try NamespaceThread {
      try LoopbackSockets.bringLoopbackUp()
      let sockets = LoopbackSockets()
      try sockets.listen(25)
      try sockets.connect(40)
      try sockets.bindUDP(7)
      return sockets
    }
    let idle = try NamespaceThread { LoopbackSockets() }
    defer {
      busy.stop()
      idle.stop()
    }

    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("docker/\(containerID("1"))", [busy.identifier])
    try tree.cgroup("docker/\(containerID("2"))", [idle.identifier])
    try tree.cgroup("docker/\(containerID("3"))", [getpid()])
    let sweeper = LinuxSweeper(procFS: ProcFS(), locator: tree.locator, now: { Moment(milliseconds: 0) })
    let sweep = sweeper.sweep()

    #expect(sweep.containers.map(\.finding).prefix(2) == [.namespace(0), .namespace(1)])
    let first = try #require(sweep.namespaces.first)
    // 25 listening sockets, and both ends of 40 connections.
    #expect(first.sockstat[.tcpInUse] == 105)
    #expect(first.sockstat[.udpInUse] == 7)
    #expect(first.sockstat6?[.tcpInUse] == 0)
    #expect(first.snmp[.tcpCurrEstab] == 80)
    #expect(first.snmp[.tcpActiveOpens] == 40)
    #expect(first.snmp[.tcpPassiveOpens] == 40)
    let second = sweep.namespaces[1]
    #expect(second.sockstat[.tcpInUse] == 0)
    #expect(second.sockstat[.udpInUse] == 0)
    #expect(second.snmp[.tcpCurrEstab] == 0)
    #expect(first.namespace != second.namespace)
  }

  /// All kinds of sockets, in both families.
  @Test(
    .enabled(if: NamespaceThread.isPermitted, "needs CAP_SYS_ADMIN to create a network namespace"),
    arguments: [SocketMethod.inetDiag, .text])
  func `R89: sockets are counted by state`(method: SocketMethod) async throws {
    let busy = try NamespaceThread {
      try LoopbackSockets.bringLoopbackUp()
      let sockets = LoopbackSockets()
      for family in [AF_INET, AF_INET6] {
        try sockets.listen(1, family)
        try sockets.listen(2, family)
        try sockets.connect(4)
        try sockets.connect(3, then: .serverCloses)
        try sockets.connect(2, then: .clientClosesAfterServer)
        try sockets.connectWithoutAccepting(3)
        try sockets.bindUDP(family == AF_INET ? 5 : 6, family)
      }
      try sockets.sendToSelf(3)
      return sockets
    }
    let idle = try NamespaceThread { LoopbackSockets() }
    defer {
      busy.stop()
      idle.stop()
    }
    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("docker/\(containerID("1"))", [busy.identifier])
    try tree.cgroup("docker/\(containerID("2"))", [idle.identifier])
    let before = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
    let sweeper = LinuxSweeper(procFS: ProcFS(), locator: tree.locator, sockets: method, now: { Moment(milliseconds: 0) })
    var sweep = sweeper.sweep()
    try await eventually("the kernel has acknowledged all closed connections") {
      sweep = sweeper.sweep()
      return sweep.namespaces.first?.sockets.map { $0.ipv4[.finWait1] + $0.ipv6[.finWait1] == 0 } ?? true
    }
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net") == before)

    try #require(sweep.namespaces.count == 2, "\(sweep)")
    #expect(sweep.socketProblem == nil)
    let counts = try #require(sweep.namespaces[0].sockets)
    for family in [counts.ipv4, counts.ipv6] {
      #expect(family[.listen] == 3)
      // Both ends of four connections, and of three that are not accepted.
      #expect(family[.established] == 8 + 6)
      // One end is closed and has no process, so that the kernel counts it as tw, the other is open.
      #expect(family[.finWait2] == 0)
      #expect(family.finWait2MiniSockets == 3)
      #expect(family[.closeWait] == 3)
      #expect(family[.timeWait] == 2 + 3)
    }
    #expect(counts.orphans == 0)
    #expect(sweep.namespaces[0].sockstat[.tcpTimeWait] == 10)
    #expect(counts.acceptQueues.total == 6)
    #expect(counts.acceptQueues.longest == 3)
    if method == .inetDiag { #expect(counts.acceptQueues.fullest == 3.0 / 129) }
    #expect(counts.ipv4.udp?.count == 5)
    #expect(counts.ipv6.udp?.count == 6)
    #expect(try #require(counts.ipv6.udp).receiveQueue > 0)
    #expect(sweep.namespaces[1].sockets == SocketCounts())
  }

  /// Closed connections whose peers keep them open. Whether the kernel counts them as orphans or as tw depends on the namespace's
  /// tcp_fin_timeout; the sum over the pods never exceeds the host's number.
  @Test(
    .enabled(if: NamespaceThread.isPermitted, "needs CAP_SYS_ADMIN to create a network namespace"), arguments: [60, 120],
    [SocketMethod.inetDiag, .text])
  func `R89: orphans are those that the kernel counts`(timeout: Int, method: SocketMethod) async throws {
    let made = Mutex<[Int32]>([])
    let busy = try NamespaceThread {
      try LoopbackSockets.bringLoopbackUp()
      try "\(timeout)".write(toFile: "/proc/sys/net/ipv4/tcp_fin_timeout", atomically: false, encoding: .utf8)
      let sockets = LoopbackSockets()
      try sockets.listen(1)
      try sockets.connect(20, then: .serverCloses)
      try sockets.connect(5, then: .serverShutsDown)
      made.withLock { $0 = sockets.descriptors }
      return sockets
    }
    defer { busy.stop() }
    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("docker/\(containerID("1"))", [busy.identifier])
    let sweeper = LinuxSweeper(
      procFS: ProcFS(), locator: tree.locator, sockets: method, cachedNamespaces: 10, now: { Moment(milliseconds: 0) })
    func expect(orphans: Int64, timeWait: Int64, held: Int64) async throws {
      try await eventually("\(orphans) orphans, \(timeWait) in TIME_WAIT and \(held) held") {
        let sweep = sweeper.sweep()
        guard let reading = sweep.namespaces.first, let counts = reading.sockets, let host = sweep.host?[.hostTCPOrphans] else {
          return false
        }
        return counts.orphans == orphans && counts.orphans <= host && counts.ipv4[.finWait2] == orphans + held
          && counts.ipv4[.timeWait] == timeWait && reading.sockstat[.tcpTimeWait] == timeWait
      }
    }
    try await expect(orphans: timeout > 60 ? 20 : 0, timeWait: timeout > 60 ? 0 : 20, held: 5)
    // With the longer timeout no counter of the namespace changes when the five become orphans.
    let null = open("/dev/null", O_RDONLY)
    defer { close(null) }
    // The last ten are pairs of a client and its server. Another file takes the descriptor, which the namespace's thread closes later.
    for (index, descriptor) in made.withLock({ $0 }).suffix(10).enumerated() where index % 2 == 1 { _ = dup2(null, descriptor) }
    try await expect(orphans: timeout > 60 ? 25 : 0, timeWait: timeout > 60 ? 0 : 25, held: 0)
  }

  private static let hasMultipath: Bool = {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), LoopbackSockets.multipath)
    defer { close(descriptor) }
    let netstat = try? String(contentsOfFile: "/proc/net/netstat", encoding: .utf8)
    return descriptor >= 0 && netstat?.contains("MPCurrEstab") == true
  }()

  @Test(
    .enabled(
      if: NamespaceThread.isPermitted && hasMultipath, "needs CAP_SYS_ADMIN to create a network namespace, and Multipath TCP of Linux 6.8"),
    arguments: [AF_INET, AF_INET6])
  func `R89: connections of Multipath TCP that one side has closed are seen`(family: Int32) async throws {
    let busy = try NamespaceThread {
      try LoopbackSockets.bringLoopbackUp()
      let sockets = LoopbackSockets()
      try sockets.listen(1, family, protocol: LoopbackSockets.multipath)
      try sockets.connect(4)
      try sockets.connect(3, then: .serverCloses)
      return sockets
    }
    let plain = try NamespaceThread {
      try LoopbackSockets.bringLoopbackUp()
      let sockets = LoopbackSockets()
      try sockets.listen(1, family)
      try sockets.connect(1)
      return sockets
    }
    defer {
      busy.stop()
      plain.stop()
    }
    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("docker/\(containerID("1"))", [busy.identifier])
    try tree.cgroup("docker/\(containerID("2"))", [plain.identifier])
    let sweeper = LinuxSweeper(
      procFS: ProcFS(), locator: tree.locator, sockets: .inetDiag, cachedNamespaces: 10, now: { Moment(milliseconds: 0) })
    var sweep = sweeper.sweep()
    try await eventually("three clients are in CLOSE_WAIT") {
      sweep = sweeper.sweep()
      guard let sockets = sweep.namespaces.first?.sockets?.multipath?[family == AF_INET ? .ipv4 : .ipv6] else { return false }
      return sockets[.closeWait] == 3 && sockets[.established] == 8 && sockets[.listen] == 1
    }
    let first = sweep.namespaces[0]
    #expect(first.netstat[.mpCurrEstab] == 11)
    // TCP itself shows none of it.
    #expect(first.sockets?.ipv4[.closeWait] == 0 && first.sockets?.ipv6[.closeWait] == 0)
    #expect(sweep.namespaces[1].sockets?.multipath == nil)
    #expect(sweep.namespaces[1].netstat[.mpCurrEstab] == 0)
    let metrics = AgentMetrics(
      node: "n", roll: [RollEntry.test("shop", "web", "app", id: containerID("1"))], sweep: sweep,
      state: AgentState(version: "1", sweeps: 1, answers: AnswerCounts()), process: nil, memoryPageBytes: 4096)
    let text = String(decoding: metrics.render(), as: UTF8.self)
    let name = family == AF_INET ? "ipv4" : "ipv6"
    #expect(text.contains(#"rollcall_pod_mptcp_sockets{namespace="shop",pod="web",node="n",state="close_wait",family="\#(name)"} 3"#))
    #expect(text.contains(#"rollcall_pod_mptcp_current_established{namespace="shop",pod="web",node="n"} 11"#))
  }

  @Test(.enabled(if: NamespaceThread.isPermitted, "needs CAP_SYS_ADMIN to create a network namespace"))
  func `cached socket counts equal a new count after every kind of change`() async throws {
    let made = Mutex<[Int32]>([])
    let busy = try NamespaceThread {
      try LoopbackSockets.bringLoopbackUp()
      let sockets = LoopbackSockets()
      try sockets.listen(1)
      try sockets.connect(1)
      try sockets.connect(1, then: .serverCloses)
      try sockets.connectWithoutAccepting(1)
      made.withLock { $0 = sockets.descriptors }
      return sockets
    }
    defer { busy.stop() }
    let descriptors = made.withLock { $0 }
    try #require(descriptors.count == 5)
    let (listener, client, inCloseWait) = (descriptors[0], descriptors[1], descriptors[3])

    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("docker/\(containerID("1"))", [busy.identifier])
    func sweeper(keeping count: Int) -> LinuxSweeper {
      LinuxSweeper(
        procFS: ProcFS(), locator: tree.locator, sockets: .inetDiag, cachedNamespaces: count, now: { Moment(milliseconds: 0) })
    }
    let remembering = sweeper(keeping: 10)
    let forgetful = sweeper(keeping: 0)
    var accepted: Int32 = -1
    defer { close(accepted) }
    var seen: Set<SocketCounts> = []
    for step in [
      {}, {}, { accepted = accept(listener, nil, nil) }, {}, { _ = shutdown(client, Int32(SHUT_WR)) },
      { _ = shutdown(inCloseWait, Int32(SHUT_WR)) }, { _ = shutdown(listener, Int32(SHUT_RD)) }, {},
    ] {
      step()
      try await eventually("both count the same") {
        let counts = remembering.sweep().namespaces.first?.sockets
        if let counts { seen.insert(counts) }
        return counts != nil && counts == forgetful.sweep().namespaces.first?.sockets
      }
    }
    // The initial counts, and one more for each step with an effect.
    #expect(seen.count >= 5)
  }

  @Test(.enabled(if: NamespaceThread.isPermitted, "needs CAP_SYS_ADMIN to create a network namespace"))
  func `a sweep without budget for counting sockets shows counts of up to 30 s ago`() async throws {
    let made = Mutex<[Int32]>([])
    let busy = try NamespaceThread {
      try LoopbackSockets.bringLoopbackUp()
      let sockets = LoopbackSockets()
      try sockets.listen(1)
      try sockets.connect(1)
      made.withLock { $0 = sockets.descriptors }
      return sockets
    }
    defer { busy.stop() }
    let client = try #require(made.withLock { $0.count == 3 ? $0[1] : nil })
    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("docker/\(containerID("1"))", [busy.identifier])
    let clock = Mutex(Moment(milliseconds: 0))
    let sweeper = LinuxSweeper(
      procFS: ProcFS(), locator: tree.locator, sockets: .inetDiag, cachedNamespaces: 10, socketBudget: .zero, now: { clock.withLock { $0 } }
    )
    func established() throws -> Int64 { try #require(sweeper.sweep().namespaces.first?.sockets?.ipv4[.established]) }
    #expect(try established() == 2)
    _ = shutdown(client, Int32(SHUT_WR))
    #expect(try established() == 2)
    clock.withLock { $0 = Moment(milliseconds: 30_000) }
    #expect(try established() == 0)
  }

  @Test(.enabled(if: NamespaceThread.isPermitted, "needs CAP_SYS_ADMIN to create a network namespace"))
  func `if a namespace cannot be entered, its other numbers are read and the problem is reported`() async throws {
    // Entering a file that is not a namespace fails, as it does without the capability.
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    for process in [10, 11] {
      try tree.process(Int32(process), namespace: "\(process)", sockets: 40)
      try tree.cgroup("docker/\(containerID("\(process)"))", [Int32(process)])
    }
    let without = tree.sweep(sockets: .inetDiag)
    #expect(without.namespaces.map { $0.sockstat[.tcpInUse] } == [40, 40])
    #expect(without.namespaces.map { $0.sockets } == [nil, nil])
    #expect("\(try #require(without.socketProblem))".hasPrefix("enter \(tree.folder.path)/proc/10/ns/net: "))
    let withText = tree.sweep(sockets: .inetDiagOrText)
    #expect(withText.namespaces.map { $0.sockets?.ipv4[.listen] } == [30, 30])
    #expect(withText.socketProblem != nil)
  }

  @Test(.enabled(if: NamespaceThread.isPermitted, "needs CAP_SYS_ADMIN to create a network namespace"))
  func `file systems are read by a thread that has not entered a namespace`() async throws {
    let pod = try NamespaceThread {
      try LoopbackSockets.bringLoopbackUp()
      let sockets = LoopbackSockets()
      try sockets.listen(1)
      return sockets
    }
    defer { pod.stop() }
    let tree = try FixtureTree()
    try tree.unify()
    try tree.cgroup("docker/\(containerID("1"))", [pod.identifier])
    @Sendable func ownNamespace() -> String? { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net") }
    // The probe reads the clock on its thread.
    let seen = Mutex<Set<String?>>([])
    let monitor = FilesystemMonitor(
      procFS: ProcFS(),
      now: {
        seen.withLock { _ = $0.insert(ownNamespace()) }
        return Moment(milliseconds: 0)
      })
    let sweeper = LinuxSweeper(
      procFS: ProcFS(), locator: tree.locator, sockets: .inetDiag, filesystems: monitor, now: { Moment(milliseconds: 0) })
    #expect(sweeper.sweep().namespaces.first?.sockets?.ipv4[.listen] == 1)
    try await eventually("the probe has ended") { sweeper.sweep().filesystems != nil }
    #expect(seen.withLock { $0 } == [ownNamespace()])
  }
}
