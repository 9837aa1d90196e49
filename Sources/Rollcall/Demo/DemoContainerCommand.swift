internal import ArgumentParser
internal import Glibc

/// The process of a container of the demo, with a known number of real sockets. Hidden, because only the demo runs it.
struct DemoContainerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo-container", abstract: "Open TCP sockets on loopback and hold them until standard input ends.", shouldDisplay: false)

  @Option(help: "The directory of the simulated cgroup; the process writes its ID there once the sockets are open.")
  var cgroup: String

  @Option(help: "The number of listening sockets.")
  var listening = 0

  @Option(help: "The number of connections to the first listening socket; each has two established sockets.")
  var connections = 0

  func validate() throws {
    guard listening >= 0, connections >= 0, connections == 0 || listening > 0 else {
      throw ValidationError("--connections needs at least one --listening socket, and neither can be negative")
    }
  }

  func run() throws {
    bringLoopbackUp()
    let listeners = try (0..<listening).map { _ in try LoopbackSocket.listening() }
    if let first = listeners.first {
      for _ in 0..<connections {
        try first.connectToItself()
      }
    }
    try DemoDirectory(path: cgroup).write("\(getpid())\n", to: "cgroup.procs")
    var byte: UInt8 = 0
    while read(STDIN_FILENO, &byte, 1) > 0 {}
  }

  /// Brings up the loopback interface, which is down in a new network namespace. In the machine's own namespace it is already up and the
  /// call may be refused, so the result is ignored; opening a socket reports a real failure.
  private func bringLoopbackUp() {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    var request = ifreq()
    withUnsafeMutableBytes(of: &request.ifr_ifrn.ifrn_name) { $0.copyBytes(from: "lo".utf8) }
    request.ifr_ifru.ifru_flags = Int16(IFF_UP | IFF_RUNNING)
    _ = ioctl(descriptor, UInt(SIOCSIFFLAGS), &request)
  }
}

/// A TCP socket on 127.0.0.1. Its descriptor stays open until the process ends.
private struct LoopbackSocket {
  var descriptor: Int32

  static func listening() throws -> LoopbackSocket {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw SystemCallError(call: "socket") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let bound = withSocketAddress(&address) { bind(descriptor, $0, $1) }
    guard bound == 0 else { throw SystemCallError(call: "bind") }
    guard listen(descriptor, 128) == 0 else { throw SystemCallError(call: "listen") }
    return LoopbackSocket(descriptor: descriptor)
  }

  func connectToItself() throws {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let named = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard named == 0 else { throw SystemCallError(call: "getsockname") }
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard client >= 0 else { throw SystemCallError(call: "socket") }
    guard Self.withSocketAddress(&address, { connect(client, $0, $1) }) == 0 else { throw SystemCallError(call: "connect") }
    guard accept(descriptor, nil, nil) >= 0 else { throw SystemCallError(call: "accept") }
  }

  private static func withSocketAddress(
    _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}

/// A failed system call.
struct SystemCallError: Error, CustomStringConvertible {
  var call: String
  var number = errno

  var description: String { "\(call): \(String(cString: strerror(number)))" }
}
