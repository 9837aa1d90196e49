import JSON
import TestSupport
import Testing

@testable import KubeClient

/// One Lease on a server of a few lines: every write gives it another version, a write on an old version is refused.
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

/// A candidate whose local clock started at some other time than everybody else's.
private struct Candidate {
  var election: LeaseElection
  let clockOffset: Duration
  var wallClockOffset: Int64 = 0

  init(_ identity: String, clockOffset: Duration = .zero, wallClockOffset: Int64 = 0) {
    election = LeaseElection(lease: ObjectKey(namespace: "n", name: "l"), identity: identity, timing: LeaseTiming())
    self.clockOffset = clockOffset
    self.wallClockOffset = wallClockOffset
  }

  func wallClock(_ now: Duration) -> Timestamp {
    Timestamp(unixMicroseconds: (1_700_000_000 + wallClockOffset + now.components.seconds) * 1_000_000)
  }

  /// A whole round; each request takes `latency`, and `isLost` loses the responses to writes that the server has done.
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

  /// Gives the lease up, as the elector does.
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

@Suite struct LeaseElectionTests {
  @Test("the first to come creates the Lease and leads")
  func first() {
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

  @Test("R30: takeover only after the record was seen unchanged for its own duration, on a clock of one's own")
  func takeover() {
    var server = LeaseServer()
    // The wall clocks are hours apart, and the local clocks count from different beginnings: neither may matter.
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

  @Test("R30: a renewal starts the time anew")
  func renewed() {
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

  @Test("R31: leadership ends ten seconds after the start of the last successful renewal")
  func deadline() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero)
    // A renewal that takes three seconds counts from its start.
    a.round(&server, at: .seconds(2), latency: .seconds(3))
    #expect(a.leads(at: .seconds(11.9)))
    #expect(!a.leads(at: .seconds(12)))
  }

  @Test("R31: an answer that comes after the deadline makes no leader")
  func slow() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero, latency: .seconds(6))
    #expect(!a.leads(at: .seconds(16)))
  }

  @Test("R32: release leaves the Lease to whoever comes next, if it is still ours")
  func release() {
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

  @Test("R32: a Lease that another has taken meanwhile is not released")
  func releaseTooLate() {
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

  @Test("R32: one who never led releases nothing")
  func releaseOfOthers() {
    var server = LeaseServer()
    var a = Candidate("a")
    var b = Candidate("b")
    a.round(&server, at: .zero)
    b.round(&server, at: .seconds(1))
    b.release(&server, at: .seconds(2))
    #expect(server.holder == "a")
  }

  @Test("R32: a renewal that was cancelled, but done by the server, does not keep the Lease from being released")
  func releaseAfterLostRenewal() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero)
    a.round(&server, at: .seconds(2), losingResponses: true)
    a.release(&server, at: .seconds(2))
    #expect(server.holder == nil)
    #expect(a.election.holder == nil)
  }

  @Test("R33: a leader that was stopped for a minute finds itself led")
  func stopped() {
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

  @Test("a leader that was away, but that nobody has replaced, leads again at once")
  func back() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero)
    #expect(!a.leads(at: .seconds(60)))
    a.round(&server, at: .seconds(60))
    #expect(a.leads(at: .seconds(60)))
    #expect(server.lease?["spec"]?["leaseTransitions"] == 0)
  }

  @Test("a renewal that the server did not do costs no leadership")
  func failedRenewal() {
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

  @Test("R33: a write whose answer was lost is known as ours by what it says")
  func lostAnswer() {
    var server = LeaseServer()
    var a = Candidate("a")
    a.round(&server, at: .zero, losingResponses: true)
    #expect(!a.leads(at: .zero))
    #expect(server.holder == "a")
    a.round(&server, at: .seconds(2))
    #expect(a.leads(at: .seconds(2)))
  }

  @Test("R33: a process with the name of the one before waits as everybody does")
  func sameName() {
    var server = LeaseServer()
    var before = Candidate("a")
    var after = Candidate("a")
    before.round(&server, at: .zero)
    after.round(&server, at: .seconds(1))
    #expect(!after.leads(at: .seconds(1)))
    after.round(&server, at: .seconds(17))
    #expect(after.leads(at: .seconds(17)))
  }

  @Test("R33: two who want the same free Lease: one gets it")
  func race() {
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

  @Test("R33: a Lease that was deleted under its holder is not created anew before the holder knows")
  func deleted() {
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

  @Test("what others have written into the Lease stays")
  func keepsTheRest() {
    var server = LeaseServer()
    server.lease = ["metadata": ["resourceVersion": "1", "labels": ["team": "x"]], "spec": ["strategy": "OldestEmulationVersion"]]
    var a = Candidate("a")
    a.round(&server, at: .zero)
    #expect(server.lease?["metadata"]?["labels"] == ["team": "x"])
    #expect(server.lease?["spec"]?["strategy"] == "OldestEmulationVersion")
    #expect(a.leads(at: .zero))
  }

  @Test("R33: whatever is slow, lost or stopped, never do two lead")
  func randomRuns() {
    for seed in 0..<200 as Range<UInt64> {
      var random = SplitMix(seed: seed)
      var server = LeaseServer()
      var candidates = (0..<3).map { Candidate("c\($0)", clockOffset: .seconds(1000 * $0), wallClockOffset: Int64($0) * 3600) }
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
        let leaders = candidates.filter { $0.leads(at: now) }.count
        #expect(leaders <= 1, "seed \(seed), second \(second)")
      }
    }
  }
}
