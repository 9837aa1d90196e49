import TestSupport
import Testing

/// The sockets of a pod by state: a program in a containerd container opens them, the agent's metrics report them.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct SocketStatesTests {
  private static let states = TestPod(name: "states-0")
  private static let quiet = TestPod(name: "quiet-0")
  private static let onHost = TestPod(name: "on-host-0", hostNetwork: true)

  @Test(.enabled(if: Containerd.isPermitted, Containerd.condition))
  func `the agent reports exactly the sockets of a pod in each state, and none of an idle pod`() async throws {
    try await LinuxCluster.withCluster(agentArguments: ["--compat", "cadvisor"], run)
  }

  private func run(on cluster: LinuxCluster, with containerd: Containerd) async throws {
    let (states, quiet, onHost) = (Self.states, Self.quiet, Self.onHost)
    let quietID = try containerd.start(
      podUID: quiet.uid, networkNamespace: try containerd.makeNetworkNamespace(), script: "sleep 100000")
    try cluster.put(quiet.object(containerID: quietID))
    let hostID = try containerd.start(podUID: onHost.uid, networkNamespace: nil, script: "sleep 100000")
    try cluster.put(onHost.object(containerID: hostID))
    try await cluster.eventually("the agent has the names of the pods") {
      try await cluster.agentMetrics().names(with: "pod=\"\(quiet.name)\"").count > 20
    }

    // Two containers share the network of the pod, which is reported once. TIME_WAIT lasts a minute, so this pod starts last.
    let network = try containerd.makeNetworkNamespace()
    let sidecarID = try containerd.start(podUID: states.uid, networkNamespace: network, script: "sleep 100000")
    let statesID = try containerd.start(
      podUID: states.uid, networkNamespace: network, hostPrograms: true, script: PodSockets.script)
    try cluster.put(states.object(containerID: statesID, sidecars: ["sidecar": sidecarID]))

    let expected = Self.expected
    var differences: [String] = []
    var metrics = try await cluster.agentMetrics()
    try? await cluster.eventually("the metrics have exactly the opened sockets") {
      metrics = try await cluster.agentMetrics()
      differences = Self.differences(metrics, expected)
      return differences.isEmpty
    }
    #expect(differences == [], "metrics that differ from the opened sockets")
    #expect(metrics.all("rollcall_pod_tcp_sockets").keys.filter { $0.contains(states.name) }.count == 22)
    #expect(metrics("rollcall_pod_tcp_accept_queue_fullest_ratio", "pod=\"\(states.name)\"") == 1)
    // Each connection that found the queue full is counted, again for each retransmitted SYN. The counter may be read later than the
    // states.
    try await cluster.eventually("overflows of the accept queue are counted") {
      try await cluster.agentMetrics()("rollcall_pod_tcp_listen_overflows_total", "pod=\"\(states.name)\"") ?? 0 >= 3
    }

    expectOthers(metrics)
    // Metrics of one container have its name.
    for (container, id) in [(states.container, statesID), ("sidecar", sidecarID)] {
      try await cluster.eventually("\(container)'s volume is reported") {
        try await cluster.agentMetrics()(
          "rollcall_container_filesystem_size_bytes", "namespace=\"default\",pod=\"\(states.name)\",container=\"\(container)\"", "/data")
          == Double(Containerd.volumeBytes)
      }
      #expect(
        try await cluster.agentMetrics().names(with: "container_id=\"\(id)\"").isEmpty, "\(container) has a name, so no series has its ID")
    }
    for container in [states.container, "sidecar"] {
      try await cluster.eventually("\(container) is collected") {
        try await cluster.metric(
          "rollcall_container_last_collection_timestamp_seconds", where: "pod=\"\(states.name)\",container=\"\(container)\"") ?? 0 > 0
      }
    }
    #expect(try await cluster.gaps().isEmpty)
  }

  /// The idle pod has its own empty network, the pod in the host's network has no socket metrics, and host-wide counters are reported once.
  private func expectOthers(_ metrics: ScrapedMetrics) {
    let (quiet, onHost) = (Self.quiet, Self.onHost)
    #expect(metrics.names(with: "pod=\"\(quiet.name)\"").count > 20)
    // Other series are the kernel's TCP settings.
    let numbers = ["rollcall_pod_", "container_network_tcp", "container_network_udp"]
    for (series, value) in metrics.series where series.contains("pod=\"\(quiet.name)\"") && numbers.contains(where: series.hasPrefix) {
      #expect(value == 0, "\(series)")
    }
    #expect(metrics.all("rollcall_pod_tcp_sockets").keys.filter { $0.contains(quiet.name) }.count == 22)
    let ofHost = metrics.names(with: "pod=\"\(onHost.name)\"").filter { !$0.contains("_filesystem_") }
    #expect(ofHost == ["rollcall_pod_host_network"])
    for name in ["tcp_orphan", "tcp_alloc", "tcp_memory_bytes", "udp_memory_bytes"] {
      #expect(metrics.all("rollcall_node_sockstat_\(name)").count == 1)
      #expect(metrics.series.keys.filter { $0.contains("sockstat_\(name)") }.count == 1, "\(name) is reported for the host only")
    }
  }

  /// The expected values, by metric and, after a space, its last labels.
  private static var expected: [String: Int] {
    let both = PodSockets.both
    func sum(_ number: (PodSockets) -> Int) -> Int { both.map(number).reduce(0, +) }
    var expected = [
      "rollcall_pod_sockstat_tcp_inuse": both[0].inUse, "rollcall_pod_sockstat_tcp6_inuse": both[1].inUse,
      "rollcall_pod_sockstat_tcp_tw": sum(\.timeWaitOfSockstat), "rollcall_pod_sockstat_udp_inuse": both[0].udp,
      "rollcall_pod_sockstat_udp6_inuse": both[1].udp, "rollcall_pod_sockstat_sockets_used": sum { $0.inUse + $0.udp },
      "rollcall_pod_tcp_current_established": sum { ($0.states["established"] ?? 0) + $0.closeWait },
      "rollcall_pod_tcp_orphans": sum(\.orphans), "rollcall_pod_tcp_accept_queue_connections": sum(\.waiting),
      "rollcall_pod_tcp_accept_queue_longest_connections": both.map(\.waiting).max() ?? 0,
    ]
    for (sockets, suffix) in zip(both, ["", "6"]) {
      for (state, number) in sockets.states {
        expected["rollcall_pod_tcp_sockets state=\"\(state)\",family=\"\(sockets.family)\""] = number
      }
      for (state, number) in sockets.listedStates {
        expected["container_network_tcp\(suffix)_usage_total tcp_state=\"\(state.filter { $0 != "_" })\""] = number
      }
      expected["container_network_udp\(suffix)_usage_total udp_state=\"listen\""] = sockets.udp
    }
    return expected
  }

  private static func differences(_ metrics: ScrapedMetrics, _ expected: [String: Int]) -> [String] {
    expected.sorted { $0.key < $1.key }.compactMap { key, number in
      // Without last labels this is the name, which every series contains.
      let parts = key.split(separator: " ").map(String.init)
      let found = metrics(parts[0], "pod=\"\(states.name)\"", parts[parts.count - 1])
      return found == Double(number) ? nil : "\(key): \(found.map { "\($0)" } ?? "none") for \(number)"
    }
  }
}
