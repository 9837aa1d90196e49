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

  package init(node: String, roll: [RollEntry], sweep: Sweep, state: AgentState, process: ProcessMetrics?, memoryPageBytes: Int64) {
    self.node = node
    self.roll = roll
    self.sweep = sweep
    self.state = state
    self.process = process
    self.memoryPageBytes = memoryPageBytes
  }

  /// The page in the text format. Equal input gives an equal page, whatever order the kernel listed things in.
  package func render() -> [UInt8] {
    var page = ExpositionWriter(reservingCapacity: 16384 + sweep.namespaces.count * NamespaceMetric.all.count * 110)
    writeNamespaces(to: &page)
    writeHost(to: &page)
    writeAgent(to: &page)
    if let process { page.process(process) }
    return page.bytes
  }

  private func writeNamespaces(to page: inout ExpositionWriter) {
    let owned = zip(sweep.owners(by: roll), sweep.namespaces).sorted { $0.0 < $1.0 }
    var pods: [(ExpositionLabels, NamespaceReading)] = []
    var unnamed: [(ExpositionLabels, NamespaceReading)] = []
    for (owner, reading) in owned {
      switch owner {
      case .pod(let namespace, let name): pods.append((["namespace": namespace, "pod": name, "node": node], reading))
      case .unnamed(let podUID, let id):
        unnamed.append((["pod_uid": podUID, "container_id": id.description, "node": node], reading))
      case .host: break
      }
    }
    write(pods, prefix: "rollcall_pod_", to: &page)
    write(unnamed, prefix: "rollcall_unnamed_container_", to: &page)
  }

  private func write(_ readings: [(ExpositionLabels, NamespaceReading)], prefix: String, to page: inout ExpositionWriter) {
    for metric in NamespaceMetric.all {
      let name = prefix + metric.name
      for (labels, reading) in readings {
        guard let value = metric.value(reading) else { continue }
        page.family(name, metric.type, help: metric.help)
        // Exact up to 2^53, and much faster than the writer's way for integers of any size.
        page.sample(name, labels, Double(value))
      }
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
