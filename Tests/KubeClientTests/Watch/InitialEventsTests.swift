import Testing

@testable import KubeClient

/// The state machine with initial events.
@Suite struct InitialEventsTests {
  private typealias Event = ScriptedMachine.Subject.Event

  private func added(_ names: String..., version: String = "5") -> Event {
    .read(.changes(names.map { .put(NodeRecord(name: $0, resourceVersion: version)) }, resourceVersion: version))
  }

  /// Returns a machine that reads initial events.
  private func receiving() throws -> ScriptedMachine {
    var machine = ScriptedMachine(policy: .standard)
    try expectInitial(machine)
    machine.handle(.watch(.opened))
    try expectReadInitially(machine)
    return machine
  }

  private func expectInitial(_ machine: ScriptedMachine, _ location: SourceLocation = #_sourceLocation) throws {
    guard case .watchInitially(let seconds, let limit) = machine.last else {
      Issue.record("expected a watch with initial events, got \(machine.last)", sourceLocation: location)
      throw ScriptedMachine.Unexpected()
    }
    #expect((300...600).contains(seconds) && limit == .seconds(15), sourceLocation: location)
  }

  private func expectReadInitially(
    _ machine: ScriptedMachine, within expected: Duration = .seconds(15), _ location: SourceLocation = #_sourceLocation
  ) throws {
    guard case .read(let limit?) = machine.last else {
      Issue.record("expected to read initial events, got \(machine.last)", sourceLocation: location)
      throw ScriptedMachine.Unexpected()
    }
    #expect(limit == expected, sourceLocation: location)
  }

  @Test("R14: in sync only at the mark, with all at once; the stream goes on as the watch")
  func mark() throws {
    var machine = try receiving()
    machine.handle(added("a", "b"))
    try expectReadInitially(machine)
    #expect(machine.subject.status != .synced)
    machine.handle(added("c"))
    machine.handle(.read(.initialEventsEnd([.put(NodeRecord(name: "d"))], resourceVersion: "10")))
    machine.expectAll(["a", "b", "c", "d"])
    #expect(machine.subject.status != .synced)
    machine.handle(.published)
    #expect(machine.subject.status == .synced)
    machine.expectRead()
    guard case .publish(.changes) = machine.receivePut("e", "11") else { throw ScriptedMachine.Unexpected() }
    machine.handle(.published)
    machine.handle(.read(.streamEnded))
    try machine.expectWatch(from: "11")
    #expect(machine.subject.statistics.lists == 1 && machine.subject.statistics.initialEvents == 1)
  }

  @Test("R14: a watch that ends right after the mark goes on from the mark's version")
  func endedAfterMark() throws {
    var machine = try receiving()
    machine.handle(.read(.initialEventsEnd([], resourceVersion: "10")))
    machine.expectAll([])
    machine.handle(.published)
    machine.handle(.read(.streamEnded))
    try machine.expectWatch(from: "10")
  }

  @Test("R14: objects that change or go before the mark are as they are at the mark")
  func changedMeanwhile() throws {
    var machine = try receiving()
    machine.handle(added("a", "b", "c", version: "5"))
    machine.handle(.read(.changes([.remove(ObjectKey(name: "a")), .remove(ObjectKey(name: "b"))], resourceVersion: "7")))
    machine.handle(added("b", version: "8"))
    guard case .publish(.all(let records)) = machine.handle(.read(.initialEventsEnd([.put(NodeRecord(name: "c"))], resourceVersion: "9")))
    else {
      throw ScriptedMachine.Unexpected()
    }
    let writer = StoreWriter(store: Store<NodeRecord>())
    writer.replaceAll(with: records)
    let snapshot = writer.store.snapshot()
    #expect(Set(snapshot.map(\.name)) == ["b", "c"])
    #expect(snapshot[ObjectKey(name: "b")]?.resourceVersion == "8")
    #expect(snapshot[ObjectKey(name: "c")]?.resourceVersion == "")
  }

  @Test("R15: refused by status: a plain list in the same pass", arguments: [400, 403, 404, 405, 410, 422])
  func refusedByStatus(_ code: Int) throws {
    var machine = ScriptedMachine(policy: .standard)
    machine.fail(code, "Invalid", message: "sendInitialEvents is forbidden")
    try machine.expectList()
    #expect(machine.subject.statistics.initialEventsRefused == 1)
    #expect(machine.subject.statistics.failures == 0)
  }

  @Test("R16: no rights or no such resource: initial events are asked for again as soon as it heals", arguments: [403, 404])
  func refusedWithTheResource(_ code: Int) throws {
    var machine = ScriptedMachine(policy: .standard)
    for _ in 0..<3 {
      try expectInitial(machine)
      machine.fail(code, "Because")
      try machine.expectList()
      machine.fail(code, "Because")
      #expect(machine.subject.status == .waiting(reason: "\(code) Because"))
      try machine.wait()
    }
    try expectInitial(machine)
  }

  @Test("R15: refused by an ERROR event in a 200, also after some events: a plain list, and nothing of them is kept")
  func refusedByEvent() throws {
    for events in [[], ["a", "b"]] {
      var machine = try receiving()
      for name in events { machine.handle(added(name)) }
      machine.fail(500, "InternalError", message: "the required storage feature RequestWatchProgress is disabled")
      try machine.expectList()
      machine.receivePage(["c"], "10")
      machine.expectAll(["c"])
      machine.handle(.published)
      try machine.expectWatch(from: "10")
    }
  }

  @Test("R15: ended, cut or stalling without the mark: a plain list in the same pass")
  func noMark() throws {
    for event in [
      Event.read(.streamEnded), .read(.stalled), .read(.failed(.unreachable("timeout"))), .read(.initialEventsEnd([], resourceVersion: "")),
    ] {
      var machine = try receiving()
      machine.handle(added("a"))
      machine.handle(event)
      try machine.expectList()
      #expect(machine.subject.statistics.initialEventsRefused == 1)
    }
    var machine = ScriptedMachine(policy: .standard)
    machine.stall()
    try machine.expectList()
  }

  @Test("R15: initial events that go on for ever, but slowly, are given up at the deadline")
  func slow() throws {
    var machine = try receiving()
    for _ in 0..<15 {
      machine.handle(added("a"), after: .seconds(10))
      guard case .read = machine.last else { throw ScriptedMachine.Unexpected() }
    }
    try expectReadInitially(machine, within: .seconds(10))
    machine.handle(added("a"), after: .seconds(10))
    try machine.expectList()
  }

  @Test("R15: what was refused is not asked for at each relist, and again after an hour")
  func remembered() throws {
    var machine = ScriptedMachine(policy: .standard)
    machine.fail(422, "Invalid")
    for _ in 0..<3 {
      try machine.expectList()
      machine.receivePage(["a"], "10")
      machine.handle(.published)
      machine.handle(.watch(.opened))
      machine.receivePut("b", "11", after: .seconds(1100))
      machine.handle(.published)
      machine.fail(410, "Expired")
    }
    machine.receivePage(["a"], "10")
    machine.handle(.published)
    machine.handle(.watch(.opened))
    machine.receivePut("b", "11", after: .seconds(400))
    machine.handle(.published)
    machine.fail(410, "Expired")
    try expectInitial(machine)
    #expect(machine.subject.statistics.initialEventsRefused == 1)
  }

  @Test("R08, R10: a server that is not there, or wants other credentials, is asked again for initial events after a wait")
  func unreachable() throws {
    var machine = ScriptedMachine(policy: .standard)
    for failure in [WatchFailure.unreachable("refused"), .status(APIStatus(code: 401))] {
      machine.fail(failure)
      #expect(machine.subject.status == .waiting(reason: failure.reason))
      try machine.wait()
      try expectInitial(machine)
    }
    #expect(machine.subject.statistics.initialEventsRefused == 0)
  }

  @Test("R08: a busy server is left alone, then listed in pages; the next list tries initial events again", arguments: [429, 500, 503])
  func busy(_ code: Int) throws {
    var machine = ScriptedMachine(policy: .standard)
    machine.fail(code, retryAfter: .seconds(7))
    #expect(try machine.wait() >= .seconds(7))
    try machine.expectList()
    machine.receivePage(["a"], "10")
    machine.handle(.published)
    machine.fail(410)
    try expectInitial(machine)
  }

  @Test("R12: an initial event that cannot be read: wait, then a plain list, and count it")
  func unreadable() throws {
    var machine = try receiving()
    machine.fail(.unreadable("junk"))
    #expect(machine.subject.statistics.unreadable == 1)
    try machine.wait()
    try machine.expectList()
  }

  @Test("R06: an expired watch is followed by initial events; a second one at once waits")
  func expired() throws {
    var machine = try receiving()
    for isFirst in [true, false] {
      machine.handle(.read(.initialEventsEnd([], resourceVersion: "10")))
      machine.handle(.published)
      machine.fail(410, "Expired")
      if !isFirst { try machine.wait() }
      try expectInitial(machine)
      machine.handle(.watch(.opened))
    }
  }
}
