internal import Exposition
internal import ProcFS

/// One family of metrics of a network namespace. Its name begins with `rollcall_pod_` for a pod on the roll, with
/// `rollcall_unnamed_container_` for a namespace that nobody on the roll is in.
struct NamespaceMetric: Sendable {
  /// Takes the labels that a sample has beside its owner's, and its value. Values are exact up to 2^53.
  typealias Emit = (ExpositionLabels, Double) -> Void

  var name: String
  var type: MetricType
  var help: String
  /// Gives the samples of one namespace; none where the kernel or the settings have none.
  var samples: @Sendable (NamespaceReading, Emit) -> Void

  private static func one(
    _ name: String, _ type: MetricType, _ help: String, _ value: @escaping @Sendable (NamespaceReading) -> Int64?
  ) -> NamespaceMetric {
    NamespaceMetric(name: name, type: type, help: help) { reading, emit in
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
    one(name + "_total", .counter, help) { $0.snmp[field] }
  }

  private static func counter(_ field: Netstat, _ name: String, _ help: String) -> NamespaceMetric {
    one(name + "_total", .counter, help) { $0.netstat[field] }
  }

  private static func device(
    _ name: String, _ help: String, _ value: @escaping @Sendable (NetworkDevice) -> Int64
  ) -> NamespaceMetric {
    NamespaceMetric(name: "network_" + name + "_total", type: .counter, help: help) { reading, emit in
      for device in reading.devices { emit(["interface": device.name], Double(value(device))) }
    }
  }

  /// In the order of the page. The last words of each help text are the kernel's own name of the number.
  static let all: [NamespaceMetric] =
    [
      sockstat(.socketsUsed, "sockets_used", "Sockets of every kind in the pod's network namespace (sockstat sockets used)."),
      sockstat(
        .tcpInUse, "tcp_inuse",
        "TCP sockets over IPv4 in the pod's network namespace: listening ones and connections, without TIME_WAIT (sockstat TCP inuse)."),
      sockstat(
        .tcpTimeWait, "tcp_tw",
        "TCP connections in TIME_WAIT, or in FIN_WAIT_2 without a process, in the pod's network namespace, IPv4 and IPv6 together (sockstat TCP tw)."
      ),
      sockstat(.udpInUse, "udp_inuse", "UDP sockets over IPv4 in the pod's network namespace (sockstat UDP inuse)."),
      sockstat(.udpLiteInUse, "udplite_inuse", "UDP-Lite sockets over IPv4 in the pod's network namespace (sockstat UDPLITE inuse)."),
      sockstat(.rawInUse, "raw_inuse", "Raw sockets over IPv4 in the pod's network namespace (sockstat RAW inuse)."),
      sockstat(
        .fragmentQueues, "frag_inuse",
        "IPv4 packets of which some fragments have arrived in the pod's network namespace (sockstat FRAG inuse)."),
      sockstat(
        .fragmentBytes, "frag_memory_bytes",
        "Memory that waiting IPv4 fragments take in the pod's network namespace (sockstat FRAG memory)."),
      sockstat6(
        .tcpInUse, "tcp6_inuse",
        "TCP sockets over IPv6 in the pod's network namespace: listening ones and connections, without TIME_WAIT (sockstat6 TCP6 inuse)."),
      sockstat6(.udpInUse, "udp6_inuse", "UDP sockets over IPv6 in the pod's network namespace (sockstat6 UDP6 inuse)."),
      sockstat6(.udpLiteInUse, "udplite6_inuse", "UDP-Lite sockets over IPv6 in the pod's network namespace (sockstat6 UDPLITE6 inuse)."),
      sockstat6(.rawInUse, "raw6_inuse", "Raw sockets over IPv6 in the pod's network namespace (sockstat6 RAW6 inuse)."),
      sockstat6(
        .fragmentQueues, "frag6_inuse",
        "IPv6 packets of which some fragments have arrived in the pod's network namespace (sockstat6 FRAG6 inuse)."),
      sockstat6(
        .fragmentBytes, "frag6_memory_bytes",
        "Memory that waiting IPv6 fragments take in the pod's network namespace (sockstat6 FRAG6 memory)."),
      one(
        "tcp_current_established", .gauge,
        "TCP connections in ESTABLISHED or CLOSE_WAIT in the pod's network namespace, IPv4 and IPv6 together (snmp Tcp CurrEstab)."
      ) { $0.snmp[.tcpCurrEstab] },
      counter(.tcpActiveOpens, "tcp_active_opens", "TCP connections that the pod began to open (snmp Tcp ActiveOpens)."),
      counter(.tcpPassiveOpens, "tcp_passive_opens", "TCP connections that the pod accepted (snmp Tcp PassiveOpens)."),
      counter(.tcpAttemptFails, "tcp_attempt_failures", "TCP connections that failed while they were opened (snmp Tcp AttemptFails)."),
      counter(
        .tcpEstabResets, "tcp_established_resets", "TCP connections that were reset in ESTABLISHED or CLOSE_WAIT (snmp Tcp EstabResets)."),
      counter(.tcpInSegs, "tcp_received_segments", "TCP segments received, faulty ones included (snmp Tcp InSegs)."),
      counter(.tcpOutSegs, "tcp_sent_segments", "TCP segments sent (snmp Tcp OutSegs)."),
      counter(.tcpRetransSegs, "tcp_retransmitted_segments", "TCP segments sent again (snmp Tcp RetransSegs)."),
      counter(.tcpInErrs, "tcp_receive_errors", "TCP segments received with an error (snmp Tcp InErrs)."),
      counter(.tcpOutRsts, "tcp_sent_resets", "TCP segments sent with RST set (snmp Tcp OutRsts)."),
      counter(.tcpInCsumErrors, "tcp_checksum_errors", "TCP segments received with a wrong checksum (snmp Tcp InCsumErrors)."),
      counter(.udpInDatagrams, "udp_received_datagrams", "UDP datagrams over IPv4 delivered to sockets (snmp Udp InDatagrams)."),
      counter(.udpOutDatagrams, "udp_sent_datagrams", "UDP datagrams over IPv4 sent (snmp Udp OutDatagrams)."),
      counter(.udpNoPorts, "udp_no_port_datagrams", "UDP datagrams over IPv4 for a port without a socket (snmp Udp NoPorts)."),
      counter(.udpInErrors, "udp_receive_errors", "UDP datagrams over IPv4 that could not be delivered otherwise (snmp Udp InErrors)."),
      counter(
        .udpRcvbufErrors, "udp_receive_buffer_errors",
        "UDP datagrams over IPv4 dropped because a receive buffer was full (snmp Udp RcvbufErrors)."),
      counter(
        .udpSndbufErrors, "udp_send_buffer_errors",
        "UDP datagrams over IPv4 dropped because a send buffer was full (snmp Udp SndbufErrors)."),
      counter(.udpInCsumErrors, "udp_checksum_errors", "UDP datagrams over IPv4 received with a wrong checksum (snmp Udp InCsumErrors)."),
      counter(
        .listenOverflows, "tcp_listen_overflows",
        "Times that a connection could not be queued because the accept queue was full (netstat TcpExt ListenOverflows)."),
      counter(
        .listenDrops, "tcp_listen_drops",
        "Connection attempts that a listening socket dropped for whatever reason, a full queue included (netstat TcpExt ListenDrops)."),
      counter(
        .tcpReqQFullDrop, "tcp_request_queue_drops",
        "Connection attempts dropped because the queue of half-open connections was full (netstat TcpExt TCPReqQFullDrop)."),
      counter(.syncookiesSent, "tcp_syncookies_sent", "SYN cookies sent (netstat TcpExt SyncookiesSent)."),
      counter(.tcpTimeouts, "tcp_timeouts", "Retransmission timers that ran out (netstat TcpExt TCPTimeouts)."),
      counter(
        .tcpSynRetrans, "tcp_syn_retransmits", "SYN and SYN-ACK segments that were sent again (netstat TcpExt TCPSynRetrans)."),
      counter(
        .tcpRetransFail, "tcp_retransmit_failures", "Segments that could not be sent again (netstat TcpExt TCPRetransFail)."),
      counter(
        .tcpBacklogDrop, "tcp_backlog_drops",
        "Segments dropped because a socket's backlog was full while its process held it (netstat TcpExt TCPBacklogDrop)."),
      counter(
        .tcpAbortOnTimeout, "tcp_abort_on_timeout",
        "Connections given up because a timer ran out for the last time (netstat TcpExt TCPAbortOnTimeout)."),
      counter(
        .tcpAbortOnMemory, "tcp_abort_on_memory",
        "Connections given up for lack of memory or for too many orphans (netstat TcpExt TCPAbortOnMemory)."),
      counter(
        .tcpTimeWaitOverflow, "tcp_time_wait_overflows",
        "Sockets that were not put into TIME_WAIT because there were too many (netstat TcpExt TCPTimeWaitOverflow)."),
      device("receive_bytes", "Bytes received by the interface (net/dev receive bytes).", \.received.bytes),
      device("receive_packets", "Packets received by the interface (net/dev receive packets).", \.received.packets),
      device("receive_errors", "Faulty packets received by the interface (net/dev receive errs).", \.received.errors),
      device("receive_drops", "Packets received by the interface and dropped (net/dev receive drop).", \.received.dropped),
      device("transmit_bytes", "Bytes sent by the interface (net/dev transmit bytes).", \.sent.bytes),
      device("transmit_packets", "Packets sent by the interface (net/dev transmit packets).", \.sent.packets),
      device("transmit_errors", "Packets that the interface failed to send (net/dev transmit errs).", \.sent.errors),
      device("transmit_drops", "Packets that the interface dropped instead of sending (net/dev transmit drop).", \.sent.dropped),
    ] + SocketMetrics.all
}
