import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

/// Electors against an API server that shares no code with the client.
@Suite struct SimulatedElectionTests {
  private static let lease = ObjectKey(namespace: "default", name: "writer")

  /// Often enough for a test to see; all else as it is, so that a busy machine changes nothing.
  private static var patient: LeaseTiming {
    var timing = LeaseTiming()
    timing.retry = .milliseconds(50)
    timing.request = .seconds(10)
    return timing
  }

  /// For the one test that has to see a lease run out.
  private static var impatient: LeaseTiming {
    var timing = patient
    timing.duration = .seconds(10)
    timing.renewDeadline = .seconds(4)
    timing.request = .seconds(2)
    return timing
  }

  /// Who works, and how many ever worked at once.
  private final class Work: Sendable {
    private let state = Mutex((current: [String](), most: 0))

    func begin(_ name: String) {
      state.withLock {
        $0.current.append(name)
        $0.most = max($0.most, $0.current.count)
      }
    }

    func end(_ name: String) { state.withLock { $0.current.removeAll { $0 == name } } }
    var current: [String] { state.withLock { $0.current } }
    var most: Int { state.withLock { $0.most } }
  }

  private static func elector(
    _ name: String, _ url: String, timing: LeaseTiming = patient, transport: HTTPTransport? = nil
  ) throws -> LeaderElector {
    let client = try client(of: url)
    let own = try transport.map { try KubeClient(configuration: client.configuration, transport: $0, logger: client.logger) } ?? client
    return LeaderElector(client: own, lease: lease, identity: name, timing: timing, logger: client.logger)
  }

  /// Whom the server has in the Lease.
  private static func holder(_ server: SimulatedAPIServer) -> String? {
    server.get("leases.coordination.k8s.io", namespace: lease.namespace, name: lease.name)?["spec"]?["holderIdentity"]?.string
  }

  /// Takes part until cancelled; leading is nothing but being counted.
  private static func takePart(_ elector: LeaderElector, _ work: Work) async throws {
    try await elector.run {
      work.begin(elector.identity)
      defer { work.end(elector.identity) }
      try await Task.sleep(for: .seconds(600))
    }
  }

  @Test("R33: of two, one leads, and the other knows who", .timeLimit(.minutes(2)))
  func two() async throws {
    try await withSimulator { server, _ in
      let work = Work()
      let electors = [try Self.elector("a", server.url), try Self.elector("b", server.url)]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for elector in electors { group.addTask { try await Self.takePart(elector, work) } }
        try await eventually("one leads") { work.current.count == 1 && electors.allSatisfy { $0.holder != nil } }
        let leader = try #require(work.current.first)
        #expect(electors.filter(\.isLeader).map(\.identity) == [leader])
        #expect(electors.map(\.holder) == [leader, leader])
        #expect(Self.holder(server) == leader)
        group.cancelAll()
      }
      #expect(work.most == 1)
    }
  }

  @Test("a namespace that is not there is said once, and the election goes on when it comes", .timeLimit(.minutes(2)))
  func missingNamespace() async throws {
    try await withSimulator { server, _ in
      let log = RecordedLog()
      let lease = ObjectKey(namespace: "not-yet", name: "writer")
      let client = try client(of: server.url)
      let elector = LeaderElector(client: client, lease: lease, identity: "a", timing: Self.patient, logger: log.logger)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await Self.takePart(elector, Work()) }
        try await eventually("several rounds have failed") { server.requestCount(nil, "leases.coordination.k8s.io") >= 6 }
        #expect(log.count("lease request failed") == 1, "once, not for each round")
        #expect(log.text.contains("not-yet"))
        #expect(!elector.isLeader)
        try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "not-yet"]])
        try await eventually("it leads") { elector.isLeader }
        group.cancelAll()
      }
    }
  }

  @Test("R32: work that is done releases the Lease, and the next one leads", .timeLimit(.minutes(2)))
  func done() async throws {
    try await withSimulator { server, _ in
      let work = Work()
      let (first, second) = (try Self.elector("a", server.url), try Self.elector("b", server.url))
      try await first.run { #expect(first.isLeader) }
      #expect(!first.isLeader)
      #expect(Self.holder(server) == nil)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await Self.takePart(second, work) }
        try await eventually("the second leads") { work.current == ["b"] }
        group.cancelAll()
      }
    }
  }

  @Test("R32: cancelled work ends before the Lease is released", .timeLimit(.minutes(2)))
  func cancelled() async throws {
    try await withSimulator { server, _ in
      let work = Work()
      let elector = try Self.elector("a", server.url)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await Self.takePart(elector, work) }
        try await eventually("it leads") { work.current == ["a"] }
        group.cancelAll()
      }
      #expect(work.current == [])
      await elector.release()
      #expect(Self.holder(server) == nil)
    }
  }

  @Test("R30, R31: a leader that is cut off stops its work, and only then the other takes over", .timeLimit(.minutes(2)))
  func cutOff() async throws {
    try await withSimulator { server, _ in
      let work = Work()
      let transport = try HTTPTransport()
      let first = try Self.elector("a", server.url, timing: Self.impatient, transport: transport)
      let second = try Self.elector("b", server.url, timing: Self.impatient)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await Self.takePart(first, work) }
        try await eventually("the first leads") { work.current == ["a"] }
        group.addTask { try await Self.takePart(second, work) }
        try await eventually("the second knows the first") { second.holder == "a" }
        transport.shutDown()
        try await eventually("the second leads") { work.current == ["b"] }
        #expect(!first.isLeader)
        group.cancelAll()
      }
      #expect(work.most == 1)
    }
  }

  @Test("what the work throws is thrown, and the Lease is released", .timeLimit(.minutes(2)))
  func failing() async throws {
    struct Broken: Error {}
    try await withSimulator { server, _ in
      let elector = try Self.elector("a", server.url)
      await #expect(throws: Broken.self) { try await elector.run { throw Broken() } }
      #expect(Self.holder(server) == nil)
    }
  }
}
