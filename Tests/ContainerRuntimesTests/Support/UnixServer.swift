import Foundation
import TestSupport

/// Sends a fixed response to each client and closes the connection. With `nil` it never responds.
final class UnixServer: Sendable {
  let path: String
  private let folder: TemporaryFolder
  private let descriptor: Int32

  init(_ response: String?) throws {
    let folder = try TemporaryFolder()
    self.folder = folder
    path = folder.path + "/server.sock"
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    self.descriptor = descriptor
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    guard bound == 0, listen(descriptor, 8) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    guard let response else { return }
    Thread {
      while true {
        let connection = accept(descriptor, nil, nil)
        if connection < 0 { return }
        var request = [UInt8](repeating: 0, count: 4096)
        _ = read(connection, &request, request.count)
        _ = response.withCString { write(connection, $0, strlen($0)) }
        close(connection)
      }
    }.start()
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }
}
