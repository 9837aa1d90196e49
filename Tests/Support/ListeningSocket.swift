internal import Foundation

/// Where a test server listens.
package enum ListeningAddress: Sendable {
  /// An IPv4 address of 127.0.0.0/8; port 0 is any free one.
  case tcp(host: String = "127.0.0.1", port: Int = 0)
  /// A path of at most 107 bytes; a socket that is there is replaced.
  case unix(path: String)
}

/// A listening socket: created, bound, and its port read.
struct ListeningSocket {
  let descriptor: Int32
  /// 0 for a Unix socket.
  let port: Int

  init(_ address: ListeningAddress) throws(SocketError) {
    switch address {
    case .tcp(let host, let port):
      descriptor = try Self.make(AF_INET)
      self.port = try Self.bind(descriptor, host: host, port: port)
    case .unix(let path):
      descriptor = try Self.make(AF_UNIX)
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      let fits = withUnsafeMutableBytes(of: &name.sun_path) { room in
        guard path.utf8.count < room.count else { return false }
        room.copyBytes(from: path.utf8)
        return true
      }
      guard fits else { throw SocketError(saying: "\(path) is too long for a Unix socket") }
      unlink(path)
      try Self.bind(descriptor, &name)
      port = 0
    }
    guard listen(descriptor, 1024) == 0 else { throw SocketError("listen") }
  }

  fileprivate static func make(_ family: Int32) throws(SocketError) -> Int32 {
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SocketError("socket") }
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    return descriptor
  }

  /// - Returns: the port, which the kernel chooses where `port` is 0.
  fileprivate static func bind(_ descriptor: Int32, host: String, port: Int) throws(SocketError) -> Int {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = in_port_t(port).bigEndian
    guard inet_pton(AF_INET, host, &name.sin_addr) == 1 else { throw SocketError(saying: "\(host) is not an IPv4 address") }
    try bind(descriptor, &name)
    return try Self.port(of: descriptor)
  }

  private static func bind<Name>(_ descriptor: Int32, _ name: inout Name) throws(SocketError) {
    let result = withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Foundation.bind(descriptor, $0, socklen_t(MemoryLayout<Name>.size)) }
    }
    guard result == 0 else {
      let error = SocketError("bind")
      close(descriptor)
      throw error
    }
  }

  private static func port(of descriptor: Int32) throws(SocketError) -> Int {
    var name = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard result == 0 else { throw SocketError("getsockname") }
    return Int(in_port_t(bigEndian: name.sin_port))
  }
}

/// A port of 127.0.0.1 that refuses connections for as long as this value lives: its socket is bound and never listens.
package final class ClosedPort: Sendable {
  package let number: Int
  private let descriptor: Int32

  package init() throws(SocketError) {
    descriptor = try ListeningSocket.make(AF_INET)
    number = try ListeningSocket.bind(descriptor, host: "127.0.0.1", port: 0)
  }

  deinit { close(descriptor) }
}
