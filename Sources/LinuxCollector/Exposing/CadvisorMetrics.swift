internal import Exposition
internal import ProcFS

/// The families of cAdvisor that kubelets leave out, under cAdvisor's names, with its labels and in its words, for graphs and rules that
/// are there already.
///
/// cAdvisor shows the pod's numbers at each of its containers; here they come once, at the pod's sandbox, so that sums are right.
/// Source: metrics/prometheus.go and container/libcontainer/handler.go of cAdvisor, `containerPrometheusLabelsFunc` of the kubelet.
struct CadvisorMetrics {
  /// One namespace and the labels of its sandbox.
  var rows: [(labels: ExpositionLabels, reading: NamespaceReading)]

  /// - Parameter afterRow: called when the samples of one namespace are written, so that the page can be handed on in pieces.
  func write(to page: inout ExpositionWriter, afterRow: (inout ExpositionWriter) -> Void) {
    for (name, help, family) in [
      ("container_network_tcp_usage_total", "tcp connection usage statistic for container", SocketCounts.Family.ipv4),
      ("container_network_tcp6_usage_total", "tcp6 connection usage statistic for container", .ipv6),
    ] {
      write(name, help, to: &page, afterRow) { reading, emit in
        guard let sockets = reading.sockets?[family] else { return }
        for (state, labels) in Self.states { emit(labels, sockets[state]) }
      }
    }
    for (name, help, family) in [
      ("container_network_udp6_usage_total", "udp6 connection usage statistic for container", SocketCounts.Family.ipv6),
      ("container_network_udp_usage_total", "udp connection usage statistic for container", .ipv4),
    ] {
      write(name, help, to: &page, afterRow) { reading, emit in
        guard let sockets = reading.sockets?[family].udp else { return }
        emit(["udp_state": "listen"], sockets.count)
        emit(["udp_state": "dropped"], sockets.drops)
        // The wrong way round, as there: the column of net/udp has what is to be sent first, `scanUDPStats` takes it for what was received.
        emit(["udp_state": "rxqueued"], sockets.sendQueue)
        emit(["udp_state": "txqueued"], sockets.receiveQueue)
      }
    }
    write("container_network_advance_tcp_stats_total", "advance tcp connections statistic for container", to: &page, afterRow) {
      reading, emit in
      // What this kernel does not count is 0 there, and so it is here.
      for (field, labels) in Self.advancedSNMP { emit(labels, reading.snmp[field] ?? 0) }
      for (field, labels) in Self.advancedNetstat { emit(labels, reading.netstat[field] ?? 0) }
    }
  }

  private func write(
    _ name: String, _ help: String, to page: inout ExpositionWriter, _ afterRow: (inout ExpositionWriter) -> Void,
    _ samples: (NamespaceReading, _ emit: (ExpositionLabels, Int64) -> Void) -> Void
  ) {
    for row in rows {
      samples(row.reading) { labels, value in
        // Gauges there, despite their names.
        page.family(name, .gauge, help: help)
        page.sample(name, row.labels, labels, Double(value))
      }
      afterRow(&page)
    }
  }

  /// Their states are spelled without anything between the words.
  private static let states: [(TCPState, ExpositionLabels)] = TCPState.allCases
    .map { ($0, ["tcp_state": $0.name.filter { $0 != "_" }]) }
  private static let advancedSNMP: [(SNMP, ExpositionLabels)] = SNMP.allCases.filter { "\($0.line)" == "Tcp" }
    .map { ($0, ["tcp_state": "\($0.key)".lowercased()]) }
  private static let advancedNetstat: [(Netstat, ExpositionLabels)] = Netstat.allCases
    .map { ($0, ["tcp_state": "\($0.key)".lowercased()]) }
}
