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
  private var descriptors: [Int32] = []

  func close() {
    for descriptor in descriptors { _ = Foundation.close(descriptor) }
  }

  func listen(_ count: Int) throws {
    for _ in 0..<count {
      let descriptor = try open(SOCK_STREAM)
      try check(bind(descriptor, port: 0))
      try check(Foundation.listen(descriptor, 128))
    }
  }

  /// To the first of those that listen.
  func connect(_ count: Int) throws {
    let listener = descriptors[0]
    var address = try name(of: listener)
    for _ in 0..<count {
      let client = try open(SOCK_STREAM)
      try check(
        withUnsafeMutablePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            Foundation.connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        })
      let accepted = accept(listener, nil, nil)
      try check(accepted)
      descriptors.append(accepted)
    }
  }

  func bindUDP(_ count: Int) throws {
    for _ in 0..<count {
      try check(bind(open(SOCK_DGRAM), port: 0))
    }
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

  private func open(_ type: __socket_type) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
    try check(descriptor)
    descriptors.append(descriptor)
    return descriptor
  }

  private func bind(_ descriptor: Int32, port: UInt16) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private func name(of descriptor: Int32) throws -> sockaddr_in {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    try check(
      withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
      })
    return address
  }

  private func check(_ result: Int32) throws {
    if result < 0 { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM) }
  }
}
