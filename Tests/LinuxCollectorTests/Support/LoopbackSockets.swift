import Foundation
import Testing

/// Sockets on the loopback interface of the calling thread's network namespace.
final class LoopbackSockets {
  private(set) var descriptors: [Int32] = []

  func close() {
    for descriptor in descriptors { _ = Foundation.close(descriptor) }
  }

  /// The socket that `connect` connects to: the last one that listens.
  private var listener: Int32 = -1
  private var protocolNumber: Int32 = 0

  /// IPPROTO_MPTCP. Source: the kernel's include/uapi/linux/in.h.
  static let multipath: Int32 = 262

  /// - Parameter protocolNumber: of the listening sockets, and of the clients that connect to them.
  func listen(_ count: Int, _ family: Int32 = AF_INET, protocol protocolNumber: Int32 = 0) throws {
    self.protocolNumber = protocolNumber
    for _ in 0..<count {
      listener = try open(SOCK_STREAM, family)
      try check(bind(listener, family))
      try check(Foundation.listen(listener, 128))
    }
  }

  enum Ending {
    case staysOpen
    /// Leaves the client in CLOSE_WAIT and the server in FIN_WAIT_2 without a process.
    case serverCloses
    /// Leaves the client in CLOSE_WAIT and the server in FIN_WAIT_2 with its process.
    case serverShutsDown
    /// Leaves the server in TIME_WAIT.
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
      if ending == .serverShutsDown {
        descriptors.append(accepted)
        try check(shutdown(accepted, Int32(SHUT_WR)))
      } else {
        _ = Foundation.close(accepted)
      }
      // Waits for the end of the stream.
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

  /// Sends datagrams to the last socket, which are never read.
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

  /// Sets the loopback interface up, which is down in a new namespace.
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
    let descriptor = socket(family, Int32(type.rawValue), type == SOCK_STREAM ? protocolNumber : 0)
    try check(descriptor)
    descriptors.append(descriptor)
    return descriptor
  }

  /// Binds to the loopback address with a port chosen by the kernel.
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
