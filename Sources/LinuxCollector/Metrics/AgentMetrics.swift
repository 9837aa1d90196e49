package import Exposition
internal import Primitives
internal import ProcFS
package import Roll

/// The exposition of the agent's `/metrics`.
package struct AgentMetrics: Sendable {
  /// The value of the label `node`.
  package var node: String
  /// The roll, from which containers get their names; empty until the first call of the controller.
  package var roll: [RollEntry]
  /// Pods on the roll that have no series of sockets and file systems.
  package var sandboxed: SandboxedPods
  package var sweep: Sweep
  package var state: AgentState
  /// `nil` if they cannot be read.
  package var process: ProcessMetrics?
  /// The size of a memory page, the unit of socket memory in sockstat.
  package var memoryPageBytes: Int64
  /// Whether to add cAdvisor's network families.
  package var isCadvisorCompatible: Bool

  package init(
    node: String, roll: [RollEntry], sandboxed: SandboxedPods = SandboxedPods(), sweep: Sweep, state: AgentState, process: ProcessMetrics?,
    memoryPageBytes: Int64,
    isCadvisorCompatible: Bool = false
  ) {
    self.node = node
    self.roll = roll
    self.sandboxed = sandboxed
    self.sweep = sweep
    self.state = state
    self.process = process
    self.memoryPageBytes = memoryPageBytes
    self.isCadvisorCompatible = isCadvisorCompatible
  }

  /// The whole exposition. It does not depend on the kernel's order of containers.
  package func render(_ format: ExpositionFormat = .text) -> [UInt8] {
    var bytes: [UInt8] = []
    render(format) { bytes += $0 }
    return bytes
  }

  /// The exposition in pieces, in order. A large node's has megabytes.
  package func render(_ format: ExpositionFormat, _ take: ([UInt8]) -> Void) {
    var writer = ExpositionWriter(format, reservingCapacity: Self.pieceBytes * 2)
    let matches = RollMatches(roll, sweep.containers)
    let sandboxed = self.sandboxed.all.union(sweep.unnamedSandboxes(by: matches))
    writeNamespaces(matches, sandboxed, to: &writer, take)
    writeHostNetworkPods(to: &writer)
    if var report = sweep.filesystems {
      report.containers.removeAll { $0.podUID.map(sandboxed.contains) ?? false }
      let names = Dictionary(uniqueKeysWithValues: sweep.containers.lazy.map { ($0.id, matches.entry(of: $0)?.reference) })
      FilesystemMetrics(node: node, names: names, report: report).write(to: &writer) { writer in Self.drainPiece(of: &writer, take) }
    }
    writeHost(to: &writer)
    writeAgent(to: &writer)
    if let report = sweep.filesystems { FilesystemMetrics.writeState(of: report, at: sweep.startedAt, to: &writer) }
    if let process { writer.process(process) }
    writer.finish()
    writer.drain(take)
  }

  /// The minimum size of a piece. Pieces end after a whole sample.
  private static let pieceBytes = 128 * 1024

  private static func drainPiece(of writer: inout ExpositionWriter, _ take: ([UInt8]) -> Void) {
    if writer.bytes.count >= pieceBytes { writer.drain(take) }
  }

  private func writeNamespaces(
    _ matches: RollMatches, _ sandboxed: Set<String>, to writer: inout ExpositionWriter, _ take: ([UInt8]) -> Void
  ) {
    let owners = sweep.owners(by: matches, sandboxed)
    let order = owners.indices.sorted { owners[$0] < owners[$1] }
    var pods: [(labels: ExpositionLabels, reading: NamespaceReading)] = []
    var unnamed: [(labels: ExpositionLabels, reading: NamespaceReading)] = []
    for index in order {
      let reading = sweep.namespaces[index]
      switch owners[index] {
      case .pod(let namespace, let name): pods.append((["namespace": namespace, "pod": name, "node": node], reading))
      case .unnamed(let podUID, let id):
        unnamed.append((["pod_uid": podUID, "container_id": id.description, "node": node], reading))
      case .host, .sandbox: break
      }
    }
    write(pods, prefix: "rollcall_pod_", to: &writer, take)
    write(unnamed, prefix: "rollcall_unnamed_container_", to: &writer, take)
    if isCadvisorCompatible { writeCadvisor(owners, order, to: &writer, take) }
  }

  private func write(
    _ rows: [(labels: ExpositionLabels, reading: NamespaceReading)], prefix: String, to writer: inout ExpositionWriter,
    _ take: ([UInt8]) -> Void
  ) {
    for metric in NamespaceMetric.all {
      let name = prefix + metric.name
      var isBegun = false
      for row in rows {
        metric.samples(row.reading) { labels, value in
          if !isBegun { writer.family(name, metric.type, help: metric.help) }
          isBegun = true
          writer.sample(name, row.labels, labels, value)
        }
        Self.drainPiece(of: &writer, take)
      }
    }
  }

  private func writeCadvisor(
    _ owners: [NamespaceOwner], _ order: [Int], to writer: inout ExpositionWriter, _ take: ([UInt8]) -> Void
  ) {
    let sandboxes = sweep.sandboxes()
    var rows: [(labels: ExpositionLabels, reading: NamespaceReading)] = []
    for index in order {
      guard let sandbox = sandboxes[index] else { continue }
      let (namespace, pod): (String, String)
      switch owners[index] {
      case .pod(let ofPod, let name): (namespace, pod) = (ofPod, name)
      case .unnamed: (namespace, pod) = ("", "")
      case .host, .sandbox: continue
      }
      // cAdvisor's `id` is the cgroup's path within its hierarchy.
      let root = sweep.searchedPaths.first { sandbox.origin.hasPrefix($0 + "/") } ?? ""
      rows.append(
        (
          [
            "container": "", "id": String(sandbox.origin.dropFirst(root.count)), "image": "", "name": sandbox.id.description,
            "namespace": namespace, "pod": pod,
          ], sweep.namespaces[index]
        ))
    }
    CadvisorMetrics(rows: rows).write(to: &writer) { writer in Self.drainPiece(of: &writer, take) }
  }

  /// Lists the pods on the host's network, which have no metrics of their own.
  private func writeHostNetworkPods(to writer: inout ExpositionWriter) {
    var pods: Set<String> = []
    for entry in roll.sorted(by: { $0.reference < $1.reference }) where entry.hostNetwork {
      let labels: ExpositionLabels = ["namespace": entry.reference.namespace, "pod": entry.reference.pod, "node": node]
      guard pods.insert(entry.reference.namespace + "/" + entry.reference.pod).inserted else { continue }
      writer.info(
        "rollcall_pod_host_network", help: "Always 1; the pod shares the node's network and has no network metrics of its own.",
        labels)
    }
  }

  /// Writes the numbers that are the same in every namespace and belong to the node.
  private func writeHost(to writer: inout ExpositionWriter) {
    let labels: ExpositionLabels = ["node": node]
    func write(_ field: Sockstat, _ name: String, unit: Int64 = 1, _ help: String) {
      guard let value = sweep.host?[field] else { return }
      writer.family(name, .gauge, help: help)
      writer.sample(name, labels, value * unit)
    }
    write(
      .hostTCPOrphans, "rollcall_node_sockstat_tcp_orphan",
      "TCP connections of the whole host without a process, IPv4 and IPv6 together (sockstat TCP orphan).")
    write(
      .hostTCPAllocated, "rollcall_node_sockstat_tcp_alloc",
      "Allocated TCP sockets of the whole host in any state, IPv4 and IPv6 together (sockstat TCP alloc).")
    write(
      .hostTCPMemoryPages, "rollcall_node_sockstat_tcp_memory_bytes", unit: memoryPageBytes,
      "Buffer memory of all TCP sockets of the host (sockstat TCP mem, which counts pages).")
    write(
      .hostUDPMemoryPages, "rollcall_node_sockstat_udp_memory_bytes", unit: memoryPageBytes,
      "Buffer memory of all UDP sockets of the host (sockstat UDP mem, which counts pages).")
  }

  private func writeAgent(to writer: inout ExpositionWriter) {
    writer.info("rollcall_agent_build_info", help: "Always 1; the label has the agent's version.", ["version": state.version])
    writer.family(
      "rollcall_agent_containers_found", .gauge, help: "Containers found by the last sweep, including pause containers.",
      value: Double(sweep.containers.count))
    writer.family(
      "rollcall_agent_namespaces_read", .gauge, help: "Network namespaces read by the last sweep.",
      value: Double(sweep.namespaces.count))
    writer.family(
      "rollcall_agent_sweep_problems", .gauge, help: "Files and directories that the last sweep could not read.",
      value: Double(sweep.problems.count))
    writer.family(
      "rollcall_agent_cgroups_left_out", .gauge,
      help:
        "Cgroups at which the search below a container ended, because it has more than \(CgroupTree.maximumBelowContainer); more may be behind them.",
      value: Double(sweep.cgroupsLeftOut))
    writer.family("rollcall_agent_sweep_duration_seconds", .gauge, help: "Duration of the last sweep.", value: sweep.duration.seconds)
    writer.family(
      "rollcall_agent_socket_states", .gauge,
      help: "Whether sockets are counted by state: 0 if disabled, if the agent lacks the capability, or if the kernel lacks tcp_diag.",
      value: sweep.namespaces.contains { $0.sockets != nil } ? 1 : 0)
    writer.family(
      "rollcall_agent_sweep_cpu_seconds_total", .counter,
      help: "CPU time of all sweeps by part: finding processes, reading namespaces, counting sockets.")
    for (part, time) in [("locating", state.cost.locating), ("reading", state.cost.reading), ("sockets", state.cost.sockets)] {
      writer.sample("rollcall_agent_sweep_cpu_seconds_total", ["part": part], time.seconds)
    }
    writer.family("rollcall_agent_sweeps_total", .counter, help: "Sweeps since the agent started.", value: Double(state.sweeps))
    writer.family(
      "rollcall_agent_roll_entries", .gauge, help: "Containers on the agent's roll; 0 until the controller has sent one.",
      value: Double(roll.count))
    writer.family(
      "rollcall_agent_answers_total", .counter,
      help: "Answers to the controller since the agent started: Collected, the reason for a miss, or the exemption.")
    for (answer, count) in state.answers.byLabel {
      writer.sample("rollcall_agent_answers_total", ["answer": answer], count)
    }
  }
}

/// The agent's state for its own metrics.
package struct AgentState: Hashable, Sendable {
  package var version: String
  package var sweeps: UInt64
  /// Of all sweeps.
  package var cost: SweepCost
  package var answers: AnswerCounts

  package init(version: String, sweeps: UInt64, cost: SweepCost = SweepCost(), answers: AnswerCounts) {
    self.version = version
    self.sweeps = sweeps
    self.cost = cost
    self.answers = answers
  }
}

/// The number of answers given to the controller, by result.
package struct AnswerCounts: Hashable, Sendable {
  /// All reasons that an agent gives. Each has a series from the start, so that `rate` sees the first increase.
  static let reasons: [Reason] = [.permissionDenied, .pidNotFound, .unknown]
  static let exemptions: [Exemption] = [.sandboxedRuntime]

  private var collected: UInt64 = 0
  private var missed: [Reason: UInt64] = [:]
  private var exempt: [Exemption: UInt64] = [:]

  package init() {}

  package mutating func add(_ answers: [AgentAnswer]) {
    for answer in answers {
      if let exemption = answer.exempt {
        exempt[exemption, default: 0] += 1
      } else if let reason = answer.reason {
        missed[reason, default: 0] += 1
      } else {
        collected += 1
      }
    }
  }

  var byLabel: [(String, UInt64)] {
    [("Collected", collected)] + Self.reasons.map { ($0.rawValue, missed[$0] ?? 0) }
      + Self.exemptions.map { ($0.rawValue, exempt[$0] ?? 0) }
  }
}
