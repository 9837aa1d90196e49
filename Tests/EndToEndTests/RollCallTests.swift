import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport
import Testing

/// End to end with real programs: containerd and runc run the containers, the agent answers for them, Prometheus scrapes the targets of
/// HTTP SD, and gaps reach Alertmanager. Only the API server is simulated.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct RollCallTests {
  @Test(.enabled(if: Containerd.isPermitted, Containerd.condition))
  func `containers are collected, a dead agent raises an alert that resolves, a finished container is not a gap`() async throws {
    try await LinuxCluster.withCluster(run)
  }

  private func run(on cluster: LinuxCluster, with containerd: Containerd) async throws {
    // A pod with 25 listening sockets and 20 connections to itself, and a pod whose container will finish.
    let busy = TestPod(name: "busy-0")
    let brief = TestPod(name: "brief-0", container: "task")
    let busyID = try containerd.start(
      podUID: busy.uid, networkNamespace: try containerd.makeNetworkNamespace(),
      script: """
        port=7000; while [ $port -lt 7025 ]; do nc -ll -p $port -e /bin/cat & port=$((port + 1)); done
        sleep 1
        port=7000; while [ $port -lt 7020 ]; do sleep 100000 | nc 127.0.0.1 $port & port=$((port + 1)); done
        sleep 100000
        """)
    let briefID = try containerd.start(
      podUID: brief.uid, networkNamespace: try containerd.makeNetworkNamespace(), script: "sleep 100000")
    try cluster.put(busy.object(containerID: busyID))
    try cluster.put(brief.object(containerID: briefID))

    // Prometheus finds the agent by HTTP SD and reads exactly the opened sockets. busybox's nc listens on IPv6 sockets that also accept
    // IPv4, so a connection has one end in each family: 25 + 20 in TCP6, 20 in TCP, 40 established.
    try await cluster.eventually("Prometheus scrapes the agent") {
      try await cluster.prometheus.query("up", by: "node") == [LinuxCluster.node: 1]
    }
    for (metric, expected) in [
      ("rollcall_pod_sockstat_tcp_inuse", 20.0), ("rollcall_pod_sockstat_tcp6_inuse", 45.0), ("rollcall_pod_tcp_current_established", 40.0),
      ("rollcall_pod_sockstat_sockets_used", 65.0),
    ] {
      try await cluster.eventually("\(metric) of \(busy.name) is \(expected)") {
        try await cluster.prometheus.query(metric, by: "pod")[busy.name] == expected
      }
    }
    for pod in [busy, brief] {
      try await cluster.eventually("\(pod.name) is collected") {
        try await cluster.metric("rollcall_container_last_collection_timestamp_seconds", where: "pod=\"\(pod.name)\"") ?? 0 > 0
      }
    }
    // The controller pushes the same sockets to Open-Falcon. (Orphans need an agent that may count sockets by state.)
    try await cluster.eventually("Open-Falcon has the sockets of \(busy.name)") {
      let sockets = try cluster.pushedSockets(ofPod: busy.name)
      return sockets["pod.sockets.established"] == 40 && sockets["pod.sockets.inuse"] == 65 && sockets["pod.sockets.total"] == 65
        && sockets["pod.sockets.timewait"] == 0 && sockets["pod.sockets.udp"] == 0
    }
    #expect(try await cluster.gaps().isEmpty)

    // The volume of both pods is reported, but not the mounts of the runtime.
    for pod in [busy, brief] {
      try await cluster.eventually("Prometheus has the size of \(pod.name)'s volume") {
        let sizes = try await cluster.prometheus.query("rollcall_container_filesystem_size_bytes{pod=\"\(pod.name)\"}", by: "mountpoint")
        return sizes["/data"] == Double(Containerd.volumeBytes) && sizes["/"] ?? 0 > 0 && sizes["/proc"] == nil && sizes["/dev"] == nil
      }
    }

    // A container that finishes leaves the roll.
    try await containerd.kill(briefID)
    try cluster.put(brief.object(containerID: briefID, state: TestPod.finished, phase: "Succeeded"))
    try await cluster.eventually("\(brief.name) is exempt") {
      try await cluster.metric("rollcall_exempt_containers", where: "reason=\"NotRunning\"") == 1
    }

    // The agent dies: within the threshold and two intervals there is a gap in the API, the metrics and Alertmanager.
    cluster.killAgent()
    try await cluster.eventually("the API has the gap") {
      try await cluster.gaps().map { "\($0["pod"]?.string ?? "") \($0["reason"]?.string ?? "")" } == ["\(busy.name) AgentUnreachable"]
    }
    #expect(try await cluster.metric("rollcall_container_gap", where: "pod=\"\(busy.name)\"") == 1)
    #expect(try await cluster.metric("rollcall_container_gap", where: "pod=\"\(brief.name)\"") == nil)
    try await cluster.eventually("Alertmanager has the alert") {
      let alerts = try await cluster.alertmanager.activeAlerts()
      return alerts.count == 1 && alerts[0]["labels"]?["pod"]?.string == busy.name
        && alerts[0].bytes.contains("AgentUnreachable")
    }

    // It comes back: the gap closes and the alert resolves.
    try cluster.startAgent()
    try await cluster.eventually("the gap is closed") { try await cluster.gaps().isEmpty }
    try await cluster.eventually("the alert is resolved") { try await cluster.alertmanager.activeAlerts().isEmpty }
    try await cluster.eventually("Prometheus scrapes the agent again") {
      try await cluster.prometheus.query("up", by: "node") == [LinuxCluster.node: 1]
    }
  }
}

extension [UInt8] {
  fileprivate func contains(_ text: String) -> Bool {
    String(decoding: self, as: UTF8.self).contains(text)
  }
}
