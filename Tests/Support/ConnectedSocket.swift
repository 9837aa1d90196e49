internal import Foundation

/// A TCP connection to that IPv4 address and port, whose descriptor is the caller's to close; `nil` if nobody accepts it.
/// - Parameter source: our own address; `nil` for the one that the system chooses.
package func connectedSocket(host: String = "127.0.0.1", port: Int, from source: String? = nil) -> Int32? {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { return nil }
  func with(_ host: String, port: Int, _ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Bool {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = in_port_t(port).bigEndian
    guard inet_pton(AF_INET, host, &name.sin_addr) == 1 else { return false }
    return withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    } == 0
  }
  if source.map({ with($0, port: 0, bind) }) ?? true, with(host, port: port, connect) { return descriptor }
  close(descriptor)
  return nil
}
