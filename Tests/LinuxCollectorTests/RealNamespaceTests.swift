import Foundation
import LinuxCollector
import ProcFS
import Roll
import Synchronization
import TestSupport
import Testing

/// Real sockets in a real network namespace: a thread of this process moves into a new one, and is the container's process.
@Suite(.timeLimit(.minutes(2)))
struct RealNamespaceTests {
  @Test(.enabled(if: NamespaceThread.isPermitted, "needs the right to make a network namespace (CAP_SYS_ADMIN)"))
  func `the sockets of a namespace are counted, and nobody else's`() async throws {
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
    // 25 that listen, and both ends of 40 connections.
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

  /// What a pod of the world has, in both families.
  @Test(
    .enabled(if: NamespaceThread.isPermitted, "needs the right to make a network namespace (CAP_SYS_ADMIN)"),
    arguments: [SocketReading.inetDiag, .text])
  func `sockets are counted in every state that they are in`(reading: SocketReading) async throws {
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
    let sweeper = LinuxSweeper(procFS: ProcFS(), locator: tree.locator, sockets: reading, now: { Moment(milliseconds: 0) })
    var sweep = sweeper.sweep()
    try await eventually("the kernel has acknowledged the end of each that was closed") {
      sweep = sweeper.sweep()
      return sweep.namespaces.first?.sockets.map { $0.ipv4[.finWait1] + $0.ipv6[.finWait1] == 0 } ?? true
    }
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net") == before)

    try #require(sweep.namespaces.count == 2, "\(sweep)")
    #expect(sweep.socketProblem == nil)
    let counts = try #require(sweep.namespaces[0].sockets)
    for family in [counts.ipv4, counts.ipv6] {
      #expect(family[.listen] == 3)
      // Both ends of the four, and both of the three that nobody accepted.
      #expect(family[.established] == 8 + 6)
      // The end that closed has no process any more, the other has not closed yet.
      #expect(family[.finWait2] == 3)
      #expect(family[.closeWait] == 3)
      #expect(family[.timeWait] == 2)
    }
    #expect(counts.orphans == 6)
    #expect(counts.acceptQueues.total == 6)
    #expect(counts.acceptQueues.longest == 3)
    if reading == .inetDiag { #expect(counts.acceptQueues.fullest == 3.0 / 129) }
    #expect(counts.ipv4.udp?.count == 5)
    #expect(counts.ipv6.udp?.count == 6)
    #expect(try #require(counts.ipv6.udp).receiveQueue > 0)
    #expect(sweep.namespaces[1].sockets == SocketCounts())
  }

  @Test(.enabled(if: NamespaceThread.isPermitted, "needs the right to make a network namespace (CAP_SYS_ADMIN)"))
  func `what is remembered of sockets is what a new count finds, whatever was done to them`() async throws {
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
        procFS: ProcFS(), locator: tree.locator, sockets: .inetDiag, keptNamespaces: count, now: { Moment(milliseconds: 0) })
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
    // The first, and one more for each step that did something.
    #expect(seen.count >= 5)
  }

  @Test(.enabled(if: NamespaceThread.isPermitted, "needs the right to make a network namespace (CAP_SYS_ADMIN)"))
  func `a sweep that has no time to count sockets shows those of up to half a minute ago`() async throws {
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
      procFS: ProcFS(), locator: tree.locator, sockets: .inetDiag, keptNamespaces: 10, socketBudget: .zero, now: { clock.withLock { $0 } })
    func established() throws -> Int64 { try #require(sweeper.sweep().namespaces.first?.sockets?.ipv4[.established]) }
    #expect(try established() == 2)
    _ = shutdown(client, Int32(SHUT_WR))
    #expect(try established() == 2)
    clock.withLock { $0 = Moment(milliseconds: 30_000) }
    #expect(try established() == 0)
  }

  @Test(.enabled(if: NamespaceThread.isPermitted, "needs the right to make a network namespace (CAP_SYS_ADMIN)"))
  func `where a namespace cannot be entered the other numbers are there and the problem is told`() async throws {
    // A file is no namespace: entering it fails, as it does without the capability.
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

  @Test(.enabled(if: NamespaceThread.isPermitted, "needs the right to make a network namespace (CAP_SYS_ADMIN)"))
  func `file systems are looked at by a thread that has gone into no namespace`() async throws {
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
    // Whoever looks reads the clock when it is done.
    let seen = Mutex<Set<String?>>([])
    let watch = FilesystemWatch(
      procFS: ProcFS(),
      now: {
        seen.withLock { _ = $0.insert(ownNamespace()) }
        return Moment(milliseconds: 0)
      })
    let sweeper = LinuxSweeper(
      procFS: ProcFS(), locator: tree.locator, sockets: .inetDiag, filesystems: watch, now: { Moment(milliseconds: 0) })
    #expect(sweeper.sweep().namespaces.first?.sockets?.ipv4[.listen] == 1)
    try await eventually("the look is over") { sweeper.sweep().filesystems != nil }
    #expect(seen.withLock { $0 } == [ownNamespace()])
  }
}

/// A thread in a network namespace of its own, which lives until it is stopped.
private final class NamespaceThread: Sendable {
  let identifier: Int32
  private let gate: Gate

  static let isPermitted: Bool = {
    guard let thread = try? NamespaceThread({ LoopbackSockets() }) else { return false }
    thread.stop()
    return true
  }()

  /// Runs `prepare` in the namespace and keeps what it returns open.
  init(_ prepare: @escaping @Sendable () throws -> LoopbackSockets) throws {
    let gate = Gate()
    let ready = Gate()
    let outcome = Mutex<Result<Int32, any Error>>(.failure(CancellationError()))
    let thread = Thread {
      let result = Result {
        try enterNewNetworkNamespace()
        return try prepare()
      }
      outcome.withLock { $0 = result.map { _ in threadIdentifier() } }
      ready.open()
      if case .success(let sockets) = result {
        _ = gate.wait(limit: 600)
        sockets.close()
      }
    }
    thread.start()
    _ = ready.wait()
    identifier = try outcome.withLock { $0 }.get()
    self.gate = gate
  }

  func stop() {
    gate.open()
  }
}

/// Moves the calling thread alone. Swift's import of the C library leaves the call out (it wants _GNU_SOURCE), so it is looked up.
private func enterNewNetworkNamespace() throws {
  let symbol = try #require(dlsym(nil, "unshare"))
  let unshare = unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)
  // Source: CLONE_NEWNET in the kernel's include/uapi/linux/sched.h.
  guard unshare(0x4000_0000) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM) }
}

/// The number under which `/proc` has the calling thread: its link `thread-self` is `<pid>/task/<tid>`.
private func threadIdentifier() -> Int32 {
  let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
  return link?.split(separator: "/").last.flatMap { Int32($0) } ?? 0
}

/// Sockets on 127.0.0.1 of the namespace that the calling thread is in.
private final class LoopbackSockets {
  private(set) var descriptors: [Int32] = []

  func close() {
    for descriptor in descriptors { _ = Foundation.close(descriptor) }
  }

  /// The last that listens is the one that is connected to.
  private var listener: Int32 = -1

  func listen(_ count: Int, _ family: Int32 = AF_INET) throws {
    for _ in 0..<count {
      listener = try open(SOCK_STREAM, family)
      try check(bind(listener, family))
      try check(Foundation.listen(listener, 128))
    }
  }

  enum Ending {
    case staysOpen
    /// The client's end is left in CLOSE_WAIT, the server's in FIN_WAIT_2 without a process.
    case serverCloses
    /// The server's end is left in TIME_WAIT.
    case clientClosesAfterServer
  }

  func connect(_ count: Int, then ending: Ending = .staysOpen) throws {
    for _ in 0..<count {
      let client = try openClient()
      let accepted = accept(listener, nil, nil)
      try check(accepted)
      guard ending != .staysOpen else {
        descriptors.append(accepted)
        continue
      }
      _ = Foundation.close(accepted)
      // The end of the stream has come when the client reads it.
      var byte: UInt8 = 0
      try check(Int32(read(client, &byte, 1)))
      if ending == .clientClosesAfterServer {
        descriptors.removeAll { $0 == client }
        _ = Foundation.close(client)
      }
    }
  }

  func connectWithoutAccepting(_ count: Int) throws {
    for _ in 0..<count { _ = try openClient() }
  }

  func bindUDP(_ count: Int, _ family: Int32 = AF_INET) throws {
    for _ in 0..<count {
      let descriptor = try open(SOCK_DGRAM, family)
      try check(bind(descriptor, family))
    }
  }

  /// Datagrams to the last socket, which nobody reads.
  func sendToSelf(_ count: Int) throws {
    let descriptor = descriptors[descriptors.count - 1]
    try check(withName(of: descriptor) { Foundation.connect(descriptor, $0, $1) })
    for _ in 0..<count { try check(Int32(send(descriptor, "datagram", 8, 0))) }
  }

  private func openClient() throws -> Int32 {
    var family: Int32 = 0
    _ = withName(of: listener) { address, _ in
      family = Int32(address.pointee.sa_family)
      return 0
    }
    let client = try open(SOCK_STREAM, family)
    try check(withName(of: listener) { Foundation.connect(client, $0, $1) })
    return client
  }

  /// A new namespace's loopback interface is down.
  static func bringLoopbackUp() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { _ = Foundation.close(descriptor) }
    // struct ifreq: 16 bytes of name, then the flags; 40 bytes in all. Source: netdevice(7).
    var request = [UInt8](repeating: 0, count: 40)
    request.replaceSubrange(0..<2, with: Array("lo".utf8))
    withUnsafeBytes(of: UInt16(IFF_UP)) { request.replaceSubrange(16..<18, with: $0) }
    let done = request.withUnsafeMutableBytes { $0.baseAddress.map { ioctl(descriptor, UInt(SIOCSIFFLAGS), $0) } }
    guard done == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM) }
  }

  private func open(_ type: __socket_type, _ family: Int32) throws -> Int32 {
    let descriptor = socket(family, Int32(type.rawValue), 0)
    try check(descriptor)
    descriptors.append(descriptor)
    return descriptor
  }

  /// To a port of the kernel's choice on the loopback address.
  private func bind(_ descriptor: Int32, _ family: Int32) -> Int32 {
    if family == AF_INET6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_addr = in6addr_loopback
      return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Foundation.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private func withName(of descriptor: Int32, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(descriptor, $0, &length) == 0 ? body($0, length) : -1
      }
    }
  }

  private func check(_ result: Int32) throws {
    if result < 0 { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM) }
  }
}
