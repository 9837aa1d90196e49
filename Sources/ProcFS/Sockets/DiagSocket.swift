internal import CLinux

#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A netlink socket that lists the sockets of the network namespace which its thread was in when it was made.
package struct DiagSocket: ~Copyable {
  private let descriptor: CInt

  package init() throws(ProcFSError) {
    descriptor = socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), NETLINK_SOCK_DIAG)
    if descriptor < 0 { throw .system(.open, path: "sock_diag", code: errno) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Counts the TCP sockets of both families.
  package func countTCP(into counts: inout SocketCounts, _ buffer: ReadBuffer) throws(ProcFSError) {
    try dump(.tcp, into: &counts, buffer)
  }

  package func countUDP(_ family: SocketCounts.Family, into counts: inout SocketCounts, _ buffer: ReadBuffer) throws(ProcFSError) {
    try dump(.udp(family), into: &counts, buffer)
  }

  private func dump(_ request: DiagRequest, into counts: inout SocketCounts, _ buffer: ReadBuffer) throws(ProcFSError) {
    let message = request.bytes
    let sent = message.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
    if sent < 0 { throw .system(.send, path: request.name, code: errno) }
    while true {
      switch buffer.receive(from: descriptor) {
      case .failed(let code): throw .system(.receive, path: request.name, code: code)
      case .tooLarge: throw .tooLarge(path: request.name, limit: ReadBuffer.maximumSize)
      case .bytes(let datagram):
        switch DiagReply.count(datagram, of: request, into: &counts) {
        case .more: continue
        case .done: return
        case .failed(let code): throw .system(.receive, path: request.name, code: code)
        case .malformed: throw .malformed(path: request.name, line: 1, reason: "a message is cut off")
        }
      }
    }
  }
}
