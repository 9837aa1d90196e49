import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

/// Electors against the simulator, which shares no code with the client.
@Suite struct SimulatedElectionTests {
  private static let lease = ObjectKey(namespace: "default", name: "writer")

  /// Short retries for fast tests, but standard durations, so that a busy machine does not affect the election.
  private static var patient: LeaseTiming {
    var timing = LeaseTiming()
    timing.retry = .milliseconds(50)
    timing.request = .seconds(10)
    return timing
  }

  /// Short durations, for the test of an expiring lease.
  private static var impatient: LeaseTiming {
    var timing = patient
    timing.duration = .seconds(10)
    timing.renewDeadline = .seconds(4)
    timing.request = .seconds(2)
    return timing
  }

  /// Who works, and how many ever worked at the same time.
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
    let client = try plainHTTPClient(of: url)
    let own = try transport.map { try KubeClient(configuration: client.configuration, transport: $0, logger: client.logger) } ?? client
    return LeaderElector(client: own, lease: lease, identity: name, timing: timing, logger: client.logger)
  }

  /// The holder in the server's Lease.
  private static func holder(_ server: SimulatedAPIServer) -> String? {
    server.get("leases.coordination.k8s.io", namespace: lease.namespace, name: lease.name)?["spec"]?["holderIdentity"]?.string
  }

  /// Takes part in the election until cancelled, and records its leadership in `work`.
  private static func takePart(_ elector: LeaderElector, _ work: Work) async throws {
    try await elector.run {
      work.begin(elector.identity)
      defer { work.end(elector.identity) }
      try await Task.sleep(for: .seconds(600))
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `R33: one of two candidates leads, and both know the leader`() async throws {
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

  @Test(.timeLimit(.minutes(2)))
  func `a missing namespace is logged once, and the election continues once it exists`() async throws {
    try await withSimulator { server, _ in
      let log = RecordedLog()
      let lease = ObjectKey(namespace: "not-yet", name: "writer")
      let client = try plainHTTPClient(of: server.url)
      let elector = LeaderElector(client: client, lease: lease, identity: "a", timing: Self.patient, logger: log.logger)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await Self.takePart(elector, Work()) }
        try await eventually("several rounds have failed") { server.requestCount(nil, "leases.coordination.k8s.io") >= 6 }
        #expect(log.count("lease request failed") == 1, "once, not for each round")
        #expect(log.text.contains("not-yet"))
        #expect(!elector.isLeader)
        #expect(elector.isUpToDate, "it asks, even if in vain")
        try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "not-yet"]])
        try await eventually("it leads") { elector.isLeader }
        group.cancelAll()
      }
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `R79: an elector that was stopped does not know whether another candidate leads`() async throws {
    try await withSimulator { server, _ in
      var timing = Self.patient
      timing.duration = .seconds(1)
      let elector = try Self.elector("a", server.url, timing: timing)
      #expect(!elector.isUpToDate, "it has not asked yet")
      try await elector.run {}
      try await eventually("it has not asked for so long that another may lead") { !elector.isUpToDate }
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `R32: finished work releases the Lease, and the next candidate leads`() async throws {
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

  @Test(.timeLimit(.minutes(2)))
  func `R32: cancelled work ends before the Lease is released`() async throws {
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

  @Test(.timeLimit(.minutes(2)))
  func `R30, R31: a disconnected leader stops its work before another takes over`() async throws {
    try await withSimulator { server, _ in
      let work = Work()
      let transport = try HTTPTransport()
      let first = try Self.elector("a", server.url, timing: Self.impatient, transport: transport)
      let second = try Self.elector("b", server.url, timing: Self.impatient)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await Self.takePart(first, work) }
        try await eventually("the first leads") { work.current == ["a"] }
        group.addTask { try await Self.takePart(second, work) }
        try await eventually("the second observes the first") { second.holder == "a" }
        transport.shutDown()
        try await eventually("the second leads") { work.current == ["b"] }
        #expect(!first.isLeader)
        group.cancelAll()
      }
      #expect(work.most == 1)
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `an error of the work is rethrown, and the Lease is released`() async throws {
    struct Broken: Error {}
    try await withSimulator { server, _ in
      let elector = try Self.elector("a", server.url)
      await #expect(throws: Broken.self) { try await elector.run { throw Broken() } }
      #expect(Self.holder(server) == nil)
    }
  }
}
