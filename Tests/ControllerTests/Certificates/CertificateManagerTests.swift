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

  /// The agents' Secret.
  private func secret(_ server: SimulatedAPIServer) -> JSONValue? { server.get("secrets", namespace: "rollcall", name: "rollcall-tls") }

  private func authority(_ server: SimulatedAPIServer) -> JSONValue? {
    server.get("secrets", namespace: "rollcall", name: "rollcall-authority")
  }

  private func keys(_ secret: JSONValue?) -> Set<String> { Set(secret?["data"]?.object?.keys.map { $0 } ?? []) }

  /// The only Secret of earlier versions, with all members.
  private func oneSecret(_ change: (inout TLSSecret) -> Void = { _ in }) throws -> JSONValue {
    var secret = try CertificateRenewal.newSecret(policy: CertificatePolicy(), now: start)
    change(&secret)
    var object = secret.object(.agents, namespace: "rollcall")
    for (key, value) in secret.data(of: .authority).object ?? [:] { object["data"]?[key] = value }
    return object
  }

  @Test func `R105: the leader creates the Secrets and followers read them`() async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      let follower = Replica(client, leads: false, now: start)
      await follower.manager.pass()
      #expect(secret(server) == nil)
      #expect(follower.manager.tls == nil)

      await leader.manager.pass()
      await follower.manager.pass()
      #expect(keys(secret(server)) == ["ca.crt", "agent.crt", "agent.key"])
      #expect(keys(authority(server)) == ["ca.crt", "ca.key", "controller.crt", "controller.key"])
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

  @Test(arguments: [["rollcall-tls"], ["rollcall-authority"], ["rollcall-tls", "rollcall-authority"]])
  func `R84: a deleted Secret comes back with the same certificates`(names: [String]) async throws {
    try await withServer { server, client async throws in
      let leader = Replica(client, leads: true, now: start)
      let follower = Replica(client, leads: false, now: start)
      await leader.manager.pass()
      await follower.manager.pass()
      let (data, tls) = ([secret(server)?["data"], authority(server)?["data"]], leader.manager.tls)
      for name in names { try server.remove("secrets", namespace: "rollcall", name: name) }
      await follower.manager.pass()
      #expect([secret(server), authority(server)].count { $0 == nil } == names.count)
      await leader.manager.pass()
      #expect([secret(server)?["data"], authority(server)?["data"]] == data)
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

  @Test func `the leader creates its own Secrets in place of a deleted one that a user provided`() async throws {
    try await withServer { server, client async throws in
      try server.put(try oneSecret { $0.members["ca.key"] = nil })
      let leader = Replica(client, leads: true, now: start)
      await leader.manager.pass()
      #expect(authority(server) == nil)
      try server.remove("secrets", namespace: "rollcall", name: "rollcall-tls")
      await leader.manager.pass()
      #expect(keys(authority(server)).contains("ca.key"))
      #expect(keys(secret(server)) == ["ca.crt", "agent.crt", "agent.key"])
    }
  }

  // MARK: From one Secret to two

  @Test func `R105: the keys of an earlier version are moved, and all certificates stay`() async throws {
    try await withServer { server, client async throws in
      let old = try oneSecret()
      try server.put(old)
      let follower = Replica(client, leads: false, now: start)
      await follower.manager.pass()
      let tls = try #require(follower.manager.tls)
      #expect(secret(server)?["data"] == old["data"])
      let leader = Replica(client, leads: true, now: start)
      await leader.manager.pass()
      await follower.manager.pass()
      #expect(leader.manager.tls == tls)
      #expect(follower.manager.tls == tls)
      #expect(keys(secret(server)) == ["ca.crt", "agent.crt", "agent.key"])
      #expect(keys(authority(server)) == ["ca.crt", "ca.key", "controller.crt", "controller.key"])
      for (key, value) in old["data"]?.object ?? [:] {
        #expect([secret(server), authority(server)].contains { $0?["data"]?[key] == value }, "\(key)")
      }
      let writes = server.writeCount()
      for replica in [leader, follower] { await replica.manager.pass() }
      #expect(server.writeCount() == writes)
    }
  }

  /// The leader ended between the two writes, or an older one has written its Secret again.
  @Test func `R105: a move that was interrupted is completed`() async throws {
    try await withServer { server, client async throws in
      let old = try oneSecret()
      try server.put(old)
      let first = Replica(client, leads: true, now: start)
      await first.manager.pass()
      let moved = authority(server)?["data"]
      try server.remove("secrets", namespace: "rollcall", name: "rollcall-tls")
      try server.put(old)
      let second = Replica(client, leads: true, now: start)
      await second.manager.pass()
      #expect(second.manager.tls == first.manager.tls)
      #expect(keys(secret(server)) == ["ca.crt", "agent.crt", "agent.key"])
      #expect(authority(server)?["data"] == moved)
    }
  }

  @Test func `R105: without the permission for the second Secret the first one stays whole and in use`() async throws {
    try await withServer { server, client async throws in
      let old = try oneSecret()
      try server.put(old)
      let leader = Replica(client, leads: true, now: start)
      // The agents' Secret is read first.
      server.rejectNext(Rejection(status: 403, reason: "Forbidden", count: 1, resource: "secrets", name: "rollcall-authority"))
      await leader.manager.pass()
      #expect(leader.manager.tls != nil)
      #expect(secret(server)?["data"] == old["data"])
      #expect(authority(server) == nil)
      await leader.manager.pass()
      #expect(keys(secret(server)) == ["ca.crt", "agent.crt", "agent.key"])
    }
  }

  @Test func `R105: Secrets that a user provided, one or two, are read and never written`() async throws {
    for isOne in [true, false] {
      try await withServer { server, client async throws in
        var brought = try CertificateRenewal.newSecret(policy: CertificatePolicy(), now: start)
        brought.members["ca.key"] = nil
        var objects = isOne ? [try oneSecret { $0 = brought }] : TLSSecretPart.allCases.map { brought.object($0, namespace: "rollcall") }
        for index in objects.indices { objects[index]["metadata"]?["labels"] = [:] }
        for object in objects { try server.put(object) }
        let before = [secret(server), authority(server)]
        let leader = Replica(client, leads: true, now: start)
        await leader.manager.pass()
        #expect(leader.manager.tls != nil)
        #expect([secret(server), authority(server)] == before)
      }
    }
  }

  /// Root on a node can do what its kubelet can.
  @Test func `R105: no node can read a key that is not its own`() async throws {
    try await withServer { server, client async throws in
      await Replica(client, leads: true, now: start).manager.pass()
      try server.put(
        [
          "apiVersion": "v1", "kind": "Pod", "metadata": ["namespace": "rollcall", "name": "rollcall-agent-x"],
          "spec": [
            "nodeName": "worker-1", "containers": [["name": "agent", "image": "a"]],
            "volumes": [
              [
                "name": "tls",
                "projected": ["sources": [["secret": ["name": "rollcall-tls", "items": [["key": "ca.crt", "path": "ca.crt"]]]]]],
              ]
            ],
          ],
        ])
      let reviews = APIResource(
        group: "authorization.k8s.io", version: "v1", plural: "subjectaccessreviews", kind: "SubjectAccessReview", namespaced: false)
      func mayRead(_ name: String, from node: String) async throws -> Bool? {
        let review: JSONValue = [
          "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
          "spec": [
            "user": .string("system:node:\(node)"), "groups": ["system:nodes", "system:authenticated"],
            "resourceAttributes": ["namespace": "rollcall", "verb": "get", "resource": "secrets", "name": .string(name)],
          ],
        ]
        let response = try await client.send(.create(reviews, namespace: "", review))
        return try JSONValue(parsing: response.body)["status"]?["allowed"]?.bool
      }
      #expect(try await mayRead("rollcall-tls", from: "worker-1") == true)
      #expect(try await mayRead("rollcall-authority", from: "worker-1") == false)
      #expect(try await mayRead("rollcall-tls", from: "worker-2") == false)
      // The permission covers the whole Secret, whatever items the pod mounts.
      #expect(keys(secret(server)) == ["ca.crt", "agent.crt", "agent.key"])
    }
  }

  /// Agents are moved to a namespace of their own: the Secret there is new, and the authority stays, so that both old and new agents are called.
  @Test func `R109: the agents' Secret is in the agents' namespace, by the same authority`() async throws {
    try await withServer { server, client async throws in
      try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall-agents"]])
      await Replica(client, leads: true, now: start).manager.pass()
      let (before, old) = (authority(server), secret(server))
      let manager = CertificateManager(
        client: client, namespace: "rollcall", agentNamespace: "rollcall-agents", time: WallClock(start + day), logger: .silent,
        isLeading: { true })
      await manager.pass()
      #expect(manager.tls != nil)
      #expect(authority(server)?["data"] == before?["data"])
      let new = server.get("secrets", namespace: "rollcall-agents", name: "rollcall-tls")
      #expect(keys(new) == ["ca.crt", "agent.crt", "agent.key"])
      #expect(new?["data"]?["ca.crt"] == old?["data"]?["ca.crt"])
      // The old one is the user's to delete, with the old DaemonSet.
      #expect(secret(server)?["data"] == old?["data"])
      #expect(server.get("secrets", namespace: "rollcall-agents", name: "rollcall-authority") == nil)
    }
  }

  @Test func `R109: a replica that takes the lead writes a missing Secret within seconds`() async throws {
    try await withServer { server, client async throws in
      let time = SystemTime()
      await CertificateManager(client: client, namespace: "rollcall", time: time, logger: .silent, isLeading: { true }).pass()
      try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall-agents"]])
      let leads = Mutex(false)
      let manager = CertificateManager(
        client: client, namespace: "rollcall", agentNamespace: "rollcall-agents", time: time, logger: .silent,
        isLeading: { leads.withLock(\.self) })
      func isWritten() -> Bool { server.get("secrets", namespace: "rollcall-agents", name: "rollcall-tls") != nil }
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await manager.run() }
        try await eventually("the replica has read the other Secret") { manager.tls != nil }
        #expect(!isWritten())
        leads.withLock { $0 = true }
        // Less than the minute after which it would look again in any case.
        try await eventually("the Secret is written", within: .seconds(40)) { isWritten() }
        group.cancelAll()
      }
    }
  }

  @Test func `R109: a replica that takes the lead in the middle of a pass writes in the next one`() async throws {
    try await withServer { server, client async throws in
      let time = SystemTime()
      await CertificateManager(client: client, namespace: "rollcall", time: time, logger: .silent, isLeading: { true }).pass()
      try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall-agents"]])
      // It leads as soon as it has been asked once.
      let wasAsked = Mutex(false)
      let manager = CertificateManager(
        client: client, namespace: "rollcall", agentNamespace: "rollcall-agents", time: time, logger: .silent,
        isLeading: {
          wasAsked.withLock { wasAsked in
            defer { wasAsked = true }
            return wasAsked
          }
        })
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await manager.run() }
        // Less than the minute after which it would look again in any case.
        try await eventually("the Secret is written", within: .seconds(40)) {
          server.get("secrets", namespace: "rollcall-agents", name: "rollcall-tls") != nil
        }
        group.cancelAll()
      }
    }
  }

  @Test func `R84: a running manager restores the Secrets within seconds`() async throws {
    try await withServer { server, client async throws in
      let manager = CertificateManager(
        client: client, namespace: "rollcall", time: SystemTime(), logger: .silent, isLeading: { true })
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await manager.run() }
        try await eventually("the Secrets exist and are watched") { self.secret(server) != nil && server.watchCount == 2 }
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
      try server.put(try oneSecret { $0.members["ca.key"] = nil })
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
