internal import Collector
internal import Exposition
internal import Roll

extension ExpositionWriter {
  /// How it stands with the windows_exporters that the roll is called of.
  mutating func exporters(_ statuses: [String: ExporterStatus], deadline: Duration) {
    let statuses = statuses.sorted { $0.key < $1.key }
    family("rollcall_exporter_up", .gauge, help: "Whether windows_exporter answered the last call with a page, 1 or 0.")
    for (node, status) in statuses { sample("rollcall_exporter_up", ["node": node], status.failure == nil ? 1 : 0) }
    family("rollcall_exporter_scrape_duration_seconds", .gauge, help: "How long the last call of windows_exporter took.")
    for (node, status) in statuses {
      sample("rollcall_exporter_scrape_duration_seconds", ["node": node], status.duration.seconds)
    }
    family(
      "rollcall_exporter_deadline_seconds", .gauge, help: "How long a call of windows_exporter may take.", value: deadline.seconds)
    family("rollcall_exporter_info", .gauge, help: "Always 1; the label tells the version of windows_exporter on the node.")
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
    flags("rollcall_exporter_collector_success", "Whether windows_exporter says that the collector succeeded, 1 or 0.", \.succeeded)
    flags("rollcall_exporter_collector_timeout", "Whether windows_exporter says that the collector timed out, 1 or 0.", \.timedOut)
  }

  /// What was asked for at `/probe` and at `/proxy`.
  mutating func probes(_ statistics: [WindowsSource: FetchStatistics]) {
    let statistics = statistics.sorted { $0.key.rawValue < $1.key.rawValue }
    family("rollcall_probe_requests_total", .counter, help: "Pages of nodes that were asked for.")
    for (kind, one) in statistics { sample("rollcall_probe_requests_total", ["kind": kind.rawValue], one.requests) }
    family(
      "rollcall_probe_fetches_total", .counter, help: "Pages that nodes were asked for; fewer than the requests where some came together.")
    for (kind, one) in statistics { sample("rollcall_probe_fetches_total", ["kind": kind.rawValue], one.fetches) }
    family("rollcall_probe_failures_total", .counter, help: "Pages that could not be fetched, or not to their end, by reason.")
    for (kind, one) in statistics {
      for reason in Reason.allCases {
        if let count = one.failures[reason] {
          sample("rollcall_probe_failures_total", ["kind": kind.rawValue, "reason": reason.rawValue], count)
        }
      }
    }
  }
}
