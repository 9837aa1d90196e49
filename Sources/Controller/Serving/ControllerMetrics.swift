internal import Collector
internal import Exposition
internal import KubeClient
import Roll

/// Our own `/metrics`. What the ledger knows is there on the leader only, so that sums over replicas are true.
///
/// With 300,000 containers the page is 120 MB: what there is of each node or container is written node by node, sent in pieces as the
/// reader takes them, and never held as a whole.
struct ControllerMetrics {
  typealias Send = (_ piece: [UInt8]) async throws -> Void

  private static let pieceBytes = 64 << 10

  private let controller: ControllerStatus
  private let ledger: Ledger
  /// Of the ledger, in their order.
  private let nodes: [String]
  private let reading: ClockReading

  init(_ controller: ControllerStatus) {
    self.controller = controller
    ledger = controller.ledger.snapshot()
    nodes = ledger.nodes.keys.sorted()
    reading = controller.time.reading()
  }

  func response() -> ServerResponse {
    .metrics { send in
      var page = ExpositionWriter(reservingCapacity: 16 << 10)
      try await self.writeNodes(&page, send)
      try await self.writeGaps(&page, send)
      self.writeCollections(&page)
      self.writeExporters(&page)
      self.writeTargets(&page)
      self.writeAlerts(&page)
      self.writeEvents(&page)
      page.push(self.controller.push?.receivers ?? [])
      self.writeKeepsakes(&page)
      self.writeWatches(&page)
      self.writeProcess(&page)
      try await self.writeContainers(
        "rollcall_container_due_timestamp_seconds", "Since when the container is to be collected, in seconds since 1970.", &page, send
      ) { self.unixSeconds($0.due) }
      try await self.writeContainers(
        "rollcall_container_last_collection_timestamp_seconds",
        "When the container was last collected, in seconds since 1970; 0 if not since this replica leads.", &page, send
      ) { $0.lastCollected.map(self.unixSeconds) ?? 0 }
      try await send(page.takeBytes())
    }
  }

  private func writeContainers(
    _ name: String, _ help: String, _ page: inout ExpositionWriter, _ send: Send, value: (ContainerCollection) -> Double
  ) async throws {
    page.family(name, .gauge, help: help)
    for node in nodes {
      guard let ledgerOfNode = ledger.nodes[node] else { continue }
      var nodeLabels: ExpositionLabels = ["node": node]
      nodeLabels.append("source", ledgerOfNode.roll.source.rawValue)
      for collection in ledgerOfNode.collections() {
        var labels = Self.labels(collection.container)
        labels.append(nodeLabels)
        page.sample(name, labels, value(collection))
        if page.bytes.count > Self.pieceBytes { try await send(page.takeBytes()) }
      }
    }
  }

  private func writeNodes(_ page: inout ExpositionWriter, _ send: Send) async throws {
    let coverage = ledger.coverage(at: reading.moment)
    page.family("rollcall_expected_containers", .gauge, help: "Containers that are to be collected.")
    for node in coverage {
      page.sample("rollcall_expected_containers", ["node": node.node, "source": node.source.rawValue], node.expected)
      if page.bytes.count > Self.pieceBytes { try await send(page.takeBytes()) }
    }
    page.family("rollcall_exempt_containers", .gauge, help: "Containers that cannot or need not be collected, by reason.")
    for node in coverage {
      for exemption in Exemption.allCases {
        guard let count = node.exempt[exemption] else { continue }
        page.sample(
          "rollcall_exempt_containers", ["node": node.node, "source": node.source.rawValue, "reason": exemption.rawValue], count)
      }
      if page.bytes.count > Self.pieceBytes { try await send(page.takeBytes()) }
    }
  }

  private func writeGaps(_ page: inout ExpositionWriter, _ send: Send) async throws {
    page.family("rollcall_container_gap", .gauge, help: "1 while the container is not collected, or not scraped, within the threshold.")
    for gaps in ledger.gapsByNode() {
      for gap in gaps {
        var labels = Self.labels(gap.container)
        labels.append(["node": gap.node, "source": gap.source.rawValue, "kind": gap.kind.rawValue, "reason": gap.reason.rawValue])
        page.sample("rollcall_container_gap", labels, 1)
      }
      if page.bytes.count > Self.pieceBytes { try await send(page.takeBytes()) }
    }
    page.family(
      "rollcall_interval_seconds", .gauge, help: "How often each node's roll is called.", value: controller.settings.interval.seconds)
    page.family(
      "rollcall_threshold_seconds", .gauge, help: "How old a collection or a scrape may be before it is a gap.",
      value: controller.settings.threshold.seconds)
  }

  private func writeCollections(_ page: inout ExpositionWriter) {
    let counts = controller.counters.snapshot().sorted { $0.key.rawValue < $1.key.rawValue }
    page.family("rollcall_collections_total", .counter, help: "Containers that were called, each call counted.")
    for (source, counts) in counts { page.sample("rollcall_collections_total", ["source": source.rawValue], counts.collections) }
    page.family("rollcall_collection_failures_total", .counter, help: "Containers that were called and not collected, by reason.")
    for (source, counts) in counts {
      for reason in Reason.allCases {
        guard let count = counts.failures[reason] else { continue }
        page.sample("rollcall_collection_failures_total", ["source": source.rawValue, "reason": reason.rawValue], count)
      }
    }
    page.family("rollcall_collection_duration_seconds", .histogram, help: "How long the call of one node's roll took.")
    for (source, counts) in counts {
      page.histogram("rollcall_collection_duration_seconds", ["source": source.rawValue], counts.durations)
    }
  }

  /// Only on the leader, which calls them; and not of nodes that are gone.
  private func writeExporters(_ page: inout ExpositionWriter) {
    page.exporters(controller.exporters.snapshot().filter { ledger.nodes[$0.key] != nil }, deadline: controller.settings.deadline)
    page.probes(controller.relay?.statistics ?? [:])
  }

  private func writeTargets(_ page: inout ExpositionWriter) {
    let reports = controller.publication.status
    page.family("rollcall_published_targets", .gauge, help: "Targets in the EndpointSlices that we write.")
    for source in Source.allCases {
      if let report = reports[source] { page.sample("rollcall_published_targets", ["source": source.rawValue], report.published) }
    }
    page.family("rollcall_refused_targets", .gauge, help: "Targets that cannot be published: no address, or one that is not accepted.")
    for source in Source.allCases {
      if let report = reports[source] { page.sample("rollcall_refused_targets", ["source": source.rawValue], report.refused.count) }
    }
    page.family("rollcall_object_writes_total", .counter, help: "Objects applied or deleted so that Prometheus finds its targets.")
    for source in Source.allCases {
      if let report = reports[source] {
        page.sample("rollcall_object_writes_total", ["source": source.rawValue], report.applied + report.deleted)
      }
    }
    page.family("rollcall_failing_objects", .gauge, help: "Objects that could not be written as they should be.")
    for source in Source.allCases {
      if let report = reports[source] { page.sample("rollcall_failing_objects", ["source": source.rawValue], report.failing.count) }
    }
  }

  private func writeAlerts(_ page: inout ExpositionWriter) {
    let alertmanagers = controller.alertmanagers.status
    page.family("rollcall_alerts_sent_total", .counter, help: "Alerts that an Alertmanager accepted, each sending counted.")
    for statistics in alertmanagers { page.sample("rollcall_alerts_sent_total", ["alertmanager": statistics.url], statistics.sent) }
    page.family("rollcall_alerts_left_out", .gauge, help: "Open gaps that have no alert of their own, because there are too many.")
    for statistics in alertmanagers { page.sample("rollcall_alerts_left_out", ["alertmanager": statistics.url], statistics.leftOut) }
    page.family("rollcall_alert_failures_total", .counter, help: "Requests that an Alertmanager did not accept.")
    for statistics in alertmanagers { page.sample("rollcall_alert_failures_total", ["alertmanager": statistics.url], statistics.failures) }
  }

  private func writeEvents(_ page: inout ExpositionWriter) {
    page.family(
      "rollcall_events_total", .counter, help: "Kubernetes Events about gaps, by what became of them; folded ones only counted in another.")
    guard let statistics = controller.events?.status else { return }
    for (outcome, count) in [
      ("written", statistics.written), ("folded", statistics.folded), ("limited", statistics.limited),
      ("overflowed", statistics.overflowed), ("refused", statistics.refused),
    ] {
      page.sample("rollcall_events_total", ["outcome": outcome], count)
    }
  }

  private func writeKeepsakes(_ page: inout ExpositionWriter) {
    page.family(
      "rollcall_certificate_expiry_timestamp_seconds", .gauge,
      help: "When a certificate for mutual TLS between controller and agents ends, in seconds since 1970.")
    for expiry in controller.certificates.status.expiries {
      page.sample("rollcall_certificate_expiry_timestamp_seconds", ["certificate": expiry.member], expiry.notAfter)
    }
    let archive = controller.archive.status
    page.family(
      "rollcall_archived_gaps", .gauge, help: "Open gaps that are kept for the next leader, as of the last writing.",
      value: Double(archive.kept))
    page.family(
      "rollcall_archive_cut_gaps", .gauge,
      help: "Open gaps, the youngest, for which the archive has no room: they would begin anew with the next leader.",
      value: Double(archive.cut))
    page.family(
      "rollcall_archive_failures_total", .counter, help: "Writings of the archive of open gaps that failed.",
      value: Double(archive.failures))
  }

  private func writeWatches(_ page: inout ExpositionWriter) {
    let watches = controller.watches.status
    page.family("rollcall_watch_synced", .gauge, help: "1 while the watch of the resource is in touch with the API server.")
    for watch in watches { page.sample("rollcall_watch_synced", ["resource": watch.resource], watch.problem == nil ? 1 : 0) }
    func counter(_ name: String, _ help: String, _ value: (WatchStatistics) -> Int) {
      page.family(name, .counter, help: help)
      for watch in watches { page.sample(name, ["resource": watch.resource], value(watch.statistics)) }
    }
    counter("rollcall_watch_lists_total", "Whole lists that came in.") { $0.lists }
    counter("rollcall_watch_streams_total", "Watches that the API server accepted.") { $0.watches }
    counter("rollcall_watch_changes_total", "Changes that came by watch.") { $0.changes }
    counter("rollcall_watch_expirations_total", "Lists and watches from a version that the API server no longer knew.") { $0.expirations }
    counter("rollcall_watch_failures_total", "Lists and watches that failed and were followed by a wait.") { $0.failures }
    counter("rollcall_watch_unreadable_total", "Answers and events that could not be decoded or were too large.") { $0.unreadable }
  }

  private func writeProcess(_ page: inout ExpositionWriter) {
    page.family(
      "rollcall_leader", .gauge, help: "1 on the replica that calls, writes and alerts.",
      value: controller.leadership.status.isLeader ? 1 : 0)
    page.family("rollcall_ready", .gauge, help: "Whether each thing that has to be well is, 1 or 0.")
    for check in controller.readiness.status { page.sample("rollcall_ready", ["check": check.name], check.problem == nil ? 1 : 0) }
    page.info("rollcall_build_info", help: "The version of Rollcall.", ["version": controller.version])
    if let metrics = ProcessMetrics.current() { page.process(metrics) }
  }

  private static func labels(_ container: ContainerReference) -> ExpositionLabels {
    ["namespace": container.namespace, "pod": container.pod, "container": container.container]
  }

  private func unixSeconds(_ moment: Moment) -> Double {
    Double(reading.unixMilliseconds(of: moment)) / 1000
  }
}
