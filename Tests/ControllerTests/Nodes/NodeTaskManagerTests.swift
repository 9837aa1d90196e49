import Collector
import Controller
import Exposition
import KubeClient
import Roll
import TestSupport
import Testing

@Suite struct NodeTaskManagerTests {
  /// A manager with its dependencies, a manual clock and scripted collectors.
  final class Rig: Sendable {
    let time = ManualTime()
    let rolls = RollStore()
    let ledger = LedgerStore(threshold: .seconds(300))
    let counters = CollectionCounters()
    let linux = ScriptedCollector()
    let windows = ScriptedCollector()
    let manager: NodeTaskManager

    init(maximumCalls: Int = 100) {
      manager = NodeTaskManager(
        rolls: rolls, ledger: ledger, counters: counters,
        collectors: NodeCollectors { [linux, windows] source in source == .windows ? windows : linux },
        pace: .init(interval: .seconds(15), maximumCalls: maximumCalls), time: time)
    }

    func publish(_ nodes: [NodeRecord]) {
      let pods = nodes.map { podRecord("pod-\($0.name)", on: $0.name, [containerRecord("c")]) }
      var builder = RollBuilder(settings: RollSettings(grace: .zero, virtualNodes: []))
      let reading = time.reading()
      let before = rolls.snapshot().rolls
      _ = builder.update(nodes: Records(nodes), nodeChange: .all, pods: Records(pods), podChange: .all, at: reading)
      let changed = builder.rolls.values.filter { before[$0.node] != $0 }.map { RollChange.changed($0) }
      let removed = before.keys.filter { builder.rolls[$0] == nil }.map { RollChange.removed(node: $0) }
      rolls.publish(changed + removed, of: builder)
    }

    /// Whether every due call has ended, except the given number of hung calls.
    func isIdle(callsUnderWay: Int = 0) -> Bool { time.sleepers == 1 && manager.callsUnderWay == callsUnderWay }

    /// Advances the clock once the manager is idle.
    func advance(_ seconds: Double, callsUnderWay: Int = 0) async throws {
      try await eventually("the manager is idle") { self.isIdle(callsUnderWay: callsUnderWay) }
      time.advance(by: .milliseconds(Int64(seconds * 1000)))
    }
  }

  func run(_ rig: Rig, _ body: (Rig) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await rig.manager.run() }
      try await body(rig)
      group.cancelAll()
    }
    #expect(rig.manager.nodes.isEmpty, "the schedule is empty after the manager has ended")
  }

  @Test func `every Node is called once per interval`() async throws {
    try await run(Rig()) { rig in
      rig.publish((0..<20).map { nodeRecord("n\($0)") })
      try await eventually("all are scheduled") { rig.manager.nodes.count == 20 }
      for _ in 0..<2 { try await rig.advance(1) }
      try await eventually("R79: every first call has ended") { rig.isIdle() && Set(rig.linux.calls).count == 20 }
      for _ in 0..<28 { try await rig.advance(1) }
      try await eventually("all calls have ended") { rig.isIdle() }
      // The first call, and one in each interval; that of the first interval may come together with the first call.
      for number in 0..<20 { #expect((2...3).contains(rig.linux.calls(of: "n\(number)"))) }
      #expect(rig.ledger.snapshot().coverage(at: rig.time.now).allSatisfy { $0.collected == 1 })
      #expect(rig.counters.snapshot()[.linux]?.collections == UInt64(rig.linux.calls.count))
      #expect(rig.counters.snapshot()[.linux]?.durations.count == UInt64(rig.linux.calls.count))
      #expect(rig.counters.snapshot()[.windows]?.collections == 0)
    }
  }

  @Test func `R71: a Node that lost its address to a ready one is not called, and its containers age`() async throws {
    try await run(Rig()) { rig in
      rig.publish([nodeRecord("old", ready: false), nodeRecord("new")])
      try await eventually("both are scheduled") { rig.manager.nodes.count == 2 }
      for _ in 0..<21 { try await rig.advance(15) }
      try await eventually("all calls have ended") { rig.isIdle() }
      #expect(rig.linux.calls(of: "old") == 0)
      // The first call, and one in each interval, but either may come together with the next one.
      #expect((20...22).contains(rig.linux.calls(of: "new")))
      rig.ledger.evaluate(at: rig.time.now)
      let gaps = rig.ledger.snapshot().gapsByNode().joined()
      #expect(gaps.map(\.node) == ["old"])
      #expect(gaps.map(\.reason) == [.wrongNode])
      #expect(gaps.allSatisfy { $0.detail.contains("the ready node new has the address 10.0.0.1") })
      rig.publish([nodeRecord("old", ready: false), nodeRecord("new", address: "10.0.0.2")])
      for _ in 0..<2 { try await rig.advance(15) }
      try await eventually("it is called again") { rig.linux.calls(of: "old") > 0 }
    }
  }

  @Test func `R74: a Node without an agent by design is not called, and its containers are no gaps`() async throws {
    try await run(Rig()) { rig in
      rig.publish([nodeRecord("fargate", labels: ["eks.amazonaws.com/compute-type": "fargate"]), nodeRecord("b", address: "10.0.0.2")])
      try await eventually("both are scheduled") { rig.manager.nodes.count == 2 }
      for _ in 0..<25 { try await rig.advance(15) }
      try await eventually("all calls have ended") { rig.isIdle() }
      #expect(rig.linux.calls(of: "fargate") == 0)
      // The first call, and one in each interval, but either may come together with the next one.
      #expect((24...26).contains(rig.linux.calls(of: "b")))
      rig.ledger.evaluate(at: rig.time.now)
      #expect(rig.ledger.snapshot().gaps().isEmpty)
      let coverage = rig.ledger.snapshot().coverage(at: rig.time.now).first { $0.node == "fargate" }
      #expect(coverage?.exempt == [.noAgentExpected: 1] && coverage?.expected == 0)
    }
  }

  @Test func `Nodes can be added and removed`() async throws {
    try await run(Rig()) { rig in
      rig.publish([nodeRecord("a"), nodeRecord("b")])
      try await eventually("both are scheduled") { rig.manager.nodes == ["a", "b"] }
      try await rig.advance(15)
      try await eventually("both were called") { rig.linux.calls.count == 2 && rig.isIdle() }
      rig.publish([nodeRecord("b"), nodeRecord("c")])
      try await eventually("one was added and one removed") { rig.manager.nodes == ["b", "c"] }
      try await eventually("the removed one has left the ledger") { rig.ledger.snapshot().nodes.keys.sorted() == ["b", "c"] }
      try await rig.advance(15)
      try await eventually("the remaining two were called") { rig.linux.calls.count == 4 && rig.isIdle() }
      #expect(rig.linux.calls(of: "a") == 1)
      #expect(rig.linux.calls(of: "b") == 2)
      #expect(rig.linux.calls(of: "c") == 1)
    }
  }

  @Test func `a Node that is removed and promptly re-added keeps its single node task`() async throws {
    try await run(Rig()) { rig in
      rig.publish([nodeRecord("a")])
      try await eventually("it is scheduled") { rig.manager.nodes == ["a"] }
      rig.publish([])
      try await eventually("it has left the ledger") { rig.ledger.snapshot().nodes.isEmpty }
      rig.publish([nodeRecord("a")])
      try await eventually("it is back in the ledger") { rig.ledger.snapshot().nodes.count == 1 }
      try await rig.advance(15)
      try await eventually("it was called") { rig.linux.calls.count == 1 && rig.isIdle() }
      #expect(rig.linux.mostAtOnceOfANode == 1)
    }
  }

  @Test func `a Node whose source changes is called by the new source's collector`() async throws {
    try await run(Rig()) { rig in
      rig.publish([nodeRecord("a")])
      try await eventually("it is scheduled") { rig.manager.nodes == ["a"] }
      try await rig.advance(15)
      try await eventually("called as a Linux node") { rig.linux.calls.count == 1 }
      rig.publish([nodeRecord("a", os: "windows")])
      try await eventually("the ledger has the new source") { rig.ledger.snapshot().nodes["a"]?.roll.source == .windows }
      try await rig.advance(15)
      try await eventually("called as a Windows node") { rig.windows.calls.count == 1 }
      #expect(rig.linux.calls.count == 1)
    }
  }

  @Test func `a hung Node delays no other and becomes a gap`() async throws {
    try await run(Rig()) { rig in
      rig.linux.hold("a")
      rig.publish([nodeRecord("a"), nodeRecord("b", address: "10.0.0.2")])
      try await eventually("both are scheduled") { rig.manager.nodes == ["a", "b"] }
      try await rig.advance(15)
      try await eventually("the other one is called") { rig.linux.calls(of: "b") == 1 && rig.isIdle(callsUnderWay: 1) }
      for _ in 0..<25 {
        try await rig.advance(15, callsUnderWay: 1)
        rig.ledger.evaluate(at: rig.time.now)
      }
      #expect(rig.linux.calls(of: "a") == 1, "a node has at most one call in progress")
      #expect(rig.ledger.snapshot().gaps().map(\.node) == ["a"])
      rig.linux.hold("a", false)
      try await eventually("its answer closes the gap") { rig.ledger.snapshot().gaps().isEmpty }
    }
  }

  @Test func `concurrent calls are bounded`() async throws {
    try await run(Rig(maximumCalls: 3)) { rig in
      for number in 0..<12 { rig.linux.hold("n\(number)") }
      rig.publish((0..<12).map { nodeRecord("n\($0)", address: "10.0.0.\($0)") })
      try await eventually("all are scheduled") { rig.manager.nodes.count == 12 }
      try await rig.advance(15)
      try await eventually("three are called") { rig.linux.underWay == 3 }
      for number in 0..<12 { rig.linux.hold("n\(number)", false) }
      try await eventually("all were called in turn") { rig.linux.calls.count == 12 && rig.isIdle() }
      #expect(rig.linux.mostAtOnce == 3)
    }
  }

  @Test func `the manager stops even with calls hanging and queued`() async throws {
    try await run(Rig(maximumCalls: 1)) { rig in
      for number in 0..<4 { rig.linux.hold("n\(number)") }
      rig.publish((0..<4).map { nodeRecord("n\($0)", address: "10.0.0.\($0)") })
      try await eventually("all are scheduled") { rig.manager.nodes.count == 4 }
      try await rig.advance(15)
      try await eventually("one is called and three wait") { rig.linux.underWay == 1 && rig.isIdle(callsUnderWay: 1) }
    }
  }

  @Test func `R54: setting the wall clock back opens no gap`() async throws {
    try await run(Rig()) { rig in
      rig.publish([nodeRecord("a")])
      try await eventually("it is scheduled") { rig.manager.nodes == ["a"] }
      for round in 0..<30 {
        if round == 10 { rig.time.setWallClock(back: .seconds(3600)) }
        if round == 20 { rig.time.setWallClock(back: .seconds(-7200)) }
        try await rig.advance(15)
        rig.ledger.evaluate(at: rig.time.now)
      }
      #expect(rig.ledger.takeTransitions().isEmpty)
    }
  }
}
