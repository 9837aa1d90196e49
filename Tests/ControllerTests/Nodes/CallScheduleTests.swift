import Primitives
import Roll
import TestSupport
import Testing

@testable import Controller

@Suite struct CallScheduleTests {
  private let names = (0..<1500).map { "ip-10-0-0-\($0).eu-central-1.compute.internal" }

  /// A schedule after the first calls.
  private func schedule(_ nodes: some Sequence<String>, from start: Double = 0) -> CallSchedule {
    let inserted = moment(start) - CallSchedule.firstCallsWithin
    var schedule = CallSchedule(interval: .seconds(15), from: inserted)
    for node in nodes { schedule.insert(node, at: inserted) }
    _ = schedule.due(at: moment(start))
    return schedule
  }

  @Test func `R79: the first calls to Nodes are spread over less than two seconds`() {
    var schedule = CallSchedule(interval: .seconds(15), from: moment(7))
    for name in names { schedule.insert(name, at: moment(7)) }
    let tenths = (1...15).map { schedule.due(at: moment(7 + Double($0) / 10)) }
    #expect(Set(tenths.joined()) == Set(names))
    // A tenth of the nodes also have their regular turn in this time.
    #expect(tenths.allSatisfy { (60...170).contains($0.count) }, "\(tenths.map(\.count))")
  }

  @Test func `a burst of calls ends once, when an eighth of them is left`() {
    var queue = CallQueue(pace: .init(interval: .seconds(15), maximumCalls: 512), from: moment(0))
    for name in names { queue.schedule.insert(name, at: moment(0)) }
    var calls = queue.start(at: moment(2))
    #expect(calls.count == 512)
    var ends: [Int] = []
    while let node = calls.popLast() {
      if let next = queue.finished(node) { calls.append(next) }
      if queue.hasEndedBurst() { ends.append(calls.count) }
    }
    #expect(ends == [64])
    // A few calls at a time are no burst.
    for name in names.prefix(100) { queue.schedule.remove(name) }
    for node in queue.start(at: moment(2.5)) { _ = queue.finished(node) }
    let hasEndedBurst = queue.hasEndedBurst()
    #expect(!hasEndedBurst)
  }

  @Test func `a Node removed before its first call is not called`() {
    var schedule = CallSchedule(interval: .seconds(15), from: moment(0))
    schedule.insert("a", at: moment(0))
    schedule.remove("a")
    #expect(schedule.due(at: moment(15)).isEmpty)
  }

  @Test func `calls to Nodes are spread over the interval`() {
    var schedule = schedule(names)
    let perSecond = (1...15).map { schedule.due(at: moment(Double($0))).count }
    #expect(perSecond.reduce(0, +) == 1500)
    #expect(perSecond.allSatisfy { (60...140).contains($0) }, "\(perSecond)")
  }

  @Test(arguments: [-100.0, -15, -0.001, 0, 0.001, 7, 15, 1000]) func `the next call is at most one interval away`(now: Double) throws {
    let schedule = schedule(["n"], from: now)
    let next = try #require(schedule.next(after: moment(now)))
    #expect(next > moment(now) && next - moment(now) <= .seconds(15))
    #expect(try #require(schedule.next(after: next)) - next == .seconds(15))
  }

  /// Each node is due once per interval, whenever the schedule is checked.
  @Test(arguments: [1, 2, 3] as [UInt64]) func `every Node is due once per interval`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var schedule = schedule(names.prefix(50), from: -40)
    var counts: [String: Int] = [:]
    var now = -40.0
    while now < 110 {
      now = min(now + Double.random(in: 0.001...14.9, using: &random), 110)
      for node in schedule.due(at: moment(now)) { counts[node, default: 0] += 1 }
    }
    #expect(counts.count == 50 && counts.values.allSatisfy { $0 == 10 }, "150 s are ten intervals")
  }

  @Test func `calls missed during a long pause are not made up`() {
    var schedule = schedule(names.prefix(10))
    #expect(schedule.due(at: moment(100)).count == 10)
    #expect(schedule.due(at: moment(100)).isEmpty)
  }

  @Test func `adding a Node twice or removing an unknown one has no effect`() {
    var schedule = schedule(["a", "b", "a"])
    #expect(Set(schedule.nodes) == ["a", "b"] && schedule.nodes.count == 2)
    schedule.remove("a")
    schedule.remove("never there")
    #expect(schedule.nodes == ["b"])
    schedule.remove("b")
    #expect(schedule.next(after: moment(0)) == nil)
    #expect(schedule.due(at: moment(15)).isEmpty)
  }
}
