internal import Collector
internal import Exposition
internal import KubeClient
internal import Primitives
import Roll

/// The controller's `/metrics`. Series from the ledger are on the leader only, so that sums over replicas are correct.
///
/// With a series for each of 300,000 containers the response is 100 MB. Series per node or container are written node by node and sent in
/// chunks, so that the whole is never in memory.
struct ControllerMetrics {
  typealias Send = (_ chunk: [UInt8]) async throws -> Void

  private static let chunkBytes = 64 << 10

  private let controller: ControllerStatus
  private let ledger: Ledger
  /// The ledger's nodes, sorted.
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
      var writer = ExpositionWriter(reservingCapacity: 16 << 10)
      try await self.writeNodes(&writer, send)
      writer.expectedContainers(self.ledger.expectedByWorkload(pods: self.controller.podsOnNode))
      try await self.writeGaps(&writer, send)
      self.writeCollections(&writer)
      writer.scrapes(self.controller.coverage.summary)
      writer.rulesWithoutData(self.controller.rulesWithoutData?.status)
      self.writeExporters(&writer)
      self.writeTargets(&writer)
      self.writeAlerts(&writer)
      self.writeEvents(&writer)
      writer.push(self.controller.push?.receivers ?? [])
      self.writeCertificatesAndArchive(&writer)
      self.writeWatches(&writer)
      self.writeProcess(&writer)
      if self.controller.settings.containerMetrics == .all { try await self.writeContainers(&writer, send) }
      try await send(writer.takeBytes())
    }
  }

  private func writeContainers(_ writer: inout ExpositionWriter, _ send: Send) async throws {
    try await writeContainers(
      "rollcall_container_due_timestamp_seconds", "When the container became due for collection, in seconds since 1970.", &writer, send
    ) { unixSeconds($0.due) }
    try await writeContainers(
      "rollcall_container_last_collection_timestamp_seconds",
      "When the container was last collected, in seconds since 1970; 0 if never since this replica became leader.", &writer, send
    ) { $0.lastCollected.map(unixSeconds) ?? 0 }
  }

  private func writeContainers(
    _ name: String, _ help: String, _ writer: inout ExpositionWriter, _ send: Send, value: (ContainerCollection) -> Double
  ) async throws {
    writer.family(name, .gauge, help: help)
    for node in nodes {
      guard let ledgerOfNode = ledger.nodes[node] else { continue }
      var nodeLabels: ExpositionLabels = ["node": node]
      nodeLabels.append("source", ledgerOfNode.roll.source.rawValue)
      for collection in ledgerOfNode.collections() {
        var labels = Self.labels(collection.container)
        labels.append(nodeLabels)
        writer.sample(name, labels, value(collection))
        if writer.bytes.count > Self.chunkBytes { try await send(writer.takeBytes()) }
      }
    }
  }

  private func writeNodes(_ writer: inout ExpositionWriter, _ send: Send) async throws {
    let coverage = ledger.coverage(at: reading.moment)
    writer.family("rollcall_expected_containers", .gauge, help: "Containers from which a collection is due.")
    for node in coverage {
      writer.sample("rollcall_expected_containers", ["node": node.node, "source": node.source.rawValue], node.expected)
      if writer.bytes.count > Self.chunkBytes { try await send(writer.takeBytes()) }
    }
    writer.family("rollcall_exempt_containers", .gauge, help: "Containers that cannot or need not be collected, by reason.")
    for node in coverage {
      for exemption in Exemption.allCases {
        guard let count = node.exempt[exemption] else { continue }
        writer.sample(
          "rollcall_exempt_containers", ["node": node.node, "source": node.source.rawValue, "reason": exemption.rawValue], count)
      }
      if writer.bytes.count > Self.chunkBytes { try await send(writer.takeBytes()) }
    }
  }

  private func writeGaps(_ writer: inout ExpositionWriter, _ send: Send) async throws {
    writer.family(
      "rollcall_container_gap", .gauge, help: "1 while the container has not been collected, or not scraped, within the threshold.")
    for gaps in ledger.gapsByNode() {
      for gap in gaps {
        var labels = Self.labels(gap.container)
        labels.append(["node": gap.node, "source": gap.source.rawValue, "kind": gap.kind.rawValue, "reason": gap.reason.rawValue])
        if let workload = controller.workload(gap.container) {
          labels.append(["workload": workload.name, "workload_kind": workload.kind])
        }
        writer.sample("rollcall_container_gap", labels, 1)
      }
      if writer.bytes.count > Self.chunkBytes { try await send(writer.takeBytes()) }
    }
    writer.family(
      "rollcall_node_gap", .gauge,
      help: "Containers with a gap on a node without any collected container, or which Prometheus does not scrape; absent for others.")
    for node in ledger.gapsOfNodes(at: reading.moment) {
      for kind in GapKind.allCases where node.areOfNode(kind) {
        let gaps = node.gaps.filter { $0.kind == kind }
        guard let first = gaps.first else { continue }
        writer.sample(
          "rollcall_node_gap", ["node": node.node, "source": first.source.rawValue, "kind": kind.rawValue], gaps.count)
      }
      if writer.bytes.count > Self.chunkBytes { try await send(writer.takeBytes()) }
    }
    let withheld = ledger.withheldGaps
    writer.family(
      "rollcall_withheld_gaps", .gauge,
      help: "Containers that are not gaps only because they were not found while the roll was stale (RollStale).")
    for source in Source.allCases { writer.sample("rollcall_withheld_gaps", ["source": source.rawValue], withheld[source] ?? 0) }
    writer.family(
      "rollcall_interval_seconds", .gauge, help: "How often each node's roll is called.", value: controller.settings.interval.seconds)
    writer.family(
      "rollcall_threshold_seconds", .gauge, help: "Maximum age of a container's last collection or scrape before it is a gap.",
      value: controller.settings.threshold.seconds)
  }

  private func writeCollections(_ writer: inout ExpositionWriter) {
    let counts = controller.counters.snapshot().sorted { $0.key.rawValue < $1.key.rawValue }
    writer.family("rollcall_collections_total", .counter, help: "Containers called, counted once per call.")
    for (source, counts) in counts { writer.sample("rollcall_collections_total", ["source": source.rawValue], counts.collections) }
    writer.family("rollcall_collection_failures_total", .counter, help: "Containers called but not collected, by reason.")
    for (source, counts) in counts {
      for reason in Reason.allCases {
        guard let count = counts.failures[reason] else { continue }
        writer.sample("rollcall_collection_failures_total", ["source": source.rawValue, "reason": reason.rawValue], count)
      }
    }
    writer.family("rollcall_collection_duration_seconds", .histogram, help: "Duration of the call of one node's roll.")
    for (source, counts) in counts {
      writer.histogram("rollcall_collection_duration_seconds", ["source": source.rawValue], counts.durations)
    }
  }

  /// On the leader only, which calls the exporters. Nodes that are gone are left out.
  private func writeExporters(_ writer: inout ExpositionWriter) {
    writer.exporters(controller.exporters.snapshot().filter { ledger.nodes[$0.key] != nil }, deadline: controller.settings.deadline)
    writer.probes(controller.relay?.statistics ?? [:])
  }

  private func writeTargets(_ writer: inout ExpositionWriter) {
    let reports = controller.publication.status
    writer.family("rollcall_published_targets", .gauge, help: "Targets in the EndpointSlices written by Rollcall.")
    for source in Source.allCases {
      if let report = reports[source] { writer.sample("rollcall_published_targets", ["source": source.rawValue], report.published) }
    }
    writer.family(
      "rollcall_refused_targets", .gauge, help: "Targets that cannot be published: no address, or one not allowed in an EndpointSlice.")
    for source in Source.allCases {
      if let report = reports[source] { writer.sample("rollcall_refused_targets", ["source": source.rawValue], report.refused.count) }
    }
    writer.family("rollcall_object_writes_total", .counter, help: "Services, EndpointSlices and ServiceMonitors applied or deleted.")
    for source in Source.allCases {
      if let report = reports[source] {
        writer.sample("rollcall_object_writes_total", ["source": source.rawValue], report.applied + report.deleted)
      }
    }
    writer.family("rollcall_failing_objects", .gauge, help: "Objects that could not be written or deleted, or do not stay as written.")
    for source in Source.allCases {
      if let report = reports[source] { writer.sample("rollcall_failing_objects", ["source": source.rawValue], report.failing.count) }
    }
  }

  private func writeAlerts(_ writer: inout ExpositionWriter) {
    let alertmanagers = controller.alertmanagers.status
    func family(_ name: String, _ type: MetricType, _ help: String, _ value: (AlertmanagerStatus) -> Int) {
      writer.family(name, type, help: help)
      for status in alertmanagers { writer.sample(name, ["alertmanager": status.url, "address": status.address], value(status)) }
    }
    family("rollcall_alerts_sent_total", .counter, "Alerts accepted by the Alertmanager, repeats included.") { $0.sent }
    family("rollcall_alerts_left_out", .gauge, "Open gaps in no alert, because there are too many.") { $0.leftOut }
    family("rollcall_alerts_refused_total", .counter, "Alerts that the Alertmanager refused in a request of their own.") { $0.refused }
    family("rollcall_alert_failures_total", .counter, "Requests to the Alertmanager, or look-ups of its name, that failed.") { $0.failures }
  }

  private func writeEvents(_ writer: inout ExpositionWriter) {
    writer.family(
      "rollcall_events_total", .counter,
      help: "Kubernetes Events about gaps, by outcome; folded Events only increment the count of an earlier one.")
    guard let statistics = controller.events?.status else { return }
    for (outcome, count) in [
      ("written", statistics.written), ("folded", statistics.folded), ("limited", statistics.limited),
      ("overflowed", statistics.overflowed), ("refused", statistics.refused),
    ] {
      writer.sample("rollcall_events_total", ["outcome": outcome], count)
    }
  }

  private func writeCertificatesAndArchive(_ writer: inout ExpositionWriter) {
    writer.family(
      "rollcall_certificate_expiry_timestamp_seconds", .gauge,
      help: "Expiry of a certificate for mutual TLS between controller and agents, in seconds since 1970.")
    for expiry in controller.certificates.status.expiries {
      writer.sample("rollcall_certificate_expiry_timestamp_seconds", ["certificate": expiry.member], expiry.notAfter)
    }
    let archive = controller.archive.status
    writer.family(
      "rollcall_archived_gaps", .gauge,
      help: "Open gaps, and ages that may become gaps, archived for the next leader, as of the last write.",
      value: Double(archive.kept))
    writer.family(
      "rollcall_archive_cut_gaps", .gauge,
      help: "Gaps and ages, the youngest, that did not fit into the archive and would lose their age with the next leader.",
      value: Double(archive.cut))
    writer.family(
      "rollcall_archive_failures_total", .counter, help: "Failed writes of the archive of open gaps.",
      value: Double(archive.failures))
  }

  private func writeWatches(_ writer: inout ExpositionWriter) {
    let watches = controller.watches.status
    writer.family("rollcall_watch_synced", .gauge, help: "1 while the watch of the resource is in sync with the API server, 0 otherwise.")
    for watch in watches { writer.sample("rollcall_watch_synced", ["resource": watch.resource], watch.problem == nil ? 1 : 0) }
    func counter(_ name: String, _ help: String, _ value: (WatchStatistics) -> Int) {
      writer.family(name, .counter, help: help)
      for watch in watches { writer.sample(name, ["resource": watch.resource], value(watch.statistics)) }
    }
    counter("rollcall_watch_lists_total", "Complete lists received.") { $0.lists }
    counter("rollcall_watch_streams_total", "Watches accepted by the API server.") { $0.watches }
    counter("rollcall_watch_changes_total", "Changes received by watch.") { $0.changes }
    counter("rollcall_watch_expirations_total", "Lists and watches refused because their resource version had expired.") { $0.expirations }
    counter("rollcall_watch_failures_total", "Lists and watches that failed and were retried with back-off.") { $0.failures }
    counter("rollcall_watch_unreadable_total", "Responses and events that could not be decoded or were too large.") { $0.unreadable }
  }

  private func writeProcess(_ writer: inout ExpositionWriter) {
    writer.family("rollcall_refused_requests_total", .counter, help: "Requests refused because of who asked, by reason.")
    let refusals = controller.refusals.status
    for reason in AccessRefusal.allCases {
      writer.sample("rollcall_refused_requests_total", ["reason": reason.rawValue], Double(refusals[reason] ?? 0))
    }
    writer.family(
      "rollcall_leader", .gauge, help: "1 on the leader, 0 on other replicas.",
      value: controller.leadership.status.isLeader ? 1 : 0)
    let shard = controller.shard
    writer.family(
      "rollcall_shards", .gauge, help: "The number of parts into which the nodes are divided, as this replica has it.",
      value: Double(shard.count))
    writer.family("rollcall_shard_leader", .gauge, help: "1 on the leader of the shard, 0 on other replicas of the shard.")
    writer.sample("rollcall_shard_leader", ["shard": "\(shard.index)"], controller.leadership.status.isLeader ? 1 : 0)
    writer.family("rollcall_ready", .gauge, help: "1 if the readiness check passes, 0 otherwise.")
    for check in controller.readiness.status { writer.sample("rollcall_ready", ["check": check.name], check.problem == nil ? 1 : 0) }
    writer.info("rollcall_build_info", help: "The version of Rollcall.", ["version": controller.version])
    if let metrics = ProcessMetrics.current() { writer.process(metrics) }
  }

  private static func labels(_ container: ContainerReference) -> ExpositionLabels {
    ["namespace": container.namespace, "pod": container.pod, "container": container.container]
  }

  private func unixSeconds(_ moment: Moment) -> Double {
    Double(reading.unixMilliseconds(of: moment)) / 1000
  }
}
