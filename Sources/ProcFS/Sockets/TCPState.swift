/// The state of a TCP socket, by the kernel's numbers.
/// Source: the kernel's include/net/tcp_states.h. Its TCP_NEW_SYN_RECV is shown as SYN_RECV, and TCP_BOUND_INACTIVE is only shown to who
/// asks for it.
package enum TCPState: Int, CaseIterable, Hashable, Sendable {
  case established = 1
  case synSent, synReceived, finWait1, finWait2, timeWait, close, closeWait, lastAck, listen, closing

  /// As ss(8) spells them, with `_` for `-`.
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

  /// Whether a socket that no process holds is on its way to the end in this state. One in TIME_WAIT is not counted: it always looks so.
  var isClosingDown: Bool {
    switch self {
    case .finWait1, .finWait2, .lastAck, .closing: true
    default: false
    }
  }
}
