import Testing

@testable import KubeClient

@Suite struct ListingTests {
  @Test
  func `R01, R02: pages follow by token and are published together`() throws {
    var machine = ScriptedMachine()
    try machine.expectList()
    #expect(machine.subject.status != .synced)
    machine.receivePage(["a", "b"], "10", token: "t1")
    try machine.expectList(continue: "t1")
    machine.receivePage(["c"], "10", token: "t2")
    try machine.expectList(continue: "t2")
    #expect(machine.subject.status != .synced)
    machine.receivePage(["d"], "10")
    machine.expectAll(["a", "b", "c", "d"])
    machine.handle(.published)
    try machine.expectWatch(from: "10")
    #expect(machine.subject.status == .synced)
  }

  @Test
  func `R03: a 410 on a later page drops the pages and causes a list without pages`() throws {
    var machine = ScriptedMachine()
    machine.receivePage(["a"], "10", token: "t1")
    machine.fail(410, "Expired")
    try machine.expectList(continue: nil, limit: nil)
    machine.receivePage(["b"], "20")
    machine.expectAll(["b"])
    machine.handle(.published)
    try machine.expectWatch(from: "20")
  }

  @Test
  func `R03: after a 410 on a list without pages, a paged list follows a wait`() throws {
    var machine = ScriptedMachine()
    machine.receivePage(["a"], "10", token: "t1")
    machine.fail(410, "Expired")
    machine.fail(410, "Expired")
    try machine.wait()
    try machine.expectList()
  }

  @Test
  func `a page refused by a busy server is retried, and earlier pages are kept`() throws {
    var machine = ScriptedMachine()
    machine.receivePage(["a"], "10", token: "t1")
    machine.fail(429, "TooManyRequests")
    try machine.wait()
    try machine.expectList(continue: "t1")
    machine.fail(.unreachable("refused"))
    try machine.wait()
    try machine.expectList(continue: "t1")
    machine.receivePage(["b"], "10")
    machine.expectAll(["a", "b"])
  }

  @Test
  func `R07: a list with a version ahead of the server starts over`() throws {
    var machine = ScriptedMachine()
    machine.receivePage(["a"], "10", token: "t1")
    machine.fail(504, "Timeout", message: "Too large resource version: 10, current: 5")
    try machine.wait()
    try machine.expectList()
  }

  @Test(arguments: [403, 404])
  func `R16: without permission or resource, the status has the reason`(_ code: Int) throws {
    var machine = ScriptedMachine()
    machine.fail(code, "Because", message: "of this")
    #expect(machine.subject.status == .waiting(reason: "\(code) Because: of this"))
    for _ in 0..<5 {
      try machine.wait()
      try machine.expectList()
      machine.fail(code)
    }
    try machine.wait()
    machine.receivePage([], "1")
    machine.expectAll([])
    machine.handle(.published)
    #expect(machine.subject.status == .synced)
  }

  @Test
  func `R12: an unreadable list is counted and starts over`() throws {
    var machine = ScriptedMachine()
    machine.receivePage(["a"], "10", token: "t1")
    machine.fail(.unreadable("junk"))
    #expect(machine.subject.statistics.unreadable == 1)
    try machine.wait()
    try machine.expectList()
  }
}

@Suite struct WatchingTests {
  @Test
  func `R04: watches have random timeouts of five to ten minutes`() throws {
    var machine = try ScriptedMachine.watching()
    var times: Set<Int> = []
    for _ in 0..<100 {
      guard case .watch(_, let seconds) = machine.handle(.read(.streamEnded), after: .seconds(400)) else {
        throw ScriptedMachine.Unexpected()
      }
      #expect((300...600).contains(seconds))
      times.insert(seconds)
      machine.handle(.watch(.opened))
    }
    #expect(times.count > 20)
  }

  @Test
  func `changes are published, and the next watch starts after the last one`() throws {
    var machine = try ScriptedMachine.watching()
    machine.expectRead()
    guard case .publish(.changes(let changes)) = machine.receivePut("b", "11") else { throw ScriptedMachine.Unexpected() }
    #expect(changes == [.put(NodeRecord(name: "b", resourceVersion: "11"))])
    machine.handle(.published)
    machine.expectRead()
    machine.handle(.read(.streamEnded))
    try machine.expectWatch(from: "11")
  }

  @Test
  func `R05: a bookmark only advances the version`() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.changes([], resourceVersion: "99")))
    machine.expectRead()
    machine.handle(.read(.streamEnded), after: .seconds(2))
    try machine.expectWatch(from: "99")
  }

  @Test
  func `an event without a version keeps the known version`() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.changes([.remove(ObjectKey(name: "a"))], resourceVersion: "")))
    machine.handle(.published)
    machine.handle(.read(.streamEnded), after: .seconds(2))
    try machine.expectWatch(from: "10")
  }

  @Test
  func `R06: a 410 status causes a relist at once`() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.streamEnded), after: .seconds(300))
    machine.fail(410, "Gone")
    try machine.expectList()
    machine.receivePage(["z"], "50")
    machine.expectAll(["z"])
  }

  @Test(arguments: ["Expired", "Gone"])
  func `R06: a 410 ERROR event causes a relist at once`(_ reason: String) throws {
    var machine = try ScriptedMachine.watching()
    machine.fail(410, reason)
    try machine.expectList()
    #expect(machine.subject.statistics.expirations == 1)
  }

  @Test
  func `R06: repeated 410s wait between relists`() throws {
    var machine = try ScriptedMachine.watching()
    machine.fail(410)
    for _ in 0..<3 {
      try machine.expectList()
      machine.receivePage(["a"], "50")
      machine.handle(.published)
      machine.fail(410)
      try machine.wait()
    }
    machine.receivePage(["a"], "50")
    machine.handle(.published)
    machine.handle(.watch(.opened))
    machine.receivePut("b", "51")
    machine.handle(.published)
    machine.fail(410)
    try machine.expectList()
  }

  @Test
  func `R07: a version ahead of the server causes a relist`() throws {
    for (message, causes) in [("Too large resource version: 10, current: 5", []), ("", ["ResourceVersionTooLarge"])] {
      var machine = try ScriptedMachine.watching()
      machine.handle(.read(.streamEnded), after: .seconds(300))
      machine.fail(504, "Timeout", message: message, causes: causes)
      try machine.expectList()
    }
  }

  @Test
  func `R07: a silent reopened watch causes a check of the version`() throws {
    var machine = try ScriptedMachine.watching()
    machine.expectRead(within: nil)
    machine.handle(.read(.streamEnded), after: .seconds(300))
    machine.handle(.watch(.opened))
    machine.expectRead(within: .seconds(90))
    machine.stall()
    machine.expectCheck(of: "10")
    machine.fail(504, "Timeout", message: "Too large resource version: 10, current: 5", causes: ["ResourceVersionTooLarge"])
    try machine.expectList()
    #expect(machine.subject.statistics.expirations == 1)
  }

  @Test
  func `R07: a current server is checked once per silent watch, and never if the watch advances`() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.streamEnded), after: .seconds(300))
    machine.handle(.watch(.opened))
    machine.stall(after: .seconds(90))
    machine.handle(.check(.reached))
    try machine.expectWatch(from: "10")
    machine.handle(.watch(.opened))
    machine.expectRead(within: nil)
    machine.handle(.read(.streamEnded), after: .seconds(300))
    machine.handle(.watch(.opened))
    machine.expectRead(within: .seconds(90))
    machine.handle(.read(.changes([], resourceVersion: "10")))
    machine.expectRead(within: .seconds(90))
    machine.handle(.read(.changes([], resourceVersion: "11")))
    machine.expectRead(within: nil)
    #expect(machine.subject.statistics.lists == 1)
  }

  @Test
  func `R07, R08: after a failed check the watch resumes after the back-off`() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.streamEnded), after: .seconds(300))
    for failure in [WatchFailure.unreachable("refused"), .status(APIStatus(code: 429)), .status(APIStatus(code: 503))] {
      machine.handle(.watch(.opened))
      machine.stall()
      machine.fail(failure)
      try machine.wait()
      try machine.expectWatch(from: "10")
    }
  }

  @Test
  func `R08: after a 429, a gateway error or no connection the watch resumes at its version`() throws {
    var machine = try ScriptedMachine.watching()
    machine.receivePut("b", "11")
    machine.handle(.published)
    machine.handle(.read(.streamEnded))
    for failure in [
      WatchFailure.status(APIStatus(code: 429)), .unreachable("refused"), .status(APIStatus(code: 503)), .status(APIStatus(code: 504)),
      .status(APIStatus(code: 401)),
    ] {
      machine.fail(failure)
      #expect(machine.subject.status == .waiting(reason: failure.reason))
      try machine.wait()
      try machine.expectWatch(from: "11")
    }
    machine.handle(.watch(.opened))
    #expect(machine.subject.status == .synced)
    #expect(machine.subject.statistics.lists == 1)
  }

  @Test
  func `R08: Retry-After is honoured with jitter and a maximum`() throws {
    var machine = try ScriptedMachine.watching()
    machine.fail(429, retryAfter: .seconds(17))
    let wait = try machine.wait()
    #expect(wait >= .seconds(17) && wait <= .seconds(18.7))
    machine.fail(429, retryAfter: .seconds(1_000_000))
    #expect(try machine.wait() <= .seconds(330))
  }

  @Test
  func `R09: internal errors retry the watch, then relist`() throws {
    var machine = try ScriptedMachine.watching()
    let begin = machine.now
    var watches = 0
    while true {
      machine.fail(500, "InternalError")
      try machine.wait()
      guard case .watch = machine.last else { break }
      watches += 1
      machine.handle(.watch(.opened))
    }
    try machine.expectList()
    #expect(watches >= 2)
    #expect(machine.now - begin >= .seconds(30))
  }

  @Test
  func `R09: a watch that advances resets the internal errors`() throws {
    var machine = try ScriptedMachine.watching()
    for version in 11..<40 {
      machine.fail(500, "InternalError")
      try machine.wait()
      machine.handle(.watch(.opened))
      machine.receivePut("b", "\(version)", after: .seconds(10))
      machine.handle(.published)
    }
    #expect(machine.subject.statistics.lists == 1)
  }

  @Test
  func `R10: waits double from 0.8 to 30 s, with up to 50 % jitter`() throws {
    var machine = try ScriptedMachine.watching()
    var expected = 0.8
    for _ in 0..<10 {
      machine.fail(.unreachable("refused"))
      let wait = try machine.wait()
      #expect(wait >= .seconds(expected / 2) && wait <= .seconds(expected))
      expected = min(30, expected * 2)
    }
  }

  @Test
  func `R10: list and watch share one back-off, which resets after two minutes without failure`() throws {
    var machine = try ScriptedMachine.watching()
    for _ in 0..<8 {
      machine.fail(.unreachable("refused"))
      try machine.wait()
    }
    machine.fail(.status(APIStatus(code: 404)))
    #expect(try machine.wait() >= .seconds(15))
    machine.receivePage(["a"], "20")
    machine.handle(.published)
    machine.handle(.watch(.opened))
    machine.fail(.unreachable("refused"), after: .seconds(119))
    #expect(try machine.wait() >= .seconds(15))
    machine.handle(.watch(.opened))
    machine.fail(.unreachable("refused"), after: .seconds(121))
    #expect(try machine.wait() <= .milliseconds(800))
  }

  @Test
  func `R11: a stream that ends is reopened at once at the last version`() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.streamEnded), after: .seconds(1))
    try machine.expectWatch(from: "10")
    machine.handle(.watch(.opened))
    machine.receivePut("b", "11")
    machine.handle(.published)
    machine.handle(.read(.streamEnded))
    try machine.expectWatch(from: "11")
    #expect(machine.subject.status == .synced)
  }

  @Test
  func `R11: a stream that ends within a second without an event is a failure`() throws {
    var machine = try ScriptedMachine.watching()
    for _ in 0..<3 {
      machine.handle(.read(.streamEnded), after: .milliseconds(999))
      try machine.wait()
      try machine.expectWatch(from: "10")
      machine.handle(.watch(.opened))
    }
    // A repeated bookmark does not count as an event.
    machine.handle(.read(.changes([], resourceVersion: "10")))
    machine.handle(.read(.streamEnded))
    try machine.wait()
    #expect(machine.subject.statistics.failures == 4)
  }

  @Test
  func `R12: an unreadable event is counted and followed by a wait and a relist`() throws {
    var machine = try ScriptedMachine.watching()
    machine.fail(.unreadable("junk"))
    #expect(machine.subject.statistics.unreadable == 1)
    #expect(machine.subject.status == .waiting(reason: "junk"))
    try machine.wait()
    try machine.expectList()
  }

  @Test
  func `R16: a 403 resumes the watch, and a 404 causes a relist`() throws {
    var machine = try ScriptedMachine.watching()
    machine.fail(403, "Forbidden")
    #expect(machine.subject.status == .waiting(reason: "403 Forbidden"))
    try machine.wait()
    try machine.expectWatch(from: "10")
    machine.fail(404, "NotFound")
    try machine.wait()
    try machine.expectList()
  }

  @Test func `R21: a watch ended for a new connection resumes at its version at once`() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.changes([], resourceVersion: "12")))
    machine.handle(.read(.filesChanged))
    try machine.expectWatch(from: "12")
    #expect(machine.subject.status == .synced)
    #expect(machine.subject.statistics.failures == 0)
  }
}
