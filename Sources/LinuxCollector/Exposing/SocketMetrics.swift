internal import Exposition
internal import ProcFS

/// What is known of a namespace's sockets when they are counted one by one.
enum SocketMetrics {
  static let all: [NamespaceMetric] = [
    NamespaceMetric(
      name: "tcp_sockets", type: .gauge,
      help:
        "TCP sockets in the pod's network namespace by state and address family; an IPv6 socket that speaks to an IPv4 address is of ipv6."
    ) { reading, emit in
      guard let sockets = reading.sockets else { return }
      for series in states { emit(series.labels, Double(sockets[series.family][series.state])) }
    },
    gauge(
      "tcp_orphans",
      "TCP connections of the pod that no process holds any more and whose end is not confirmed yet, in FIN_WAIT_1, FIN_WAIT_2, LAST_ACK or CLOSING.",
      \.orphans),
    gauge(
      "tcp_accept_queue_connections",
      "Connections that wait in the accept queues of all listening sockets of the pod.", \.acceptQueues.total),
    gauge(
      "tcp_accept_queue_longest_connections",
      "Connections that wait in the longest accept queue of a listening socket of the pod.", \.acceptQueues.longest),
    NamespaceMetric(
      name: "tcp_accept_queue_fullest_ratio", type: .gauge,
      help: "How full the fullest accept queue of a listening socket of the pod is: at 1 it takes no more. Absent where nothing listens."
    ) { reading, emit in
      if let fullest = reading.sockets?.acceptQueues.fullest { emit(.none, fullest) }
    },
    gauge("udp_receive_queue_bytes", "Bytes that wait in the pod's UDP sockets to be read.") {
      sum($0.ipv4.udp?.receiveQueue, $0.ipv6.udp?.receiveQueue)
    },
    gauge("udp_send_queue_bytes", "Bytes that wait in the pod's UDP sockets to be sent.") {
      sum($0.ipv4.udp?.sendQueue, $0.ipv6.udp?.sendQueue)
    },
  ]

  private struct StateSeries: Sendable {
    var family: SocketCounts.Family
    var state: TCPState
    var labels: ExpositionLabels
  }

  /// Their labels are formatted once and not for every namespace of every page.
  private static let states: [StateSeries] = SocketCounts.Family.allCases.flatMap { family in
    TCPState.allCases.map { state in
      StateSeries(family: family, state: state, labels: ["state": state.name, "family": family == .ipv4 ? "ipv4" : "ipv6"])
    }
  }

  private static func gauge(
    _ name: String, _ help: String, _ value: @escaping @Sendable (SocketCounts) -> Int64?
  ) -> NamespaceMetric {
    NamespaceMetric(name: name, type: .gauge, help: help) { reading, emit in
      if let value = reading.sockets.flatMap(value) { emit(.none, Double(value)) }
    }
  }

  private static func sum(_ left: Int64?, _ right: Int64?) -> Int64? {
    guard let left, let right else { return nil }
    return left + right
  }
}
