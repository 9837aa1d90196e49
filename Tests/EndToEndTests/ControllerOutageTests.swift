import Foundation
import JSON
import TestSupport
import Testing

/// The controller is down for longer than the gap threshold, while the agent runs on.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct ControllerOutageTests {
  @Test(.enabled(if: Containerd.isPermitted, Containerd.condition))
  func `R54: the agent collects and serves without a controller, whose return neither invents nor loses a gap`() async throws {
    try await LinuxCluster.withCluster(run)
  }

  private func run(on cluster: LinuxCluster, with containerd: Containerd) async throws {
    let steady = TestPod(name: "steady-0")
    let doomed = TestPod(name: "doomed-0")
    let lost = TestPod(name: "lost-0")
    let late = TestPod(name: "late-0")
    func start(_ pod: TestPod) throws -> String {
      try containerd.start(podUID: pod.uid, networkNamespace: try containerd.makeNetworkNamespace(), script: "sleep 100000")
    }
    let doomedID = try start(doomed)
    try cluster.put(steady.object(containerID: try start(steady)))
    try cluster.put(doomed.object(containerID: doomedID))
    // A container that runs according to the API server but does not exist: its gap is open before the outage.
    try cluster.put(lost.object(containerID: String(repeating: "0", count: 64)))
    try await cluster.eventually("the lost container is the only gap") {
      try await cluster.gaps().map(Self.name) == ["\(lost.name) PidNotFound"]
    }
    let before = try await cluster.gaps().first
    try await cluster.eventually("the archive for the next leader has the open gap") {
      try await cluster.metric("rollcall_archived_gaps") == 1
    }

    // The agent keeps the names of the last roll and still sweeps: a stopped container disappears, a new one has no name yet.
    cluster.killController()
    try await containerd.kill(doomedID)
    let lateID = try start(late)
    try cluster.put(late.object(containerID: lateID))
    try await cluster.eventually("the agent reports the change") {
      let metrics = try await cluster.agentMetrics()
      return metrics("rollcall_pod_sockstat_sockets_used", "pod=\"\(steady.name)\"") != nil
        && metrics("rollcall_pod_sockstat_sockets_used", "pod=\"\(doomed.name)\"") == nil
        && metrics("rollcall_unnamed_container_sockstat_sockets_used", "pod_uid=\"\(late.uid)\",container_id=\"\(lateID)\"") != nil
    }
    // The new controller must wait until the lease of the old one expires, which takes longer than the threshold.
    try await cluster.startController()
    try await cluster.eventually("Prometheus scrapes the agent") {
      try await cluster.prometheus.query("up", by: "node") == [LinuxCluster.node: 1]
    }

    var seen: Set<String> = []
    try await cluster.eventually("the container that stopped during the outage is a gap") {
      seen.formUnion(try await cluster.gaps().map(Self.name))
      return seen.contains("\(doomed.name) PidNotFound")
    }
    #expect(seen.subtracting(["\(doomed.name) PidNotFound", "\(lost.name) PidNotFound"]) == [], "gaps without a reason")
    let after = try await cluster.gaps().first { $0["pod"]?.string == lost.name }
    // Times are rounded to milliseconds.
    let moved = try Self.since(#require(after)).timeIntervalSince(Self.since(#require(before)))
    #expect(abs(moved) < 1, "the gap keeps its start")
    for pod in [steady, late] {
      try await cluster.eventually("\(pod.name) is collected and has its name") {
        let collected = try await cluster.metric("rollcall_container_last_collection_timestamp_seconds", where: "pod=\"\(pod.name)\"")
        return try await cluster.agentMetrics()("rollcall_pod_sockstat_sockets_used", "pod=\"\(pod.name)\"") != nil && collected ?? 0 > 0
      }
    }
  }

  private static func since(_ gap: JSONValue) throws -> Date {
    try Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(#require(gap["since"]?.string))
  }

  private static func name(_ gap: JSONValue) -> String {
    "\(gap["pod"]?.string ?? "") \(gap["reason"]?.string ?? "")"
  }
}
