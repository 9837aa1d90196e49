/// Counts of one network namespace's sockets, from a list of all of them.
package struct SocketCounts: Hashable, Sendable {
  package var ipv4 = FamilySockets()
  package var ipv6 = FamilySockets()
  /// TCP connections that no process holds and that the peer has not finished closing: the kernel's orphans, of this namespace alone.
  package private(set) var orphans: Int64 = 0
  /// TCP connections that a process holds although it has closed its direction. When it closes the socket, they become orphans without a
  /// change of any counter.
  package private(set) var heldHalfClosed: Int64 = 0
  package var acceptQueues = AcceptQueues()
  /// The connections and listening sockets of Multipath TCP; `nil` if they were not counted. Each connection consists of TCP connections
  /// that are counted above, and whose states do not show when one side has closed.
  package var multipath: MultipathSockets?

  package init() {}

  package enum Family: CaseIterable, Hashable, Sendable {
    case ipv4, ipv6
  }

  package subscript(family: Family) -> FamilySockets {
    get { family == .ipv4 ? ipv4 : ipv6 }
    set { if family == .ipv4 { ipv4 = newValue } else { ipv6 = newValue } }
  }

  /// One TCP socket of a list.
  struct TCPSocket {
    /// The kernel's number of the state.
    var state: Int
    /// 0 for a socket that no process holds.
    var inode: UInt32
    /// Whether it is a mini-socket, by which the kernel replaces a connection in TIME_WAIT, and one in FIN_WAIT_2 that no process holds. Of
    /// the latter the list shows the state FIN_WAIT_2; sockstat counts both as `tw` and neither as an orphan.
    /// Source: `tcp_time_wait` in the kernel's net/ipv4/tcp_minisocks.c.
    var isMini: Bool
    /// For a listening socket, the connections waiting to be accepted.
    var receiveQueue: UInt32
    /// For a listening socket, the accept queue's limit; `nil` if unknown, as from the text files.
    var listenLimit: UInt32?

    /// The timer that the lists show for mini-sockets only. Source: sock_diag(7), `idiag_timer`; `tr` in proc_net(5).
    static let miniSocketTimer = 3
  }

  mutating func countTCP(_ family: Family, _ socket: TCPSocket) {
    // An unknown state of a newer kernel.
    guard let state = TCPState(rawValue: socket.state) else { return }
    if family == .ipv4 { ipv4.add(state, isMini: socket.isMini) } else { ipv6.add(state, isMini: socket.isMini) }
    if state == .listen { acceptQueues.add(length: socket.receiveQueue, limit: socket.listenLimit) }
    guard state.isClosingDown, !socket.isMini else { return }
    if socket.inode == 0 { orphans += 1 } else { heldHalfClosed += 1 }
  }

  mutating func countMultipath(_ family: Family, state number: Int) {
    guard let state = TCPState(rawValue: number) else { return }
    if multipath == nil { multipath = MultipathSockets() }
    multipath?[family].add(state)
  }

  mutating func countUDP(_ family: Family, receiveQueue: UInt32, sendQueue: UInt32, drops: UInt32) {
    if family == .ipv4 {
      ipv4.udp?.add(receiveQueue: receiveQueue, sendQueue: sendQueue, drops: drops)
    } else {
      ipv6.udp?.add(receiveQueue: receiveQueue, sendQueue: sendQueue, drops: drops)
    }
  }
}

/// The sockets of one address family. An IPv6 socket with an IPv4-mapped peer counts as IPv6.
package struct FamilySockets: Hashable, Sendable {
  private var tcp = StateCounts()
  /// The mini-sockets whose state is FIN_WAIT_2; they are counted in TIME_WAIT.
  package private(set) var finWait2MiniSockets: Int64 = 0
  /// `nil` if the kernel does not list them.
  package var udp: UDPSockets? = UDPSockets()

  /// Every mini-socket counts in TIME_WAIT.
  package subscript(state: TCPState) -> Int64 { tcp[state] }

  fileprivate mutating func add(_ state: TCPState, isMini: Bool) {
    tcp.add(isMini ? .timeWait : state)
    if isMini, state == .finWait2 { finWait2MiniSockets += 1 }
  }
}

/// Numbers of sockets by state.
package struct StateCounts: Hashable, Sendable {
  private var counts = [Int64](repeating: 0, count: TCPState.allCases.count)

  package subscript(state: TCPState) -> Int64 { counts[state.rawValue - 1] }

  fileprivate mutating func add(_ state: TCPState) { counts[state.rawValue - 1] += 1 }
}

/// The sockets of Multipath TCP by address family and state.
package struct MultipathSockets: Hashable, Sendable {
  package var ipv4 = StateCounts()
  package var ipv6 = StateCounts()

  package subscript(family: SocketCounts.Family) -> StateCounts {
    get { family == .ipv4 ? ipv4 : ipv6 }
    set { if family == .ipv4 { ipv4 = newValue } else { ipv6 = newValue } }
  }
}

package struct UDPSockets: Hashable, Sendable {
  package private(set) var count: Int64 = 0
  /// Bytes waiting to be read.
  package private(set) var receiveQueue: Int64 = 0
  /// Bytes waiting to be sent.
  package private(set) var sendQueue: Int64 = 0
  /// Datagrams dropped by the current sockets. Decreases when a socket closes.
  package private(set) var drops: Int64 = 0

  mutating func add(receiveQueue: UInt32, sendQueue: UInt32, drops: UInt32) {
    count += 1
    self.receiveQueue += Int64(receiveQueue)
    self.sendQueue += Int64(sendQueue)
    self.drops += Int64(drops)
  }
}

/// The queues of established connections that no process has accepted yet.
package struct AcceptQueues: Hashable, Sendable {
  /// Connections in all queues.
  package private(set) var total: Int64 = 0
  /// Connections in the longest queue.
  package private(set) var longest: Int64 = 0
  /// The fill ratio of the fullest queue: at 1 it accepts no more. `nil` if the limits are unknown or no socket listens.
  package private(set) var fullest: Double?

  mutating func add(length: UInt32, limit: UInt32?) {
    total += Int64(length)
    longest = max(longest, Int64(length))
    guard let limit else { return }
    // The kernel accepts one connection more than the limit. Source: `sk_acceptq_is_full` in include/net/sock.h.
    fullest = max(fullest ?? 0, min(1, Double(length) / (Double(limit) + 1)))
  }
}

/// The state of a TCP socket; raw values are the kernel's numbers.
/// Source: the kernel's include/net/tcp_states.h. The kernel reports TCP_NEW_SYN_RECV as SYN_RECV, and TCP_BOUND_INACTIVE only on request.
package enum TCPState: Int, CaseIterable, Hashable, Sendable {
  case established = 1
  case synSent, synReceived, finWait1, finWait2, timeWait, close, closeWait, lastAck, listen, closing

  /// The name that ss(8) prints, with `_` for `-`.
  package var name: String {
    switch self {
    case .established: "established"
    case .synSent: "syn_sent"
    case .synReceived: "syn_recv"
    case .finWait1: "fin_wait_1"
    case .finWait2: "fin_wait_2"
    case .timeWait: "time_wait"
    case .close: "close"
    case .closeWait: "close_wait"
    case .lastAck: "last_ack"
    case .listen: "listen"
    case .closing: "closing"
    }
  }

  /// Whether a socket in this state without a process is an orphan. TIME_WAIT is excluded: no such socket has a process.
  var isClosingDown: Bool {
    switch self {
    case .finWait1, .finWait2, .lastAck, .closing: true
    default: false
    }
  }
}
