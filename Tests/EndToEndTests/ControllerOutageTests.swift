import Foundation
import JSON
import TestSupport
import Testing

/// The real controller gone for longer than the threshold of a gap, while a real agent goes on.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct ControllerOutageTests {
  @Test(
    "R54 the controller is gone: the agent collects and serves; it is back: no gap is invented and none forgotten",
    .enabled(if: Containerd.isPermitted, Containerd.condition))
  func outage() async throws {
    try await Stage.play(play)
  }

  private func play(on stage: Stage, with containerd: Containerd) async throws {
    let steady = Pod(name: "steady-0")
    let doomed = Pod(name: "doomed-0")
    let lost = Pod(name: "lost-0")
    let late = Pod(name: "late-0")
    func start(_ pod: Pod) throws -> String {
      try containerd.start(podUID: pod.uid, networkNamespace: try containerd.makeNetworkNamespace(), script: "sleep 100000")
    }
    let doomedID = try start(doomed)
    try stage.put(steady.object(containerID: try start(steady)))
    try stage.put(doomed.object(containerID: doomedID))
    // The API server says that it runs, and it is nowhere: a gap that is open before the outage.
    try stage.put(lost.object(containerID: String(repeating: "0", count: 64)))
    try await stage.eventually("the lost container is a gap, and it alone") {
      try await stage.gaps().map(Self.name) == ["\(lost.name) PidNotFound"]
    }
    let before = try await stage.gaps().first
    try await stage.eventually("the open gap is in the archive, from which the next leader takes it") {
      try await stage.metric("rollcall_archived_gaps") == 1
    }

    // The agent knows names from the last roll, and still looks: what ended meanwhile is gone, what began has no name yet.
    stage.killController()
    try await containerd.kill(doomedID)
    let lateID = try start(late)
    try stage.put(late.object(containerID: lateID))
    try await stage.eventually("the agent shows what changed") {
      let page = try await stage.agentPage()
      return page("rollcall_pod_sockstat_sockets_used", "pod=\"\(steady.name)\"") != nil
        && page("rollcall_pod_sockstat_sockets_used", "pod=\"\(doomed.name)\"") == nil
        && page("rollcall_unnamed_container_sockstat_sockets_used", "pod_uid=\"\(late.uid)\",container_id=\"\(lateID)\"") != nil
    }
    // Its next leader has to wait for the lease that the old one did not give back, which takes longer than the threshold.
    try await stage.startController()
    try await stage.eventually("Prometheus scrapes the agent meanwhile") {
      try await stage.prometheus.query("up", by: "node") == [Stage.node: 1]
    }

    var seen: Set<String> = []
    try await stage.eventually("the container that ended meanwhile is a gap") {
      seen.formUnion(try await stage.gaps().map(Self.name))
      return seen.contains("\(doomed.name) PidNotFound")
    }
    #expect(seen.subtracting(["\(doomed.name) PidNotFound", "\(lost.name) PidNotFound"]) == [], "gaps that were none")
    let after = try await stage.gaps().first { $0["pod"]?.string == lost.name }
    // Clocks are read to the millisecond.
    let moved = try Self.since(#require(after)).timeIntervalSince(Self.since(#require(before)))
    #expect(abs(moved) < 1, "the gap is as old as it was")
    for pod in [steady, late] {
      try await stage.eventually("\(pod.name) is collected, and has its name") {
        let collected = try await stage.metric("rollcall_container_last_collection_timestamp_seconds", where: "pod=\"\(pod.name)\"")
        return try await stage.agentPage()("rollcall_pod_sockstat_sockets_used", "pod=\"\(pod.name)\"") != nil && collected ?? 0 > 0
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
