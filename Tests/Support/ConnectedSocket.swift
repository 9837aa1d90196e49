internal import Foundation

/// A TCP connection to that IPv4 address and port, whose descriptor is the caller's to close; `nil` if nobody accepts it.
package func connectedSocket(host: String = "127.0.0.1", port: Int) -> Int32? {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { return nil }
  var name = sockaddr_in()
  name.sin_family = sa_family_t(AF_INET)
  name.sin_port = in_port_t(port).bigEndian
  let isConnected =
    inet_pton(AF_INET, host, &name.sin_addr) == 1
    && withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    } == 0
  if isConnected { return descriptor }
  close(descriptor)
  return nil
}
