import HTTPTransport
import JSON
import KubeClient
import Simulator
import Synchronization
import TestSupport
import Testing

@testable import Controller

/// Against the simulated API server, over HTTP.
@Suite struct CertificateKeeperTests {
  private let start: Int64 = 1_767_225_600
  private let day: Int64 = 86_400

  /// A keeper, and the world as it sees it.
  private final class Replica: Sendable {
    let leads: Bool
    let time: Shared<Int64>
    let keeper: CertificateKeeper

    init(_ client: KubeClient, leads: Bool, now: Int64) {
      let time = Shared(now)
      self.leads = leads
      self.time = time
      keeper = CertificateKeeper(
        client: client, namespace: "rollcall", logger: quiet, isLeading: { leads }, now: { time.value })
    }
  }

  private final class Shared<Value: Sendable>: Sendable {
    private let held: Mutex<Value>
    init(_ value: Value) { held = Mutex(value) }
    var value: Value {
      get { held.withLock { $0 } }
      set { held.withLock { $0 = newValue } }
    }
  }

  private func withServer(_ body: (SimulatedAPIServer, KubeClient) async throws -> Void) async throws {
    let server = SimulatedAPIServer(logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      try await server.waitUntilListening()
      try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
      let folder = try TemporaryFolder()
      let kubeconfig = try folder.write(server.kubeconfig(), to: "kubeconfig")
      let configuration = try ClusterConfiguration.load(kubeconfig: kubeconfig, context: nil, environment: [:])
      try await body(server, try KubeClient(configuration: configuration, logger: quiet))
      group.cancelAll()
    }
  }

  private func secret(_ server: SimulatedAPIServer) -> JSONValue? { server.get("secrets", namespace: "rollcall", name: "rollcall-tls") }

  @Test func theLeaderMakesTheSecretAndFollowersReadIt() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      let follower = Replica(client, leads: false, now: start)
      await follower.keeper.pass()
      #expect(secret(server) == nil)
      #expect(follower.keeper.tls == nil)

      await leader.keeper.pass()
      await follower.keeper.pass()
      #expect(
        Set(secret(server)?["data"]?.object?.keys.map { $0 } ?? []) == [
          "ca.crt", "ca.key", "agent.crt", "agent.key", "controller.crt", "controller.key",
        ])
      let options = try #require(leader.keeper.tls)
      #expect(follower.keeper.tls == options)
      #expect(options.serverName == "rollcall-agent")
      #expect(leader.keeper.status == .usable(until: start + 90 * day))
      #expect(leader.keeper.expiries.map(\.member) == ["ca.crt", "agent.crt", "controller.crt"])
      #expect(leader.keeper.expiries.dropFirst().allSatisfy { $0.notAfter == start + 90 * day })
      #expect(follower.keeper.expiries == leader.keeper.expiries)
    }
  }

  @Test func atRestNothingIsWritten() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      await leader.keeper.pass()
      let writes = server.writeCount()
      for _ in 0..<5 { await leader.keeper.pass() }
      #expect(server.writeCount() == writes)
    }
  }

  @Test func theLeaderRenewsAndTheFollowerKeepsWhatItHasUntilThen() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      let follower = Replica(client, leads: false, now: start)
      await leader.keeper.pass()
      await follower.keeper.pass()
      let first = follower.keeper.tls
      for replica in [leader, follower] { replica.time.value = start + 61 * day }
      await follower.keeper.pass()
      #expect(follower.keeper.tls == first)
      await leader.keeper.pass()
      await follower.keeper.pass()
      #expect(leader.keeper.tls != first)
      #expect(follower.keeper.tls == leader.keeper.tls)
    }
  }

  /// Both think that they lead and renew at the same time: one of them wins, and they end up with the same.
  @Test func twoLeadersDoNotOverwriteEachOther() async throws {
    try await withServer { server, client async throws in
      let replicas = (0..<4).map { _ in Replica(client, leads: true, now: start) }
      for days in [0, 61, 122] as [Int64] {
        for replica in replicas { replica.time.value = start + days * day }
        await withTaskGroup(of: Void.self) { group in
          for replica in replicas { group.addTask { await replica.keeper.pass() } }
        }
        for replica in replicas { await replica.keeper.pass() }
        #expect(Set(replicas.map { $0.keeper.tls }).count == 1)
      }
    }
  }

  @Test func whatAUserBroughtIsReadAndNeverWritten() async throws {
    try await withServer { server, client async throws in
      var brought = try CertificateRenewal.firstSecret(policy: CertificatePolicy(), now: start)
      brought.members["ca.key"] = nil
      try server.put(brought.object(namespace: "rollcall"))
      let before = secret(server)
      let leader = Replica(client, leads: true, now: start)
      await leader.keeper.pass()
      #expect(leader.keeper.tls != nil)
      leader.time.value = start + 400 * day
      await leader.keeper.pass()
      #expect(secret(server) == before)
      guard case .unusable(let problem) = leader.keeper.status else {
        Issue.record("expired certificates are called usable")
        return
      }
      #expect(problem.contains("controller.crt is not valid at this time"))
    }
  }

  @Test func aServerThatIsGoneLeavesWhatWasUsable() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      await leader.keeper.pass()
      let options = leader.keeper.tls
      server.rejectNext(Rejection(status: 403, reason: "Forbidden", count: 1, resource: "secrets"))
      await leader.keeper.pass()
      #expect(leader.keeper.tls == options)
      #expect(leader.keeper.status == .usable(until: start + 90 * day))
    }
  }
}
