import HTTPTransport
import JSON
import KubeClient
import Roll
import Simulator
import Synchronization
import TestSupport
import Testing

@testable import Controller

/// Uses the simulated API server over HTTP.
@Suite struct CertificateManagerTests {
  private let start: Int64 = 1_767_225_600
  private let day: Int64 = 86_400

  /// A manager with its own clock and leadership.
  private final class Replica: Sendable {
    let leads: Bool
    let time: WallClock
    let manager: CertificateManager

    init(_ client: KubeClient, leads: Bool, now: Int64) {
      time = WallClock(now)
      self.leads = leads
      manager = CertificateManager(client: client, namespace: "rollcall", time: time, logger: .silent, isLeading: { leads })
    }
  }

  /// A wall clock set by the test, in Unix seconds.
  private final class WallClock: TimeSource {
    private let seconds: Mutex<Int64>

    init(_ seconds: Int64) { self.seconds = Mutex(seconds) }

    var value: Int64 {
      get { seconds.withLock { $0 } }
      set { seconds.withLock { $0 = newValue } }
    }

    func reading() -> ClockReading { ClockReading(moment: Moment(milliseconds: 0), unixMilliseconds: value * 1000) }

    func sleep(until moment: Moment) async throws {}
  }

  private func withServer(_ body: (SimulatedAPIServer, KubeClient) async throws -> Void) async throws {
    let server = SimulatedAPIServer(logger: .silent)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      try await server.waitUntilListening()
      try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
      let folder = try TemporaryFolder()
      let kubeconfig = try folder.write(server.kubeconfig(), to: "kubeconfig")
      let configuration = try ClusterConfiguration.load(kubeconfig: kubeconfig, context: nil, environment: [:])
      try await body(server, try KubeClient(configuration: configuration, logger: .silent))
      group.cancelAll()
    }
  }

  private func secret(_ server: SimulatedAPIServer) -> JSONValue? { server.get("secrets", namespace: "rollcall", name: "rollcall-tls") }

  @Test func `the leader creates the Secret and followers read it`() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      let follower = Replica(client, leads: false, now: start)
      await follower.manager.pass()
      #expect(secret(server) == nil)
      #expect(follower.manager.tls == nil)

      await leader.manager.pass()
      await follower.manager.pass()
      #expect(
        Set(secret(server)?["data"]?.object?.keys.map { $0 } ?? []) == [
          "ca.crt", "ca.key", "agent.crt", "agent.key", "controller.crt", "controller.key",
        ])
      let options = try #require(leader.manager.tls)
      #expect(follower.manager.tls == options)
      #expect(options.serverName == "rollcall-agent")
      #expect(leader.manager.status.validity == .usable(until: start + 90 * day))
      #expect(leader.manager.status.expiries.map(\.member) == ["ca.crt", "agent.crt", "controller.crt"])
      #expect(leader.manager.status.expiries.dropFirst().allSatisfy { $0.notAfter == start + 90 * day })
      #expect(follower.manager.status.expiries == leader.manager.status.expiries)
    }
  }

  @Test func `nothing is written in a steady state`() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      await leader.manager.pass()
      let writes = server.writeCount()
      for _ in 0..<5 { await leader.manager.pass() }
      #expect(server.writeCount() == writes)
    }
  }

  @Test func `R84: a deleted Secret comes back with the same certificates`() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      let follower = Replica(client, leads: false, now: start)
      await leader.manager.pass()
      await follower.manager.pass()
      let (data, tls) = (secret(server)?["data"], leader.manager.tls)
      try server.remove("secrets", namespace: "rollcall", name: "rollcall-tls")
      await follower.manager.pass()
      #expect(secret(server) == nil)
      await leader.manager.pass()
      #expect(secret(server)?["data"] == data)
      #expect(leader.manager.tls == tls)
      #expect(follower.manager.tls == tls)
    }
  }

  /// The agents have the old bundle, and trust what its authority signs.
  @Test func `R84: a Secret that was deleted when a renewal was due comes back with the same authority`() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      await leader.manager.pass()
      let before = try #require(secret(server)?["data"])
      try server.remove("secrets", namespace: "rollcall", name: "rollcall-tls")
      leader.time.value = start + 61 * day
      await leader.manager.pass()
      let after = try #require(secret(server)?["data"])
      #expect(after["ca.crt"] == before["ca.crt"])
      #expect(after["agent.crt"] != before["agent.crt"])
    }
  }

  @Test func `the leader creates its own Secret in place of a deleted one that a user provided`() async throws {
    try await withServer { server, client async throws in
      var brought = try CertificateRenewal.newSecret(policy: CertificatePolicy(), now: start)
      brought.members["ca.key"] = nil
      try server.put(brought.object(namespace: "rollcall"))
      let leader = Replica(client, leads: true, now: start)
      await leader.manager.pass()
      try server.remove("secrets", namespace: "rollcall", name: "rollcall-tls")
      await leader.manager.pass()
      #expect(secret(server)?["data"]?["ca.key"] != nil)
    }
  }

  @Test func `R84: a running manager restores the Secret within seconds`() async throws {
    try await withServer { server, client async throws in
      let manager = CertificateManager(
        client: client, namespace: "rollcall", time: SystemTime(), logger: .silent, isLeading: { true })
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await manager.run() }
        try await eventually("the Secret exists and is watched") { self.secret(server) != nil && server.watchCount == 1 }
        let data = secret(server)?["data"]
        try server.remove("secrets", namespace: "rollcall", name: "rollcall-tls")
        try await eventually("it is back") { self.secret(server)?["data"] == data }
        group.cancelAll()
      }
    }
  }

  @Test func `the leader renews, and a follower keeps its current certificate until then`() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      let follower = Replica(client, leads: false, now: start)
      await leader.manager.pass()
      await follower.manager.pass()
      let first = follower.manager.tls
      for replica in [leader, follower] { replica.time.value = start + 61 * day }
      await follower.manager.pass()
      #expect(follower.manager.tls == first)
      await leader.manager.pass()
      await follower.manager.pass()
      #expect(leader.manager.tls != first)
      #expect(follower.manager.tls == leader.manager.tls)
    }
  }

  /// Both consider themselves leader and renew at the same time. One of them wins, and both use its certificates.
  @Test func `two leaders do not overwrite each other`() async throws {
    try await withServer { server, client async throws in
      let replicas = (0..<4).map { _ in Replica(client, leads: true, now: start) }
      for days in [0, 61, 122] as [Int64] {
        for replica in replicas { replica.time.value = start + days * day }
        await withTaskGroup(of: Void.self) { group in
          for replica in replicas { group.addTask { await replica.manager.pass() } }
        }
        for replica in replicas { await replica.manager.pass() }
        #expect(Set(replicas.map { $0.manager.tls }).count == 1)
      }
    }
  }

  @Test func `a user-provided Secret is read and never written`() async throws {
    try await withServer { server, client async throws in
      var brought = try CertificateRenewal.newSecret(policy: CertificatePolicy(), now: start)
      brought.members["ca.key"] = nil
      try server.put(brought.object(namespace: "rollcall"))
      let before = secret(server)
      let leader = Replica(client, leads: true, now: start)
      await leader.manager.pass()
      #expect(leader.manager.tls != nil)
      leader.time.value = start + 400 * day
      await leader.manager.pass()
      #expect(secret(server) == before)
      guard case .unusable(let problem) = leader.manager.status.validity else {
        Issue.record("expired certificates are called usable")
        return
      }
      #expect(problem.contains("controller.crt is expired or not yet valid"))
    }
  }

  @Test func `when the Secret cannot be read, the current certificates stay in use`() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      await leader.manager.pass()
      let options = leader.manager.tls
      server.rejectNext(Rejection(status: 403, reason: "Forbidden", count: 1, resource: "secrets"))
      await leader.manager.pass()
      #expect(leader.manager.tls == options)
      #expect(leader.manager.status.validity == .usable(until: start + 90 * day))
    }
  }
}
