internal import Exposition
internal import ProcFS

/// A metric family of network namespaces. Its full name begins with `rollcall_pod_` for pods on the roll, and with
/// `rollcall_unnamed_container_` for namespaces without a container on the roll.
struct NamespaceMetric: Sendable {
  /// Takes a sample's additional labels and its value. Values are exact up to 2^53.
  typealias Emit = (ExpositionLabels, Double) -> Void

  var name: String
  var type: MetricType
  var help: String
  /// Emits the samples of one namespace; none if the kernel does not provide the value or it was not read.
  var samples: @Sendable (NamespaceReading, Emit) -> Void

  private static func one(
    _ name: String, _ type: MetricType, _ help: String, _ value: @escaping @Sendable (NamespaceReading) -> Int64?
  ) -> NamespaceMetric {
    NamespaceMetric(name: name, type: type, help: help) { reading, emit in
      if let value = value(reading) { emit(.none, Double(value)) }
    }
  }

  private static func counter(_ name: String, _ help: String, _ value: @escaping @Sendable (NamespaceReading) -> UInt64?) -> NamespaceMetric
  {
    NamespaceMetric(name: name + "_total", type: .counter, help: help) { reading, emit in
      if let value = value(reading) { emit(.none, Double(value)) }
    }
  }

  private static func sockstat(_ field: Sockstat, _ name: String, _ help: String) -> NamespaceMetric {
    one("sockstat_" + name, .gauge, help) { $0.sockstat[field] }
  }

  private static func sockstat6(_ field: Sockstat6, _ name: String, _ help: String) -> NamespaceMetric {
    one("sockstat_" + name, .gauge, help) { $0.sockstat6?[field] }
  }

  private static func counter(_ field: SNMP, _ name: String, _ help: String) -> NamespaceMetric {
    counter(name, help) { $0.snmp.counter(field) }
  }

  private static func counter(_ field: Netstat, _ name: String, _ help: String) -> NamespaceMetric {
    counter(name, help) { $0.netstat.counter(field) }
  }

  private static func device(
    _ name: String, _ help: String, _ value: @escaping @Sendable (NetworkDevice) -> UInt64?
  ) -> NamespaceMetric {
    NamespaceMetric(name: "network_" + name + "_total", type: .counter, help: help) { reading, emit in
      for device in reading.devices {
        if let value = value(device) { emit(["interface": device.name], Double(value)) }
      }
    }
  }

  /// In exposition order. Each help text ends with the kernel's name of the number.
  static let all: [NamespaceMetric] =
    [
      sockstat(.socketsUsed, "sockets_used", "Sockets of all kinds in the pod's network namespace (sockstat sockets used)."),
      sockstat(
        .tcpInUse, "tcp_inuse",
        "IPv4 TCP sockets in the pod's network namespace, listening and connected, without TIME_WAIT (sockstat TCP inuse)."),
      sockstat(
        .tcpTimeWait, "tcp_tw",
        "TCP connections in TIME_WAIT, or in FIN_WAIT_2 without a process, in the pod's network namespace, IPv4 and IPv6 together (sockstat TCP tw)."
      ),
      sockstat(.udpInUse, "udp_inuse", "IPv4 UDP sockets in the pod's network namespace (sockstat UDP inuse)."),
      sockstat(.udpLiteInUse, "udplite_inuse", "IPv4 UDP-Lite sockets in the pod's network namespace (sockstat UDPLITE inuse)."),
      sockstat(.rawInUse, "raw_inuse", "IPv4 raw sockets in the pod's network namespace (sockstat RAW inuse)."),
      sockstat(
        .fragmentQueues, "frag_inuse",
        "Incomplete IPv4 packets in reassembly in the pod's network namespace (sockstat FRAG inuse)."),
      sockstat(
        .fragmentBytes, "frag_memory_bytes",
        "Memory of IPv4 fragments awaiting reassembly in the pod's network namespace (sockstat FRAG memory)."),
      sockstat6(
        .tcpInUse, "tcp6_inuse",
        "IPv6 TCP sockets in the pod's network namespace, listening and connected, without TIME_WAIT (sockstat6 TCP6 inuse)."),
      sockstat6(.udpInUse, "udp6_inuse", "IPv6 UDP sockets in the pod's network namespace (sockstat6 UDP6 inuse)."),
      sockstat6(.udpLiteInUse, "udplite6_inuse", "IPv6 UDP-Lite sockets in the pod's network namespace (sockstat6 UDPLITE6 inuse)."),
      sockstat6(.rawInUse, "raw6_inuse", "IPv6 raw sockets in the pod's network namespace (sockstat6 RAW6 inuse)."),
      sockstat6(
        .fragmentQueues, "frag6_inuse",
        "Incomplete IPv6 packets in reassembly in the pod's network namespace (sockstat6 FRAG6 inuse)."),
      sockstat6(
        .fragmentBytes, "frag6_memory_bytes",
        "Memory of IPv6 fragments awaiting reassembly in the pod's network namespace (sockstat6 FRAG6 memory)."),
      one(
        "tcp_current_established", .gauge,
        "TCP connections in ESTABLISHED or CLOSE_WAIT in the pod's network namespace, IPv4 and IPv6 together (snmp Tcp CurrEstab)."
      ) { $0.snmp[.tcpCurrEstab] },
      one(
        "mptcp_current_established", .gauge,
        "Multipath TCP connections in ESTABLISHED or CLOSE_WAIT in the pod's network namespace, IPv4 and IPv6 together (netstat MPTcpExt MPCurrEstab)."
      ) { $0.netstat[.mpCurrEstab] },
      counter(.tcpActiveOpens, "tcp_active_opens", "TCP connections opened by the pod (snmp Tcp ActiveOpens)."),
      counter(.tcpPassiveOpens, "tcp_passive_opens", "TCP connections accepted by the pod (snmp Tcp PassiveOpens)."),
      counter(.tcpAttemptFails, "tcp_attempt_failures", "Failed attempts to open or accept a TCP connection (snmp Tcp AttemptFails)."),
      counter(
        .tcpEstabResets, "tcp_established_resets", "TCP connections reset in ESTABLISHED or CLOSE_WAIT (snmp Tcp EstabResets)."),
      counter(.tcpInSegs, "tcp_received_segments", "TCP segments received, including those with errors (snmp Tcp InSegs)."),
      counter(.tcpOutSegs, "tcp_sent_segments", "TCP segments sent (snmp Tcp OutSegs)."),
      counter(.tcpRetransSegs, "tcp_retransmitted_segments", "TCP segments retransmitted (snmp Tcp RetransSegs)."),
      counter(.tcpInErrs, "tcp_receive_errors", "TCP segments received with an error (snmp Tcp InErrs)."),
      counter(.tcpOutRsts, "tcp_sent_resets", "TCP segments sent with the RST flag (snmp Tcp OutRsts)."),
      counter(.tcpInCsumErrors, "tcp_checksum_errors", "TCP segments received with a wrong checksum (snmp Tcp InCsumErrors)."),
      counter(.udpInDatagrams, "udp_received_datagrams", "IPv4 UDP datagrams delivered to sockets (snmp Udp InDatagrams)."),
      counter(.udpOutDatagrams, "udp_sent_datagrams", "IPv4 UDP datagrams sent (snmp Udp OutDatagrams)."),
      counter(.udpNoPorts, "udp_no_port_datagrams", "IPv4 UDP datagrams for a port without a socket (snmp Udp NoPorts)."),
      counter(
        .udpInErrors, "udp_receive_errors", "IPv4 UDP datagrams not delivered for reasons other than a missing socket (snmp Udp InErrors)."),
      counter(
        .udpRcvbufErrors, "udp_receive_buffer_errors",
        "IPv4 UDP datagrams dropped because a receive buffer was full (snmp Udp RcvbufErrors)."),
      counter(
        .udpSndbufErrors, "udp_send_buffer_errors",
        "IPv4 UDP datagrams dropped because a send buffer was full (snmp Udp SndbufErrors)."),
      counter(.udpInCsumErrors, "udp_checksum_errors", "IPv4 UDP datagrams received with a wrong checksum (snmp Udp InCsumErrors)."),
      counter(
        .listenOverflows, "tcp_listen_overflows",
        "Times the accept queue of a listening socket overflowed (netstat TcpExt ListenOverflows)."),
      counter(
        .listenDrops, "tcp_listen_drops",
        "Connection attempts dropped by listening sockets for any reason, including a full accept queue (netstat TcpExt ListenDrops)."),
      counter(
        .tcpReqQFullDrop, "tcp_request_queue_drops",
        "Connection attempts dropped because the queue of half-open connections was full (netstat TcpExt TCPReqQFullDrop)."),
      counter(.syncookiesSent, "tcp_syncookies_sent", "SYN cookies sent (netstat TcpExt SyncookiesSent)."),
      counter(.tcpTimeouts, "tcp_timeouts", "Expired retransmission timers (netstat TcpExt TCPTimeouts)."),
      counter(
        .tcpSynRetrans, "tcp_syn_retransmits", "SYN and SYN-ACK segments retransmitted (netstat TcpExt TCPSynRetrans)."),
      counter(
        .tcpRetransFail, "tcp_retransmit_failures", "Failed retransmissions of segments (netstat TcpExt TCPRetransFail)."),
      counter(
        .tcpBacklogDrop, "tcp_backlog_drops",
        "Segments dropped because the backlog of a socket locked by its process was full (netstat TcpExt TCPBacklogDrop)."),
      counter(
        .tcpAbortOnTimeout, "tcp_abort_on_timeout",
        "Connections aborted because a timer expired after its last retry (netstat TcpExt TCPAbortOnTimeout)."),
      counter(
        .tcpAbortOnMemory, "tcp_abort_on_memory",
        "Connections aborted for lack of memory or because of too many orphans (netstat TcpExt TCPAbortOnMemory)."),
      counter(
        .tcpTimeWaitOverflow, "tcp_time_wait_overflows",
        "Sockets closed without TIME_WAIT because too many were in it (netstat TcpExt TCPTimeWaitOverflow)."),
      device("receive_bytes", "Bytes received by the interface (net/dev receive bytes).", \.received.bytes),
      device("receive_packets", "Packets received by the interface (net/dev receive packets).", \.received.packets),
      device("receive_errors", "Receive errors of the interface (net/dev receive errs).", \.received.errors),
      device("receive_drops", "Received packets dropped by the interface (net/dev receive drop).", \.received.dropped),
      device("transmit_bytes", "Bytes sent by the interface (net/dev transmit bytes).", \.sent.bytes),
      device("transmit_packets", "Packets sent by the interface (net/dev transmit packets).", \.sent.packets),
      device("transmit_errors", "Transmit errors of the interface (net/dev transmit errs).", \.sent.errors),
      device("transmit_drops", "Outgoing packets dropped by the interface (net/dev transmit drop).", \.sent.dropped),
    ] + SocketMetrics.all
}

/// The families that exist only if sockets are counted.
private enum SocketMetrics {
  static let all: [NamespaceMetric] = [
    NamespaceMetric(
      name: "tcp_sockets", type: .gauge,
      help:
        "TCP sockets in the pod's network namespace by state and address family; connections in FIN_WAIT_2 that the kernel counts as tw are in time_wait, and IPv6 sockets with an IPv4-mapped peer count as ipv6."
    ) { reading, emit in
      guard let sockets = reading.sockets else { return }
      for series in states { emit(series.labels, Double(sockets[series.family][series.state])) }
    },
    NamespaceMetric(
      name: "mptcp_sockets", type: .gauge,
      help:
        "Multipath TCP sockets in the pod's network namespace by state and address family. Absent until the namespace has had a connection of Multipath TCP."
    ) { reading, emit in
      guard let sockets = reading.sockets?.multipath else { return }
      for series in states { emit(series.labels, Double(sockets[series.family][series.state])) }
    },
    gauge(
      "tcp_orphans",
      "TCP connections of the pod without a process, in FIN_WAIT_1, FIN_WAIT_2, LAST_ACK or CLOSING, without those in FIN_WAIT_2 that the kernel counts as tw.",
      \.orphans),
    gauge(
      "tcp_accept_queue_connections",
      "Connections waiting in the accept queues of all listening sockets of the pod.", \.acceptQueues.total),
    gauge(
      "tcp_accept_queue_longest_connections",
      "Connections waiting in the longest accept queue of the pod's listening sockets.", \.acceptQueues.longest),
    NamespaceMetric(
      name: "tcp_accept_queue_fullest_ratio", type: .gauge,
      help: "Fill ratio of the fullest accept queue of the pod's listening sockets: at 1 it accepts no more. Absent if no socket listens."
    ) { reading, emit in
      if let fullest = reading.sockets?.acceptQueues.fullest { emit(.none, fullest) }
    },
    gauge("udp_receive_queue_bytes", "Bytes waiting to be read from the pod's UDP sockets.") {
      sum($0.ipv4.udp?.receiveQueue, $0.ipv6.udp?.receiveQueue)
    },
    gauge("udp_send_queue_bytes", "Bytes waiting to be sent from the pod's UDP sockets.") {
      sum($0.ipv4.udp?.sendQueue, $0.ipv6.udp?.sendQueue)
    },
  ]

  private struct StateSeries: Sendable {
    var family: SocketCounts.Family
    var state: TCPState
    var labels: ExpositionLabels
  }

  /// With their labels, which are formatted only once.
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
