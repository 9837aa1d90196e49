internal import Collector
internal import Exposition
internal import Roll

extension ExpositionWriter {
  /// Writes the state of the called windows_exporters.
  mutating func exporters(_ statuses: [String: ExporterStatus], deadline: Duration) {
    let statuses = statuses.sorted { $0.key < $1.key }
    family("rollcall_exporter_up", .gauge, help: "1 if the last call of windows_exporter returned metrics, 0 otherwise.")
    for (node, status) in statuses { sample("rollcall_exporter_up", ["node": node], status.failure == nil ? 1 : 0) }
    family("rollcall_exporter_scrape_duration_seconds", .gauge, help: "Duration of the last call of windows_exporter.")
    for (node, status) in statuses {
      sample("rollcall_exporter_scrape_duration_seconds", ["node": node], status.duration.seconds)
    }
    family(
      "rollcall_exporter_deadline_seconds", .gauge, help: "Timeout for a call of windows_exporter.", value: deadline.seconds)
    family("rollcall_exporter_info", .gauge, help: "Always 1; the label has the version of windows_exporter on the node.")
    for (node, status) in statuses {
      if let version = status.health?.version { sample("rollcall_exporter_info", ["node": node, "version": version], 1) }
    }
    func flags(_ name: String, _ help: String, _ flag: (ExporterHealth.Collector) -> Bool?) {
      family(name, .gauge, help: help)
      for (node, status) in statuses {
        for (collector, state) in (status.health?.collectors ?? [:]).sorted(by: { $0.key < $1.key }) {
          if let value = flag(state) { sample(name, ["node": node, "collector": collector], value ? 1 : 0) }
        }
      }
    }
    flags("rollcall_exporter_collector_success", "1 if windows_exporter reports that the collector succeeded, 0 otherwise.", \.succeeded)
    flags("rollcall_exporter_collector_timeout", "1 if windows_exporter reports that the collector timed out, 0 otherwise.", \.timedOut)
  }

  /// Writes the counters of `/probe` and `/proxy`.
  mutating func probes(_ statistics: [WindowsSource: FetchStatistics]) {
    let statistics = statistics.sorted { $0.key.rawValue < $1.key.rawValue }
    family("rollcall_probe_requests_total", .counter, help: "Scrapes requested through /probe and /proxy.")
    for (kind, counts) in statistics { sample("rollcall_probe_requests_total", ["kind": kind.rawValue], counts.requests) }
    family(
      "rollcall_probe_fetches_total", .counter, help: "Scrapes of nodes for these requests; fewer if concurrent requests shared one.")
    for (kind, counts) in statistics { sample("rollcall_probe_fetches_total", ["kind": kind.rawValue], counts.fetches) }
    family("rollcall_probe_failures_total", .counter, help: "Scrapes of nodes that failed or broke off, by reason.")
    for (kind, counts) in statistics {
      for reason in Reason.allCases {
        if let count = counts.failures[reason] {
          sample("rollcall_probe_failures_total", ["kind": kind.rawValue, "reason": reason.rawValue], count)
        }
      }
    }
  }
}
