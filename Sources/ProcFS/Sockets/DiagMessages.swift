internal import CLinux

// What is said over sock_diag(7): a request, and datagrams of messages, each of which is a socket, the end of the dump, or an error.

/// A request for every socket of one kind in the namespace of the socket that it is sent over.
enum DiagRequest {
  /// TCP of both families. The older of the two requests: that by family looks through all connections of the host once for each family,
  /// which is nearly all that it costs, this one does so once for both.
  /// Source: `inet_diag_dump_compat` in the kernel's net/ipv4/inet_diag.c.
  case tcp
  case udp(SocketCounts.Family)

  /// Source: NLM_F_REQUEST, and NLM_F_DUMP, which is NLM_F_ROOT and NLM_F_MATCH.
  private static let dump = UInt16(NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH)
  /// Those of the kernel's states that `TCPState` has.
  private static let states: UInt32 = TCPState.allCases.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
  // The C library's and not the kernel's names; Swift does not import the enumeration of the latter as numbers.
  private static let ipv4: UInt8 = 2
  private static let ipv6: UInt8 = 10
  private static let udpProtocol: UInt8 = 17

  /// For messages.
  var name: String {
    switch self {
    case .tcp: "sock_diag of TCP"
    case .udp: "sock_diag of UDP"
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
      // The memory information has the datagrams that were dropped.
      request.idiag_ext = 1 << UInt8(DiagReply.memoryAttribute - 1)
      request.idiag_states = .max
      return Self.message(type: UInt16(SOCK_DIAG_BY_FAMILY), request)
    }
  }

  private static func message(type: UInt16, _ request: some BitwiseCopyable) -> [UInt8] {
    var header = nlmsghdr()
    header.nlmsg_type = type
    header.nlmsg_flags = dump
    let size = withUnsafeBytes(of: header, \.count) + withUnsafeBytes(of: request, \.count)
    header.nlmsg_len = UInt32(size)
    return withUnsafeBytes(of: header) { Array($0) } + withUnsafeBytes(of: request) { Array($0) }
  }
}

/// One datagram of the answer.
enum DiagReply {
  /// Source: INET_DIAG_SKMEMINFO in the kernel's include/uapi/linux/inet_diag.h, and SK_MEMINFO_DROPS in sock_diag.h.
  static let memoryAttribute = 7
  private static let dropsIndex = 8

  enum Outcome: Equatable {
    case more
    case done
    /// The kernel's refusal, as an `errno`.
    case failed(CInt)
    case malformed
  }

  /// Counts the sockets of one datagram.
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
        // A dump that fails once it has begun, as for want of the protocol's module, says so in its last message.
        // Source: `netlink_dump_done` in the kernel's net/netlink/af_netlink.c.
        guard body.count >= MemoryLayout<CInt>.size else { return .malformed }
        let code = body.loadUnaligned(as: CInt.self)
        return code < 0 ? .failed(-code) : .done
      default:
        guard body.count >= MemoryLayout<inet_diag_msg>.size else { return .malformed }
        count(body.loadUnaligned(as: inet_diag_msg.self), attributes(of: body), of: request, into: &counts)
      }
      // Messages begin at multiples of four bytes.
      offset += (length + 3) & ~3
    }
    return .more
  }

  private static func count(
    _ socket: inet_diag_msg, _ attributes: UnsafeRawBufferPointer, of request: DiagRequest, into counts: inout SocketCounts
  ) {
    switch request {
    case .tcp:
      // Source: AF_INET; everything else that speaks TCP is AF_INET6.
      counts.countTCP(
        socket.idiag_family == 2 ? .ipv4 : .ipv6, state: Int(socket.idiag_state), inode: socket.idiag_inode,
        receiveQueue: socket.idiag_rqueue, listenLimit: socket.idiag_wqueue)
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
      let place = headerSize + dropsIndex * MemoryLayout<UInt32>.size
      if Int(header.nla_type) == memoryAttribute, length >= place + MemoryLayout<UInt32>.size {
        return attributes.loadUnaligned(fromByteOffset: offset + place, as: UInt32.self)
      }
      offset += (length + 3) & ~3
    }
    return 0
  }
}
