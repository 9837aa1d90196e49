package import Exposition
internal import ProcFS
package import Roll

/// The agent's whole `/metrics` page.
package struct AgentPage: Sendable {
  /// The value of the label `node`.
  package var node: String
  /// The roll by which containers are named; empty until the controller has called once.
  package var roll: [RollEntry]
  package var sweep: Sweep
  package var state: AgentState
  /// `nil` where this process cannot read its own.
  package var process: ProcessMetrics?
  /// Bytes in a page of memory, the unit of the kernel's socket memory.
  package var memoryPageBytes: Int64
  /// Whether to add cAdvisor's families as well.
  package var isCadvisorCompatible: Bool

  package init(
    node: String, roll: [RollEntry], sweep: Sweep, state: AgentState, process: ProcessMetrics?, memoryPageBytes: Int64,
    isCadvisorCompatible: Bool = false
  ) {
    self.node = node
    self.roll = roll
    self.sweep = sweep
    self.state = state
    self.process = process
    self.memoryPageBytes = memoryPageBytes
    self.isCadvisorCompatible = isCadvisorCompatible
  }

  /// The page in one of the formats. Equal input gives an equal page, whatever order the kernel listed things in.
  package func render(_ format: ExpositionFormat = .text) -> [UInt8] {
    var bytes: [UInt8] = []
    render(format) { bytes += $0 }
    return bytes
  }

  /// The same in pieces, one after the other: that of a large node has megabytes.
  package func render(_ format: ExpositionFormat, _ take: ([UInt8]) -> Void) {
    var page = ExpositionWriter(format, reservingCapacity: Self.pieceBytes * 2)
    writeNamespaces(to: &page, take)
    writeHostNetworkPods(to: &page)
    if var report = sweep.filesystems {
      // It is older than the sweep: whoever has gone meanwhile is not shown any more.
      let found = Set(sweep.containers.map(\.id))
      report.containers.removeAll { !found.contains($0.id) }
      FilesystemMetrics(node: node, roll: roll, report: report).write(to: &page) { page in Self.drainPiece(of: &page, take) }
    }
    writeHost(to: &page)
    writeAgent(to: &page)
    if let report = sweep.filesystems { FilesystemMetrics.writeState(of: report, at: sweep.startedAt, to: &page) }
    if let process { page.process(process) }
    page.finish()
    page.drain(take)
  }

  /// A piece ends with the sample at which it has this size.
  private static let pieceBytes = 128 * 1024

  private static func drainPiece(of page: inout ExpositionWriter, _ take: ([UInt8]) -> Void) {
    if page.bytes.count >= pieceBytes { page.drain(take) }
  }

  private func writeNamespaces(to page: inout ExpositionWriter, _ take: ([UInt8]) -> Void) {
    let owners = sweep.owners(by: roll)
    let order = owners.indices.sorted { owners[$0] < owners[$1] }
    var pods: [(labels: ExpositionLabels, reading: NamespaceReading)] = []
    var unnamed: [(labels: ExpositionLabels, reading: NamespaceReading)] = []
    for index in order {
      let reading = sweep.namespaces[index]
      switch owners[index] {
      case .pod(let namespace, let name): pods.append((["namespace": namespace, "pod": name, "node": node], reading))
      case .unnamed(let podUID, let id):
        unnamed.append((["pod_uid": podUID, "container_id": id.description, "node": node], reading))
      case .host: break
      }
    }
    write(pods, prefix: "rollcall_pod_", to: &page, take)
    write(unnamed, prefix: "rollcall_unnamed_container_", to: &page, take)
    if isCadvisorCompatible { writeCadvisor(owners, order, to: &page, take) }
  }

  private func write(
    _ rows: [(labels: ExpositionLabels, reading: NamespaceReading)], prefix: String, to page: inout ExpositionWriter,
    _ take: ([UInt8]) -> Void
  ) {
    for metric in NamespaceMetric.all {
      let name = prefix + metric.name
      var isBegun = false
      for row in rows {
        metric.samples(row.reading) { labels, value in
          if !isBegun { page.family(name, metric.type, help: metric.help) }
          isBegun = true
          page.sample(name, row.labels, labels, value)
        }
        Self.drainPiece(of: &page, take)
      }
    }
  }

  private func writeCadvisor(
    _ owners: [NamespaceOwner], _ order: [Int], to page: inout ExpositionWriter, _ take: ([UInt8]) -> Void
  ) {
    let sandboxes = sweep.sandboxes(by: roll)
    var rows: [(labels: ExpositionLabels, reading: NamespaceReading)] = []
    for index in order {
      guard let sandbox = sandboxes[index] else { continue }
      let (namespace, pod): (String, String)
      switch owners[index] {
      case .pod(let ofPod, let name): (namespace, pod) = (ofPod, name)
      case .unnamed: (namespace, pod) = ("", "")
      case .host: continue
      }
      // cAdvisor's id is the cgroup's path in its tree.
      let root = sweep.places.first { sandbox.place.hasPrefix($0 + "/") } ?? ""
      rows.append(
        (
          [
            "container": "", "id": String(sandbox.place.dropFirst(root.count)), "image": "", "name": sandbox.id.description,
            "namespace": namespace, "pod": pod,
          ], sweep.namespaces[index]
        ))
    }
    CadvisorMetrics(rows: rows).write(to: &page) { page in Self.drainPiece(of: &page, take) }
  }

  /// Pods that share the host's network are not forgotten: their numbers are the node's.
  private func writeHostNetworkPods(to page: inout ExpositionWriter) {
    var pods: Set<String> = []
    for entry in roll.sorted(by: { $0.reference < $1.reference }) where entry.hostNetwork {
      let labels: ExpositionLabels = ["namespace": entry.reference.namespace, "pod": entry.reference.pod, "node": node]
      guard pods.insert(entry.reference.namespace + "/" + entry.reference.pod).inserted else { continue }
      page.info(
        "rollcall_pod_host_network", help: "Always 1; the pod shares the node's network, so that it has no network numbers of its own.",
        labels)
    }
  }

  /// The numbers that the kernel shows alike in every namespace, and that therefore belong to the node alone.
  private func writeHost(to page: inout ExpositionWriter) {
    let labels: ExpositionLabels = ["node": node]
    func write(_ field: Sockstat, _ name: String, unit: Int64 = 1, _ help: String) {
      guard let value = sweep.host?[field] else { return }
      page.family(name, .gauge, help: help)
      page.sample(name, labels, value * unit)
    }
    write(
      .hostTCPOrphans, "rollcall_node_sockstat_tcp_orphan",
      "TCP connections of the whole host that no process holds any more, IPv4 and IPv6 together (sockstat TCP orphan).")
    write(
      .hostTCPAllocated, "rollcall_node_sockstat_tcp_alloc",
      "TCP sockets of the whole host that are allocated, in whatever state, IPv4 and IPv6 together (sockstat TCP alloc).")
    write(
      .hostTCPMemoryPages, "rollcall_node_sockstat_tcp_memory_bytes", unit: memoryPageBytes,
      "Memory of the buffers of all TCP sockets of the host (sockstat TCP mem, which counts pages).")
    write(
      .hostUDPMemoryPages, "rollcall_node_sockstat_udp_memory_bytes", unit: memoryPageBytes,
      "Memory of the buffers of all UDP sockets of the host (sockstat UDP mem, which counts pages).")
  }

  private func writeAgent(to page: inout ExpositionWriter) {
    page.info("rollcall_agent_build_info", help: "Always 1; the label tells the agent's version.", ["version": state.version])
    page.family(
      "rollcall_agent_containers_found", .gauge, help: "Containers that the last sweep found on the node, pause containers included.",
      value: Double(sweep.containers.count))
    page.family(
      "rollcall_agent_namespaces_read", .gauge, help: "Network namespaces that the last sweep read, each once.",
      value: Double(sweep.namespaces.count))
    page.family(
      "rollcall_agent_sweep_problems", .gauge, help: "Files and directories that the last sweep could not look at.",
      value: Double(sweep.problems.count))
    page.family("rollcall_agent_sweep_duration_seconds", .gauge, help: "How long the last sweep took.", value: sweep.duration.seconds)
    page.family(
      "rollcall_agent_socket_states", .gauge,
      help: "Whether sockets are counted by state: 0 where the agent was told not to, lacks the capability, or the kernel lacks tcp_diag.",
      value: sweep.namespaces.contains { $0.sockets != nil } ? 1 : 0)
    page.family(
      "rollcall_agent_sweep_cpu_seconds_total", .counter,
      help: "Processor time of all sweeps, by part: finding processes, reading files of namespaces, counting sockets.")
    for (part, time) in [("locating", state.cost.locating), ("reading", state.cost.reading), ("sockets", state.cost.sockets)] {
      page.sample("rollcall_agent_sweep_cpu_seconds_total", ["part": part], time.seconds)
    }
    page.family("rollcall_agent_sweeps_total", .counter, help: "Sweeps since the agent started.", value: Double(state.sweeps))
    page.family(
      "rollcall_agent_roll_entries", .gauge, help: "Containers on the roll that the agent holds; 0 until the controller called.",
      value: Double(roll.count))
    page.family(
      "rollcall_agent_answers_total", .counter,
      help: "Answers given to the controller since the agent started, by what they said: Collected, or the reason why not.")
    for (answer, count) in state.answers.byLabel {
      page.sample("rollcall_agent_answers_total", ["answer": answer], count)
    }
  }
}
