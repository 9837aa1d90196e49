internal import Exposition
internal import ProcFS

/// The network families of cAdvisor that kubelets do not export, with cAdvisor's names, labels and help texts, for existing dashboards and
/// rules.
///
/// cAdvisor exports a pod's numbers for each of its containers. Here they appear once, for the pod's sandbox, so that sums are correct.
/// Source: metrics/prometheus.go and container/libcontainer/handler.go of cAdvisor, `containerPrometheusLabelsFunc` of the kubelet.
struct CadvisorMetrics {
  /// Namespaces with the labels of their sandboxes.
  var rows: [(labels: ExpositionLabels, reading: NamespaceReading)]

  /// - Parameter afterRow: called after the samples of each namespace, to drain the writer.
  func write(to writer: inout ExpositionWriter, afterRow: (inout ExpositionWriter) -> Void) {
    for (name, help, family) in [
      ("container_network_tcp_usage_total", "tcp connection usage statistic for container", SocketCounts.Family.ipv4),
      ("container_network_tcp6_usage_total", "tcp6 connection usage statistic for container", .ipv6),
    ] {
      write(name, help, to: &writer, afterRow) { reading, emit in
        guard let sockets = reading.sockets?[family] else { return }
        for (state, labels) in Self.states { emit(labels, Self.count(state, in: sockets)) }
      }
    }
    for (name, help, family) in [
      ("container_network_udp6_usage_total", "udp6 connection usage statistic for container", SocketCounts.Family.ipv6),
      ("container_network_udp_usage_total", "udp connection usage statistic for container", .ipv4),
    ] {
      write(name, help, to: &writer, afterRow) { reading, emit in
        guard let sockets = reading.sockets?[family].udp else { return }
        emit(["udp_state": "listen"], Double(sockets.count))
        emit(["udp_state": "dropped"], Double(sockets.drops))
        // Swapped, as in cAdvisor: the column of net/udp has the send queue first, but `scanUDPStats` takes it for the receive queue.
        emit(["udp_state": "rxqueued"], Double(sockets.sendQueue))
        emit(["udp_state": "txqueued"], Double(sockets.receiveQueue))
      }
    }
    write("container_network_advance_tcp_stats_total", "advance tcp connections statistic for container", to: &writer, afterRow) {
      reading, emit in
      // cAdvisor exports 0 for counters that the kernel lacks.
      for (field, labels) in Self.advancedSNMP { emit(labels, reading.snmp.value(field) ?? 0) }
      for (field, labels) in Self.advancedNetstat { emit(labels, reading.netstat.value(field) ?? 0) }
    }
  }

  private func write(
    _ name: String, _ help: String, to writer: inout ExpositionWriter, _ afterRow: (inout ExpositionWriter) -> Void,
    _ samples: (NamespaceReading, _ emit: (ExpositionLabels, Double) -> Void) -> Void
  ) {
    for row in rows {
      samples(row.reading) { labels, value in
        // cAdvisor exports them as gauges despite their names.
        writer.family(name, .gauge, help: help)
        writer.sample(name, row.labels, labels, value)
      }
      afterRow(&writer)
    }
  }

  /// cAdvisor takes the state that the kernel's list shows, also of mini-sockets.
  private static func count(_ state: TCPState, in sockets: FamilySockets) -> Double {
    switch state {
    case .finWait2: Double(sockets[.finWait2] + sockets.finWait2MiniSockets)
    case .timeWait: Double(sockets[.timeWait] - sockets.finWait2MiniSockets)
    default: Double(sockets[state])
    }
  }

  /// cAdvisor's state names have no separator between words.
  private static let states: [(TCPState, ExpositionLabels)] = TCPState.allCases
    .map { ($0, ["tcp_state": $0.name.filter { $0 != "_" }]) }
  private static let advancedSNMP: [(SNMP, ExpositionLabels)] = SNMP.allCases.filter { "\($0.line)" == "Tcp" }
    .map { ($0, ["tcp_state": "\($0.key)".lowercased()]) }
  private static let advancedNetstat: [(Netstat, ExpositionLabels)] = Netstat.allCases.filter { "\($0.line)" == "TcpExt" }
    .map { ($0, ["tcp_state": "\($0.key)".lowercased()]) }
}
