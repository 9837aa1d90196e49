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

  @Test
  func `R14: all records are published at the closing bookmark, and the watch continues`() throws {
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

  @Test
  func `R14: a watch that ends after the closing bookmark resumes at its version`() throws {
    var machine = try receiving()
    machine.handle(.read(.initialEventsEnd([], resourceVersion: "10")))
    machine.expectAll([])
    machine.handle(.published)
    machine.handle(.read(.streamEnded))
    try machine.expectWatch(from: "10")
  }

  @Test
  func `R14: objects that change or disappear before the closing bookmark have their last state`() throws {
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

  @Test(arguments: [400, 403, 404, 405, 410, 422])
  func `R15: initial events refused by status are followed by a list`(_ code: Int) throws {
    var machine = ScriptedMachine(policy: .standard)
    machine.fail(code, "Invalid", message: "sendInitialEvents is forbidden")
    try machine.expectList()
    #expect(machine.subject.statistics.initialEventsRefused == 1)
    #expect(machine.subject.statistics.failures == 0)
  }

  @Test(arguments: [403, 404])
  func `R16: without permission or resource, initial events are retried with every list`(_ code: Int) throws {
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

  @Test
  func `R15: initial events ended by an ERROR event are dropped and followed by a list`() throws {
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

  @Test
  func `R15: initial events without closing bookmark are followed by a list`() throws {
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

  @Test
  func `R15: slow initial events end at the deadline`() throws {
    var machine = try receiving()
    for _ in 0..<15 {
      machine.handle(added("a"), after: .seconds(10))
      guard case .read = machine.last else { throw ScriptedMachine.Unexpected() }
    }
    try expectReadInitially(machine, within: .seconds(10))
    machine.handle(added("a"), after: .seconds(10))
    try machine.expectList()
  }

  @Test
  func `R15: refused initial events are retried after an hour`() throws {
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

  @Test
  func `R08, R10: initial events are retried after a wait if the server is unreachable or responds 401`() throws {
    var machine = ScriptedMachine(policy: .standard)
    for failure in [WatchFailure.unreachable("refused"), .status(APIStatus(code: 401))] {
      machine.fail(failure)
      #expect(machine.subject.status == .waiting(reason: failure.reason))
      try machine.wait()
      try expectInitial(machine)
    }
    #expect(machine.subject.statistics.initialEventsRefused == 0)
  }

  @Test(arguments: [429, 500, 503])
  func `R08: a busy server is listed by pages after a wait, and the next list uses initial events`(_ code: Int) throws {
    var machine = ScriptedMachine(policy: .standard)
    machine.fail(code, retryAfter: .seconds(7))
    #expect(try machine.wait() >= .seconds(7))
    try machine.expectList()
    machine.receivePage(["a"], "10")
    machine.handle(.published)
    machine.fail(410)
    try expectInitial(machine)
  }

  @Test
  func `R12: an unreadable initial event is counted and followed by a wait and a list`() throws {
    var machine = try receiving()
    machine.fail(.unreadable("junk"))
    #expect(machine.subject.statistics.unreadable == 1)
    try machine.wait()
    try machine.expectList()
  }

  @Test
  func `R06: an expired watch is followed by initial events, the second one after a wait`() throws {
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
