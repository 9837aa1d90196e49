import Testing

@testable import KubeClient

@Suite struct ListingTests {
  @Test("R01, R02: pages follow each other by token, and readers see them all at once")
  func pages() throws {
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

  @Test("R03: 410 on a later page drops the pages, and one list in one piece follows at once")
  func expiredToken() throws {
    var machine = ScriptedMachine()
    machine.receivePage(["a"], "10", token: "t1")
    machine.fail(410, "Expired")
    try machine.expectList(continue: nil, limit: nil)
    machine.receivePage(["b"], "20")
    machine.expectAll(["b"])
    machine.handle(.published)
    try machine.expectWatch(from: "20")
  }

  @Test("R03: a 410 of the list in one piece waits and starts over in pages")
  func expiredTwice() throws {
    var machine = ScriptedMachine()
    machine.receivePage(["a"], "10", token: "t1")
    machine.fail(410, "Expired")
    machine.fail(410, "Expired")
    try machine.wait()
    try machine.expectList()
  }

  @Test("a page that a busy server refuses is asked for again, and the pages before it are kept")
  func busyPage() throws {
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

  @Test("R07: a list that is told of a version ahead of the server starts from nothing")
  func tooLargeOnList() throws {
    var machine = ScriptedMachine()
    machine.receivePage(["a"], "10", token: "t1")
    machine.fail(504, "Timeout", message: "Too large resource version: 10, current: 5")
    try machine.wait()
    try machine.expectList()
  }

  @Test("R16: no rights or no such resource: not ready, with the reason, until it is there", arguments: [403, 404])
  func refused(_ code: Int) throws {
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

  @Test("R12: a list that cannot be read is tried again from its start, and counted")
  func unreadable() throws {
    var machine = ScriptedMachine()
    machine.receivePage(["a"], "10", token: "t1")
    machine.fail(.unreadable("junk"))
    #expect(machine.subject.statistics.unreadable == 1)
    try machine.wait()
    try machine.expectList()
  }
}

@Suite struct WatchingTests {
  @Test("R04: watches last five to ten minutes, and not all the same")
  func watchTimes() throws {
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

  @Test("changes are published, and the next watch starts after the last of them")
  func changes() throws {
    var machine = try ScriptedMachine.watching()
    machine.expectRead()
    guard case .publish(.changes(let changes)) = machine.receivePut("b", "11") else { throw ScriptedMachine.Unexpected() }
    #expect(changes == [.put(NodeRecord(name: "b", resourceVersion: "11"))])
    machine.handle(.published)
    machine.expectRead()
    machine.handle(.read(.streamEnded))
    try machine.expectWatch(from: "11")
  }

  @Test("R05: a bookmark moves the version and nothing else")
  func bookmark() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.changes([], resourceVersion: "99")))
    machine.expectRead()
    machine.handle(.read(.streamEnded), after: .seconds(2))
    try machine.expectWatch(from: "99")
  }

  @Test("an event without a version does not lose the one that is known")
  func noVersion() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.changes([.remove(ObjectKey(name: "a"))], resourceVersion: "")))
    machine.handle(.published)
    machine.handle(.read(.streamEnded), after: .seconds(2))
    try machine.expectWatch(from: "10")
  }

  @Test("R06: 410 as the watch's status: relist at once")
  func goneAsStatus() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.streamEnded), after: .seconds(300))
    machine.fail(410, "Gone")
    try machine.expectList()
    machine.receivePage(["z"], "50")
    machine.expectAll(["z"])
  }

  @Test("R06: 410 as an ERROR event: relist at once", arguments: ["Expired", "Gone"])
  func goneAsEvent(_ reason: String) throws {
    var machine = try ScriptedMachine.watching()
    machine.fail(410, reason)
    try machine.expectList()
    #expect(machine.subject.statistics.expirations == 1)
  }

  @Test("R06: a server whose every watch is expired is not asked in a tight loop")
  func goneForever() throws {
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

  @Test("R07: a version ahead of the server's: relist from nothing")
  func tooLargeVersion() throws {
    for (message, causes) in [("Too large resource version: 10, current: 5", []), ("", ["ResourceVersionTooLarge"])] {
      var machine = try ScriptedMachine.watching()
      machine.handle(.read(.streamEnded), after: .seconds(300))
      machine.fail(504, "Timeout", message: message, causes: causes)
      try machine.expectList()
    }
  }

  @Test("R07: a watch that is opened again and says nothing: the server is asked whether it has reached the version")
  func silence() throws {
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

  @Test("R07: a server that is not behind is asked once a watch, and one whose watch goes on never")
  func quiet() throws {
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

  @Test("R07, R08: a server that cannot be asked is watched again after the back-off, without a list")
  func silenceOfABusyServer() throws {
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

  @Test("R08: 429, a gateway's error or no connection: wait, then watch at the same version without a list")
  func busy() throws {
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

  @Test("R08: Retry-After is honoured, with jitter, and not for ever")
  func retryAfter() throws {
    var machine = try ScriptedMachine.watching()
    machine.fail(429, retryAfter: .seconds(17))
    let wait = try machine.wait()
    #expect(wait >= .seconds(17) && wait <= .seconds(18.7))
    machine.fail(429, retryAfter: .seconds(1_000_000))
    #expect(try machine.wait() <= .seconds(330))
  }

  @Test("R09: an internal error: watch again for a while, then relist")
  func internalErrors() throws {
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

  @Test("R09: a watch that goes on in between ends the while")
  func internalErrorsApart() throws {
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

  @Test("R10: waits double from 0.8 to 30 s, each between half of it and all")
  func backoff() throws {
    var machine = try ScriptedMachine.watching()
    var expected = 0.8
    for _ in 0..<10 {
      machine.fail(.unreachable("refused"))
      let wait = try machine.wait()
      #expect(wait >= .seconds(expected / 2) && wait <= .seconds(expected))
      expected = min(30, expected * 2)
    }
  }

  @Test("R10: the back-off is one for list and watch, and starts over only after two minutes of health")
  func backoffReset() throws {
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

  @Test("R11: a stream that ends is opened again at once, at the last version")
  func ended() throws {
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

  @Test("R11: one that ends in under a second without an event has failed")
  func endedAtOnce() throws {
    var machine = try ScriptedMachine.watching()
    for _ in 0..<3 {
      machine.handle(.read(.streamEnded), after: .milliseconds(999))
      try machine.wait()
      try machine.expectWatch(from: "10")
      machine.handle(.watch(.opened))
    }
    // The same bookmark over and over is no news.
    machine.handle(.read(.changes([], resourceVersion: "10")))
    machine.handle(.read(.streamEnded))
    try machine.wait()
    #expect(machine.subject.statistics.failures == 4)
  }

  @Test("R12: an event that cannot be read: wait, then relist, and count it")
  func unreadable() throws {
    var machine = try ScriptedMachine.watching()
    machine.fail(.unreadable("junk"))
    #expect(machine.subject.statistics.unreadable == 1)
    #expect(machine.subject.status == .waiting(reason: "junk"))
    try machine.wait()
    try machine.expectList()
  }

  @Test("R16: rights that were taken away come back without a list; a resource that was deleted, with one")
  func refused() throws {
    var machine = try ScriptedMachine.watching()
    machine.fail(403, "Forbidden")
    #expect(machine.subject.status == .waiting(reason: "403 Forbidden"))
    try machine.wait()
    try machine.expectWatch(from: "10")
    machine.fail(404, "NotFound")
    try machine.wait()
    try machine.expectList()
  }

  @Test("R21: a watch that was ended for a new connection goes on at its version, at once") func outdatedConnection() throws {
    var machine = try ScriptedMachine.watching()
    machine.handle(.read(.changes([], resourceVersion: "12")))
    machine.handle(.read(.filesChanged))
    try machine.expectWatch(from: "12")
    #expect(machine.subject.status == .synced)
    #expect(machine.subject.statistics.failures == 0)
  }
}
