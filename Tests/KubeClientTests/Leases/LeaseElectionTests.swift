import JSON
import Primitives
import TestSupport
import Testing

@testable import KubeClient

/// A server with one Lease: each write has a new version, and writes of an old version are refused.
private struct LeaseServer {
  var lease: JSONValue?
  var version = 100

  mutating func respond(to request: LeaseElection.Request, begunAt: Duration) -> LeaseElection.Response {
    switch request {
    case .read: return lease.map { .found($0) } ?? .absent
    case .create(let object):
      guard lease == nil else { return .outdated }
      return .written(store(object), begunAt: begunAt)
    case .replace(let object):
      guard let lease, object["metadata"]?["resourceVersion"] == lease["metadata"]?["resourceVersion"] else { return .outdated }
      return .written(store(object), begunAt: begunAt)
    }
  }

  private mutating func store(_ object: JSONValue) -> JSONValue {
    version += 1
    var object = object
    object["metadata"]?["resourceVersion"] = .string("\(version)")
    lease = object
    return object
  }

  var holder: String? { lease?["spec"]?["holderIdentity"]?.string }
}

/// A candidate whose local clock has its own origin.
private struct Candidate {
  var election: LeaseElection
  let clockOffset: Duration
  var wallClockOffset: Int64 = 0

  init(_ identity: String, isExclusive: Bool = false, clockOffset: Duration = .zero, wallClockOffset: Int64 = 0) {
    election = LeaseElection(
      lease: ObjectKey(namespace: "n", name: "l"), identity: identity, isIdentityExclusive: isExclusive, timing: LeaseTiming())
    self.clockOffset = clockOffset
    self.wallClockOffset = wallClockOffset
  }

  func wallClock(_ now: Duration) -> Timestamp {
    Timestamp(unixMicroseconds: (1_700_000_000 + wallClockOffset + now.components.seconds) * 1_000_000)
  }

  /// Runs a complete round. Each request takes `latency`; `isLost` drops the responses of successful writes.
  mutating func round(_ server: inout LeaseServer, at now: Duration, latency: Duration = .zero, losingResponses isLost: Bool = false) {
    var now = now + clockOffset
    var next: LeaseElection.Request? = election.begin(at: now, wallClock: wallClock(now))
    while let request = next {
      let begunAt = now
      var response = server.respond(to: request, begunAt: begunAt)
      if isLost, request != .read { response = .failed }
      now += latency
      next = election.handle(response, at: now, wallClock: wallClock(now))
    }
  }

  /// Releases the lease, as the elector does.
  mutating func release(_ server: inout LeaseServer, at now: Duration) {
    var next = election.beginRelease(wallClock: wallClock(now))
    for _ in 0..<6 {
      guard let request = next else { return }
      let response = server.respond(to: request, begunAt: now)
      next = election.handleRelease(response, at: now + clockOffset, wallClock: wallClock(now))
    }
  }

  func leads(at now: Duration) -> Bool { election.isLeader(at: now + clockOffset) }
}

@Suite(.ownThread) struct LeaseElectionTests {
  @Test
  func `the first candidate creates the Lease and leads`() {
    var server = LeaseServer()
    var a = Candidate("a")
    var b = Candidate("b")
    a.round(&server, at: .zero)
    b.round(&server, at: .zero)
    #expect(a.leads(at: .zero))
    #expect(!b.leads(at: .zero))
    #expect(b.election.holder == "a")
    #expect(server.lease?["kind"] == "Lease")
    #expect(server.lease?["metadata"]?["name"] == "l")
    #expect(server.lease?["spec"]?["leaseDurationSeconds"] == 15)
  }

  @Test
  func `R30: another candidate takes over once its own clock saw the record unchanged for its duration`() {
    var server = LeaseServer()
    // The wall clocks differ by hours, and the local clocks have different origins. Neither may matter.
    var a = Candidate("a", wallClockOffset: -7200)
    var b = Candidate("b", clockOffset: .seconds(99999), wallClockOffset: 7200)
    a.round(&server, at: .zero)
    b.round(&server, at: .seconds(1))
    b.round(&server, at: .seconds(15))
    #expect(!b.leads(at: .seconds(15)))
    b.round(&server, at: .seconds(16))
    #expect(b.leads(at: .seconds(16)))
    #expect(!a.leads(at: .seconds(16)))
    #expect(server.lease?["spec"]?["leaseTransitions"] == 1)
  }

  @Test
  func `R30: a renewal restarts the duration`() {
    var server = LeaseServer()
    var a = Candidate("a")
    var b = Candidate("b")
    for second in 0..<60 {
      if second.isMultiple(of: 9) { a.round(&server, at: .seconds(second)) }
      b.round(&server, at: .seconds(second))
      #expect(!b.leads(at: .seconds(second)))
      #expect(a.leads(at: .seconds(second)))
    }
  }

  @Test
  func `R31: leadership ends ten seconds after the start of the last successful renewal`() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero)
    // A renewal that takes three seconds counts from its start.
    a.round(&server, at: .seconds(2), latency: .seconds(3))
    #expect(a.leads(at: .seconds(11.9)))
    #expect(!a.leads(at: .seconds(12)))
  }

  @Test
  func `R31: a response after the deadline does not make a leader`() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero, latency: .seconds(6))
    #expect(!a.leads(at: .seconds(16)))
  }

  @Test
  func `R32: a released Lease can be acquired at once`() {
    var server = LeaseServer()
    var a = Candidate("a")
    var b = Candidate("b")
    a.round(&server, at: .zero)
    a.release(&server, at: .seconds(1))
    #expect(!a.leads(at: .seconds(1)))
    #expect(server.holder == nil)
    b.round(&server, at: .seconds(1))
    #expect(b.leads(at: .seconds(1)))
  }

  @Test
  func `R32: a Lease that another candidate has acquired is not released`() {
    var server = LeaseServer()
    var a = Candidate("a")
    var b = Candidate("b")
    a.round(&server, at: .zero)
    b.round(&server, at: .seconds(1))
    b.round(&server, at: .seconds(20))
    a.release(&server, at: .seconds(20))
    #expect(server.holder == "b")
    #expect(b.leads(at: .seconds(20)))
  }

  @Test
  func `R32: a candidate that never led releases nothing`() {
    var server = LeaseServer()
    var a = Candidate("a")
    var b = Candidate("b")
    a.round(&server, at: .zero)
    b.round(&server, at: .seconds(1))
    b.release(&server, at: .seconds(2))
    #expect(server.holder == "a")
  }

  @Test
  func `R32: the Lease is released after a renewal whose response was lost`() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero)
    a.round(&server, at: .seconds(2), losingResponses: true)
    a.release(&server, at: .seconds(2))
    #expect(server.holder == nil)
    #expect(a.election.holder == nil)
  }

  @Test
  func `R33: a leader that was stopped for a minute no longer leads`() {
    var server = LeaseServer()
    var a = Candidate("a")
    var b = Candidate("b")
    a.round(&server, at: .zero)
    for second in stride(from: 1, to: 60, by: 2) { b.round(&server, at: .seconds(second)) }
    #expect(!a.leads(at: .seconds(60)))
    a.round(&server, at: .seconds(60))
    #expect(!a.leads(at: .seconds(60)))
    #expect(a.election.holder == "b")
    #expect(b.leads(at: .seconds(60)))
  }

  @Test
  func `a leader that was away leads again at once if nobody replaced it`() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero)
    #expect(!a.leads(at: .seconds(60)))
    a.round(&server, at: .seconds(60))
    #expect(a.leads(at: .seconds(60)))
    #expect(server.lease?["spec"]?["leaseTransitions"] == 0)
  }

  @Test
  func `a failed renewal does not end leadership`() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero)
    for second in [2, 4] {
      let now = Duration.seconds(second)
      while case let request = a.election.begin(at: now, wallClock: a.wallClock(now)), request != .read {
        _ = a.election.handle(.failed, at: now, wallClock: a.wallClock(now))
      }
      let again = a.election.handle(server.respond(to: .read, begunAt: now), at: now, wallClock: a.wallClock(now))
      #expect(again != nil)
      _ = a.election.handle(.failed, at: now, wallClock: a.wallClock(now))
      #expect(a.leads(at: now))
    }
    a.round(&server, at: .seconds(6))
    #expect(a.leads(at: .seconds(15)))
  }

  @Test
  func `R33: a write whose response was lost is recognized by its content`() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero, losingResponses: true)
    #expect(!a.leads(at: .zero))
    #expect(server.holder == "a")
    a.round(&server, at: .seconds(2))
    #expect(a.leads(at: .seconds(2)))
  }

  @Test
  func `R33: a new process with the leader's name has to wait`() {
    var server = LeaseServer()
    var before = Candidate("a")
    var after = Candidate("a")
    before.round(&server, at: .zero)
    after.round(&server, at: .seconds(1))
    #expect(!after.leads(at: .seconds(1)))
    after.round(&server, at: .seconds(17))
    #expect(after.leads(at: .seconds(17)))
  }

  @Test
  func `R79: a restarted container acquires the Lease of its Pod at once`() {
    var server = LeaseServer()
    var before = Candidate("a", isExclusive: true)
    var after = Candidate("a", isExclusive: true, clockOffset: .seconds(5))
    before.round(&server, at: .zero)
    after.round(&server, at: .seconds(1))
    #expect(after.leads(at: .seconds(1)))
    #expect(server.lease?["spec"]?["leaseTransitions"] == 0, "the Lease stays with its holder")
  }

  @Test
  func `R79: a restarted container whose first write fails acquires the Lease with the next`() {
    var server = LeaseServer()
    var before = Candidate("a", isExclusive: true)
    var after = Candidate("a", isExclusive: true)
    before.round(&server, at: .zero)
    let claim = after.election.handle(
      server.respond(to: .read, begunAt: .seconds(1)), at: .seconds(1), wallClock: after.wallClock(.seconds(1)))
    #expect(claim != nil)
    _ = after.election.handle(.failed, at: .seconds(1), wallClock: after.wallClock(.seconds(1)))
    after.round(&server, at: .seconds(3))
    #expect(after.leads(at: .seconds(3)))
  }

  @Test
  func `R33: only the first Lease that a process sees can be that of its predecessor`() {
    var server = LeaseServer()
    var a = Candidate("a")
    var first = Candidate("p", isExclusive: true)
    var second = Candidate("p", isExclusive: true)
    a.round(&server, at: .zero)
    first.round(&server, at: .seconds(1))
    a.release(&server, at: .seconds(2))
    second.round(&server, at: .seconds(2))
    #expect(second.leads(at: .seconds(2)))
    first.round(&server, at: .seconds(3))
    #expect(!first.leads(at: .seconds(3)))
  }

  @Test
  func `R33: one of two candidates acquires a free Lease`() {
    var server = LeaseServer()
    var (a, b) = (Candidate("a"), Candidate("b"))
    a.round(&server, at: .zero)
    b.round(&server, at: .zero)
    // Both read the expired Lease, then both write.
    let now = Duration.seconds(20)
    for second in [1, 2] { b.round(&server, at: .seconds(second)) }
    let first = b.election.begin(at: now, wallClock: b.wallClock(now))
    #expect(first == .read)
    let found = server.respond(to: .read, begunAt: now)
    a.round(&server, at: now)
    if let write = b.election.handle(found, at: now, wallClock: b.wallClock(now)) {
      let response = server.respond(to: write, begunAt: now)
      _ = b.election.handle(response, at: now, wallClock: b.wallClock(now))
    }
    #expect(a.leads(at: now) != b.leads(at: now))
    #expect(server.holder == "a")
  }

  @Test
  func `R33: a deleted Lease is not created again before its duration has passed`() {
    var server = LeaseServer()
    var (a, b) = (Candidate("a"), Candidate("b"))
    a.round(&server, at: .zero)
    b.round(&server, at: .seconds(1))
    server.lease = nil
    b.round(&server, at: .seconds(2))
    #expect(!b.leads(at: .seconds(2)))
    a.round(&server, at: .seconds(3))
    a.round(&server, at: .seconds(5))
    #expect(a.leads(at: .seconds(5)))
    #expect(server.holder == "a")
  }

  @Test
  func `other fields of the Lease are kept`() {
    var server = LeaseServer()
    server.lease = ["metadata": ["resourceVersion": "1", "labels": ["team": "x"]], "spec": ["strategy": "OldestEmulationVersion"]]
    var a = Candidate("a")
    a.round(&server, at: .zero)
    #expect(server.lease?["metadata"]?["labels"] == ["team": "x"])
    #expect(server.lease?["spec"]?["strategy"] == "OldestEmulationVersion")
    #expect(a.leads(at: .zero))
  }

  @Test
  func `R33: with delays, lost responses, and stopped and killed processes there is at most one leader`() {
    for seed in 0..<200 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      var server = LeaseServer()
      var candidates = (0..<3).map {
        Candidate("c\($0)", isExclusive: true, clockOffset: .seconds(1000 * $0), wallClockOffset: Int64($0) * 3600)
      }
      var stoppedUntil = [0, 0, 0]
      for second in 0..<300 {
        let now = Duration.seconds(second)
        for index in candidates.indices where second >= stoppedUntil[index] && Int.random(in: 0..<2, using: &random) == 0 {
          if Int.random(in: 0..<20, using: &random) == 0 { stoppedUntil[index] = second + Int.random(in: 1..<40, using: &random) }
          candidates[index].round(
            &server, at: now, latency: .milliseconds(Int.random(in: 0..<400, using: &random)),
            losingResponses: Int.random(in: 0..<10, using: &random) == 0)
        }
        let isReleasing = Int.random(in: 0..<50, using: &random) == 0
        if isReleasing { candidates[0].release(&server, at: now) }
        // Killed, and started again as a new process with another clock.
        if Int.random(in: 0..<50, using: &random) == 0 {
          candidates[1] = Candidate("c1", isExclusive: true, clockOffset: .seconds(second * 7))
        }
        let leaders = candidates.filter { $0.leads(at: now) }.count
        #expect(leaders <= 1, "seed \(seed), second \(second)")
      }
    }
  }
}
