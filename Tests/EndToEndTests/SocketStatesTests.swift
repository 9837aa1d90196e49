import TestSupport
import Testing

/// Every socket of a pod, by its state: opened by a program in a container of containerd, read on the agent's page.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct SocketStatesTests {
  private static let states = Pod(name: "states-0")
  private static let quiet = Pod(name: "quiet-0")
  private static let onHost = Pod(name: "on-host-0", hostNetwork: true)

  @Test(
    "The sockets that a pod opened in each state are on the page, exactly these, and the pod beside it has none",
    .enabled(if: Containerd.isPermitted, Containerd.condition))
  func socketsByState() async throws {
    try await Stage.play(agentArguments: ["--compat", "cadvisor"], play)
  }

  private func play(on stage: Stage, with containerd: Containerd) async throws {
    let (states, quiet, onHost) = (Self.states, Self.quiet, Self.onHost)
    let quietID = try containerd.start(
      podUID: quiet.uid, networkNamespace: try containerd.makeNetworkNamespace(), script: "sleep 100000")
    try stage.put(quiet.object(containerID: quietID))
    let hostID = try containerd.start(podUID: onHost.uid, networkNamespace: nil, script: "sleep 100000")
    try stage.put(onHost.object(containerID: hostID))
    try await stage.eventually("the agent has the names of the pods") {
      try await stage.agentPage().names(with: "pod=\"\(quiet.name)\"").count > 20
    }

    // Two containers that share the pod's network: its numbers come once. TIME_WAIT lasts for a minute, so this is the last to start.
    let network = try containerd.makeNetworkNamespace()
    let sidecarID = try containerd.start(podUID: states.uid, networkNamespace: network, script: "sleep 100000")
    let statesID = try containerd.start(
      podUID: states.uid, networkNamespace: network, hostPrograms: true, script: PodSockets.script)
    try stage.put(states.object(containerID: statesID, sidecars: ["sidecar": sidecarID]))

    let expected = Self.expected
    var differences: [String] = []
    var page = try await stage.agentPage()
    try? await stage.eventually("the page has exactly the sockets that were opened") {
      page = try await stage.agentPage()
      differences = Self.differences(page, expected)
      return differences.isEmpty
    }
    #expect(differences == [], "what the page has, and what was opened")
    #expect(page.all("rollcall_pod_tcp_sockets").keys.filter { $0.contains(states.name) }.count == 22)
    #expect(page("rollcall_pod_tcp_accept_queue_fullest_ratio", "pod=\"\(states.name)\"") == 1)
    // Each that found the queue full was counted, and is again with every SYN that it sends.
    #expect(page("rollcall_pod_tcp_listen_overflows_total", "pod=\"\(states.name)\"") ?? 0 >= 3)

    expectOthers(page)
    // Names down to the container where a number is the container's own.
    for (container, id) in [(states.container, statesID), ("sidecar", sidecarID)] {
      try await stage.eventually("\(container)'s volume is on the page") {
        try await stage.agentPage()(
          "rollcall_container_filesystem_size_bytes", "namespace=\"default\",pod=\"\(states.name)\",container=\"\(container)\"", "/data")
          == Double(Containerd.volumeBytes)
      }
      #expect(try await stage.agentPage().names(with: "container_id=\"\(id)\"").isEmpty, "\(container) has a name, and needs no ID")
    }
    for container in [states.container, "sidecar"] {
      try await stage.eventually("\(container) is collected") {
        try await stage.metric(
          "rollcall_container_last_collection_timestamp_seconds", where: "pod=\"\(states.name)\",container=\"\(container)\"") ?? 0 > 0
      }
    }
    #expect(try await stage.gaps().isEmpty)
  }

  /// The pod beside it has a network of its own, with nothing in it; the one in the host's network has no numbers at all; and what
  /// the kernel counts for the whole host comes once.
  private func expectOthers(_ page: Page) {
    let (quiet, onHost) = (Self.quiet, Self.onHost)
    #expect(page.names(with: "pod=\"\(quiet.name)\"").count > 20)
    // What the kernel gives as settings of TCP is beside the numbers of sockets there.
    let numbers = ["rollcall_pod_", "container_network_tcp", "container_network_udp"]
    for (series, value) in page.series where series.contains("pod=\"\(quiet.name)\"") && numbers.contains(where: series.hasPrefix) {
      #expect(value == 0, "\(series)")
    }
    #expect(page.all("rollcall_pod_tcp_sockets").keys.filter { $0.contains(quiet.name) }.count == 22)
    let ofHost = page.names(with: "pod=\"\(onHost.name)\"").filter { !$0.contains("_filesystem_") }
    #expect(ofHost == ["rollcall_pod_host_network"])
    for name in ["tcp_orphan", "tcp_alloc", "tcp_memory_bytes", "udp_memory_bytes"] {
      #expect(page.all("rollcall_node_sockstat_\(name)").count == 1)
      #expect(page.series.keys.filter { $0.contains("sockstat_\(name)") }.count == 1, "\(name) is the host's alone")
    }
  }

  /// By the pod's metrics with their last labels.
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
        expected["container_network_tcp\(suffix)_usage_total tcp_state=\"\(state.filter { $0 != "_" })\""] = number
      }
      expected["container_network_udp\(suffix)_usage_total udp_state=\"listen\""] = sockets.udp
    }
    return expected
  }

  private static func differences(_ page: Page, _ expected: [String: Int]) -> [String] {
    expected.sorted { $0.key < $1.key }.compactMap { key, number in
      // The name, and with some the last labels; a series holds its own name in any case.
      let parts = key.split(separator: " ").map(String.init)
      let found = page(parts[0], "pod=\"\(states.name)\"", parts[parts.count - 1])
      return found == Double(number) ? nil : "\(key): \(found.map { "\($0)" } ?? "none") for \(number)"
    }
  }
}
