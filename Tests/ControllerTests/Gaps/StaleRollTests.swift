import HTTPTransport
import JSON
import Roll
import Simulator
import TestSupport
import Testing

@testable import Controller
@testable import KubeClient

@Suite struct StaleRollTests {
  private let address = OwnAddress()

  private var kubeconfig: String {
    """
    apiVersion: v1
    kind: Config
    current-context: c
    contexts: [{name: c, context: {cluster: k, user: u}}]
    clusters: [{name: k, cluster: {server: "http://\(address)"}}]
    users: [{name: u, user: {}}]
    """
  }

  /// Runs a controller whose API server goes away once the container `web` is collected.
  private func afterAnOutage(
    _ collector: ScriptedCollector, leaderElection: String = "off", _ body: (RunningController) async throws -> Void
  ) async throws {
    try await RunningController.run(
      kubeconfig: kubeconfig, leaderElection: leaderElection, collectors: NodeCollectors { _ in collector },
      // More than two of the seconds at which staleness is looked at.
      flags: ["threshold": ["3s"]]
    ) { running in
      try await withSimulator(at: address) { server in
        try server.put(nodeObject("a", address: "10.0.0.1"))
        try server.put(podObject("web", on: "a"))
        try await eventually("the container is collected") { try await running.json("/api/v1/coverage")["total"]?["collected"] == 1 }
      }
      try await body(running)
    }
  }

  private func metric(_ name: String, _ running: RunningController) async throws -> Double? {
    let text = String(decoding: try await running.request("/metrics").body, as: UTF8.self)
    return text.split(separator: "\n").first { $0.hasPrefix(name) }.flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
  }

  @Test(arguments: ["off", "on"])
  func `R70: a container that is deleted while the API server is away is no gap, and the replica is not ready`(
    leaderElection: String
  ) async throws {
    let collector = ScriptedCollector()
    try await afterAnOutage(collector, leaderElection: leaderElection) { running in
      collector.answer(.missed(.pidNotFound, detail: "gone"))
      try await eventually("the gap is withheld") { try await metric("rollcall_withheld_gaps{source=\"linux\"}", running) == 1 }
      #expect(try await running.gaps() == [])
      let ready = try await running.request("/readyz")
      #expect(ready.status == 503)
      #expect(String(decoding: ready.body, as: UTF8.self).contains("[-] pods: not in sync for"))
      #expect(try await metric("rollcall_ready{check=\"pods\"}", running) == 0)
      #expect(try await metric("rollcall_watch_synced{resource=\"pods\"}", running) == 0)
      #expect(running.log.count("rolls are stale") == 1)

      try await withSimulator(at: address) { server in
        try server.put(nodeObject("a", address: "10.0.0.1"))
        try await eventually("ready") { try await running.request("/readyz").status == 200 }
        try await eventually("rolls are current again") { running.log.count("rolls are current again") == 1 }
        try await eventually("nothing is withheld") { try await metric("rollcall_withheld_gaps{source=\"linux\"}", running) == 0 }
        #expect(running.log.count("gap opened") == 0)
      }
    }
  }

  @Test func `R70: a container that is still missing after the outage is a gap with its age`() async throws {
    let collector = ScriptedCollector()
    try await afterAnOutage(collector) { running in
      collector.answer(.missed(.notInResponse, detail: "absent"))
      try await eventually("the gap is withheld") { try await metric("rollcall_withheld_gaps{source=\"linux\"}", running) == 1 }
      try await withSimulator(at: address) { server in
        try server.put(nodeObject("a", address: "10.0.0.1"))
        // The pod's UID is the same only if it is the same Pod.
        var pod = podObject("web", on: "a")
        pod["metadata"]?["uid"] = try #require(running.controller.core.cluster.pod(namespace: "default", name: "web")).uid.json
        try server.put(pod)
        try await eventually("there is a gap") { try await running.gaps()?.first?["reason"] == "NotInResponse" }
      }
    }
  }

  @Test func `R70: an agent that becomes unreachable while the API server is away is a gap`() async throws {
    let collector = ScriptedCollector()
    try await afterAnOutage(collector) { running in
      collector.answer(.missed(.agentUnreachable, detail: "connection refused"))
      try await eventually("there is a gap") { try await running.gaps()?.first?["reason"] == "AgentUnreachable" }
    }
  }

  @Test func `a watch that is out of sync for a short time leaves the replica ready`() {
    func readiness(_ time: Duration?, isRequired: Bool = true, isListed: Bool = true) -> String? {
      let watch = WatchStatus(
        resource: "pods", isRequired: isRequired, isListed: isListed, status: time == nil ? .synced : .waiting(reason: "403 Forbidden"),
        timeOutOfSync: time, statistics: WatchStatistics())
      let freshness = RollFreshness(watches: SettableStatus([watch]), limit: .seconds(45))
      let readiness = Readiness(freshness: freshness, rolls: RollStore(), shutdown: ShutdownState())
      return readiness.status.first { $0.name == "pods" }?.problem
    }
    #expect(readiness(nil) == nil)
    #expect(readiness(.seconds(44)) == nil)
    #expect(readiness(.seconds(75)) == "not in sync for 1m15s: 403 Forbidden")
    #expect(readiness(.seconds(1), isListed: false) == "not listed yet: 403 Forbidden")
    #expect(readiness(.seconds(75), isRequired: false) == nil)
  }
}

extension String {
  fileprivate var json: JSONValue { .string(self) }
}
