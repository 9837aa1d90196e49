import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport
import Testing

/// The whole way, with the programs that users run: containers of containerd and runc are on the roll, the agent answers for them, Prometheus
/// scrapes what HTTP SD gives it, and what goes wrong reaches Alertmanager. Only the API server is simulated.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct RollCallTests {
  @Test(
    "Real containers answer, a dead agent alerts and heals, a finished container is no gap",
    .enabled(if: Containerd.isPermitted, Containerd.condition))
  func realContainers() async throws {
    try await Stage.play(play)
  }

  private func play(on stage: Stage, with containerd: Containerd) async throws {
    // A pod with 25 listening sockets and 20 connections to itself, and a pod whose container will finish.
    let busy = Pod(name: "busy-0")
    let brief = Pod(name: "brief-0", container: "task")
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
    try stage.put(busy.object(containerID: busyID))
    try stage.put(brief.object(containerID: briefID))

    // Prometheus finds the agent by HTTP SD and reads exactly the sockets that were opened. busybox's nc listens on IPv6 sockets that
    // accept IPv4 as well, so a connection has one end in each family: 25 + 20 in TCP6, 20 in TCP, 40 established.
    try await stage.eventually("Prometheus scrapes the agent") { try await stage.prometheus.query("up", by: "node") == [Stage.node: 1] }
    for (metric, expected) in [
      ("rollcall_pod_sockstat_tcp_inuse", 20.0), ("rollcall_pod_sockstat_tcp6_inuse", 45.0), ("rollcall_pod_tcp_current_established", 40.0),
      ("rollcall_pod_sockstat_sockets_used", 65.0),
    ] {
      try await stage.eventually("\(metric) of \(busy.name) is \(expected)") {
        try await stage.prometheus.query(metric, by: "pod")[busy.name] == expected
      }
    }
    for pod in [busy, brief] {
      try await stage.eventually("\(pod.name) is collected") {
        try await stage.metric("rollcall_container_last_collection_timestamp_seconds", where: "pod=\"\(pod.name)\"") ?? 0 > 0
      }
    }
    // The same sockets, pushed to Open-Falcon by the controller. Orphans are there only where the agent may count sockets one by one.
    try await stage.eventually("Open-Falcon has the sockets of \(busy.name)") {
      let sockets = try stage.pushedSockets(ofPod: busy.name)
      return sockets["pod.sockets.established"] == 40 && sockets["pod.sockets.inuse"] == 65 && sockets["pod.sockets.total"] == 65
        && sockets["pod.sockets.timewait"] == 0 && sockets["pod.sockets.udp"] == 0
    }
    #expect(try await stage.gaps().isEmpty)

    // The volume that both have, and nothing that the runtime mounted for itself.
    for pod in [busy, brief] {
      try await stage.eventually("Prometheus has the size of \(pod.name)'s volume") {
        let sizes = try await stage.prometheus.query("rollcall_container_filesystem_size_bytes{pod=\"\(pod.name)\"}", by: "mountpoint")
        return sizes["/data"] == Double(Containerd.volumeBytes) && sizes["/"] ?? 0 > 0 && sizes["/proc"] == nil && sizes["/dev"] == nil
      }
    }

    // A container that finishes leaves the roll.
    try await containerd.kill(briefID)
    try stage.put(brief.object(containerID: briefID, state: Pod.finished, phase: "Succeeded"))
    try await stage.eventually("\(brief.name) is exempt") {
      try await stage.metric("rollcall_exempt_containers", where: "reason=\"NotRunning\"") == 1
    }

    // The agent dies: within the threshold and two intervals there is a gap, everywhere.
    stage.killAgent()
    try await stage.eventually("the API tells of the gap") {
      try await stage.gaps().map { "\($0["pod"]?.string ?? "") \($0["reason"]?.string ?? "")" } == ["\(busy.name) AgentUnreachable"]
    }
    #expect(try await stage.metric("rollcall_container_gap", where: "pod=\"\(busy.name)\"") == 1)
    #expect(try await stage.metric("rollcall_container_gap", where: "pod=\"\(brief.name)\"") == nil)
    try await stage.eventually("Alertmanager has the alert") {
      let alerts = try await stage.alertmanager.activeAlerts()
      return alerts.count == 1 && alerts[0]["labels"]?["pod"]?.string == busy.name
        && alerts[0].bytes.contains("AgentUnreachable")
    }

    // It comes back: the gap closes and the alert resolves; the container that finished was none all along.
    try stage.startAgent()
    try await stage.eventually("the gap is closed") { try await stage.gaps().isEmpty }
    try await stage.eventually("the alert is resolved") { try await stage.alertmanager.activeAlerts().isEmpty }
    try await stage.eventually("Prometheus scrapes the agent again") {
      try await stage.prometheus.query("up", by: "node") == [Stage.node: 1]
    }
  }
}

extension [UInt8] {
  fileprivate func contains(_ text: String) -> Bool {
    String(decoding: self, as: UTF8.self).contains(text)
  }
}
