internal import CLinux
internal import Glibc

/// A netlink socket for sock_diag(7). It lists the sockets of the network namespace that its thread was in when it was created.
package struct DiagSocket: ~Copyable {
  private let descriptor: CInt

  package init() throws(ProcFSError) {
    descriptor = socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), NETLINK_SOCK_DIAG)
    if descriptor < 0 { throw .system(.open, path: "sock_diag", code: errno) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Adds the TCP sockets of both families to `counts`.
  package func countTCP(into counts: inout SocketCounts, _ buffer: ReadBuffer) throws(ProcFSError) {
    try dump(.tcp, into: &counts, buffer)
  }

  package func countUDP(_ family: SocketCounts.Family, into counts: inout SocketCounts, _ buffer: ReadBuffer) throws(ProcFSError) {
    try dump(.udp(family), into: &counts, buffer)
  }

  /// Counts the sockets of Multipath TCP of both families in `counts`.
  /// - Throws: an error that `isGone` if the kernel lacks the module mptcp_diag.
  package func countMultipath(into counts: inout SocketCounts, _ buffer: ReadBuffer) throws(ProcFSError) {
    counts.multipath = MultipathSockets()
    for family in SocketCounts.Family.allCases { try dump(.multipath(family), into: &counts, buffer) }
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
        case .malformed: throw .malformed(path: request.name, line: 1, reason: "truncated message")
        }
      }
    }
  }
}

/// A dump request of sock_diag(7): all sockets of one kind in the network namespace of the netlink socket.
enum DiagRequest {
  /// TCP of both families, by the older request type (TCPDIAG_GETSOCK). The newer one (SOCK_DIAG_BY_FAMILY) dumps one family at a time, and
  /// each dump walks all connections of the host, which is nearly its whole cost.
  /// Source: `inet_diag_dump_compat` in the kernel's net/ipv4/inet_diag.c.
  case tcp
  case udp(SocketCounts.Family)
  case multipath(SocketCounts.Family)

  /// NLM_F_REQUEST | NLM_F_DUMP, where NLM_F_DUMP is NLM_F_ROOT | NLM_F_MATCH.
  private static let dump = UInt16(NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH)
  /// The bit mask of all `TCPState`s.
  private static let states: UInt32 = TCPState.allCases.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
  // AF_INET, AF_INET6 and IPPROTO_UDP: Swift does not import the kernel headers' enumerations as numbers.
  private static let ipv4: UInt8 = 2
  private static let ipv6: UInt8 = 10
  private static let udpProtocol: UInt8 = 17
  /// IPPROTO_MPTCP, which does not fit into the request's own field, and INET_DIAG_REQ_PROTOCOL, the attribute for such numbers.
  /// Source: the kernel's include/uapi/linux/in.h and inet_diag.h; since Linux 5.9.
  private static let multipathProtocol: UInt32 = 262
  private static let protocolAttribute: UInt16 = 3

  /// For error messages.
  var name: String {
    switch self {
    case .tcp: "sock_diag of TCP"
    case .udp: "sock_diag of UDP"
    case .multipath: "sock_diag of MPTCP"
    }
  }

  var bytes: [UInt8] {
    switch self {
    case .tcp:
      var request = inet_diag_req()
      request.idiag_states = Self.states
      return Self.message(type: UInt16(TCPDIAG_GETSOCK), request)
    case .udp(let family):
      var request = inet_diag_req_v2()
      request.sdiag_family = family == .ipv4 ? Self.ipv4 : Self.ipv6
      request.sdiag_protocol = Self.udpProtocol
      // The memory attribute contains the number of dropped datagrams.
      request.idiag_ext = 1 << UInt8(DiagReply.memoryAttribute - 1)
      request.idiag_states = .max
      return Self.message(type: UInt16(SOCK_DIAG_BY_FAMILY), request)
    case .multipath(let family):
      var request = inet_diag_req_v2()
      request.sdiag_family = family == .ipv4 ? Self.ipv4 : Self.ipv6
      request.idiag_states = Self.states
      let attribute = nlattr(nla_len: UInt16(MemoryLayout<nlattr>.size + MemoryLayout<UInt32>.size), nla_type: Self.protocolAttribute)
      return Self.message(
        type: UInt16(SOCK_DIAG_BY_FAMILY), request,
        withUnsafeBytes(of: attribute) { Array($0) } + withUnsafeBytes(of: Self.multipathProtocol) { Array($0) })
    }
  }

  private static func message(type: UInt16, _ request: some BitwiseCopyable, _ attributes: [UInt8] = []) -> [UInt8] {
    var header = nlmsghdr()
    header.nlmsg_type = type
    header.nlmsg_flags = dump
    let size = withUnsafeBytes(of: header, \.count) + withUnsafeBytes(of: request, \.count) + attributes.count
    header.nlmsg_len = UInt32(size)
    return withUnsafeBytes(of: header) { Array($0) } + withUnsafeBytes(of: request) { Array($0) } + attributes
  }
}

/// One datagram of the reply to a dump. Its messages are sockets, errors, or the end of the dump.
enum DiagReply {
  /// Source: INET_DIAG_SKMEMINFO in the kernel's include/uapi/linux/inet_diag.h, and SK_MEMINFO_DROPS in sock_diag.h.
  static let memoryAttribute = 7
  private static let dropsIndex = 8

  enum Outcome: Equatable {
    case more
    case done
    /// An `errno` from the kernel.
    case failed(CInt)
    case malformed
  }

  /// Adds the sockets of one datagram to `counts`.
  static func count(_ datagram: UnsafeRawBufferPointer, of request: DiagRequest, into counts: inout SocketCounts) -> Outcome {
    let headerSize = MemoryLayout<nlmsghdr>.size
    var offset = 0
    while datagram.count - offset >= headerSize {
      let header = datagram.loadUnaligned(fromByteOffset: offset, as: nlmsghdr.self)
      let length = Int(header.nlmsg_len)
      guard length >= headerSize, length <= datagram.count - offset else { return .malformed }
      let body = UnsafeRawBufferPointer(rebasing: datagram[(offset + headerSize)..<(offset + length)])
      switch CInt(header.nlmsg_type) {
      case NLMSG_DONE, NLMSG_ERROR:
        // A dump that fails after it started, for example without the protocol's module, reports the error in its last message.
        // Source: `netlink_dump_done` in the kernel's net/netlink/af_netlink.c.
        guard body.count >= MemoryLayout<CInt>.size else { return .malformed }
        let code = body.loadUnaligned(as: CInt.self)
        return code < 0 ? .failed(-code) : .done
      default:
        guard body.count >= MemoryLayout<inet_diag_msg>.size else { return .malformed }
        count(body.loadUnaligned(as: inet_diag_msg.self), attributes(of: body), of: request, into: &counts)
      }
      // Messages are aligned to 4 bytes (NLMSG_ALIGNTO).
      offset += (length + 3) & ~3
    }
    return .more
  }

  private static func count(
    _ socket: inet_diag_msg, _ attributes: UnsafeRawBufferPointer, of request: DiagRequest, into counts: inout SocketCounts
  ) {
    switch request {
    case .tcp:
      // 2 is AF_INET; the only other family with TCP is AF_INET6.
      counts.countTCP(
        socket.idiag_family == 2 ? .ipv4 : .ipv6,
        SocketCounts.TCPSocket(
          state: Int(socket.idiag_state), inode: socket.idiag_inode,
          isMini: Int(socket.idiag_timer) == SocketCounts.TCPSocket.miniSocketTimer, receiveQueue: socket.idiag_rqueue,
          listenLimit: socket.idiag_wqueue))
    case .multipath(let family): counts.countMultipath(family, state: Int(socket.idiag_state))
    case .udp(let family):
      counts.countUDP(
        family, receiveQueue: socket.idiag_rqueue, sendQueue: socket.idiag_wqueue, drops: drops(in: attributes))
    }
  }

  private static func attributes(of body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: body[MemoryLayout<inet_diag_msg>.size...])
  }

  private static func drops(in attributes: UnsafeRawBufferPointer) -> UInt32 {
    let headerSize = MemoryLayout<nlattr>.size
    var offset = 0
    while attributes.count - offset >= headerSize {
      let header = attributes.loadUnaligned(fromByteOffset: offset, as: nlattr.self)
      let length = Int(header.nla_len)
      guard length >= headerSize, length <= attributes.count - offset else { return 0 }
      let dropsOffset = headerSize + dropsIndex * MemoryLayout<UInt32>.size
      if Int(header.nla_type) == memoryAttribute, length >= dropsOffset + MemoryLayout<UInt32>.size {
        return attributes.loadUnaligned(fromByteOffset: offset + dropsOffset, as: UInt32.self)
      }
      offset += (length + 3) & ~3
    }
    return 0
  }
}
