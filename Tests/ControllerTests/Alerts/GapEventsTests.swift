import KubeClient
import Roll
import Testing

@testable import Controller

@Suite final class GapEventsTests {
  private var ledger = Ledger(threshold: .seconds(5))
  private var builder = GapEvents()
  private let pods = [rollEntry("app"), rollEntry("sidecar", id: "bbbb"), rollEntry("app", pod: "web-1", uid: "uid-2", id: "cccc")]

  private func reading(_ seconds: Double) -> ClockReading {
    ClockReading(moment: moment(seconds), unixMilliseconds: 1_767_225_600_000 + Int64(seconds * 1000))
  }

  /// Records a call in the ledger and returns the Events about it.
  private func call(_ call: RollCall, _ roll: NodeRoll, _ seconds: Double) -> [ClusterEvent] {
    var transitions = ledger.update(roll, at: moment(seconds))
    transitions += ledger.record(call, of: roll, at: moment(seconds))
    transitions += ledger.evaluate(at: moment(seconds))
    return builder.events(transitions, ledger: ledger, at: reading(seconds))
  }

  @Test func `a missing Node and its Pods are reported`() throws {
    let roll = nodeRoll(pods)
    #expect(call(allMissed(.agentUnreachable, "refused", count: 3), roll, 0).isEmpty)
    let opened = call(allMissed(.agentUnreachable, "refused", count: 3), roll, 6)
    #expect(opened.map(\.object) == [.node("node-a"), web(0), web(1)])
    #expect(opened.allSatisfy { $0.type == .warning && $0.reason == "NotCollected" && $0.action == "CallingRoll" })
    #expect(
      opened[0].note.hasPrefix(
        "None of the 3 containers on this linux node has been collected since 2026-01-01T00:00:00.000Z: AgentUnreachable"))
    #expect(
      opened[1].note.hasPrefix(
        "Since 2026-01-01T00:00:00.000Z not collected: app: AgentUnreachable (refused); sidecar: AgentUnreachable (refused). Check"))
    #expect(call(allMissed(.agentUnreachable, "refused", count: 3), roll, 7).isEmpty)

    let closed = call(allCollected(3), roll, 9)
    #expect(closed.map(\.object) == [.node("node-a"), web(0), web(1)])
    #expect(closed.allSatisfy { $0.type == .normal && $0.reason == "CollectedAgain" })
    #expect(closed[1].note == "Collected again: app after 9s, sidecar after 9s.")
  }

  @Test func `R79: the next leader reports a missing Node no second time, and its recovery`() throws {
    let roll = nodeRoll(pods)
    _ = call(allMissed(.agentUnreachable, count: 3), roll, 0)
    #expect(call(allMissed(.agentUnreachable, count: 3), roll, 6).map(\.object).contains(.node("node-a")))
    let archived = ledger.archivedAges(at: reading(7), policy: ArchivePolicy(uncollected: .seconds(1), unscraped: .seconds(1))).oldest

    ledger = Ledger(threshold: .seconds(5))
    builder = GapEvents()
    _ = ledger.update(roll, at: moment(8))
    ledger.restore(archived, at: reading(8))
    builder.takeOver(ledger)
    #expect(call(allMissed(.agentUnreachable, count: 3), roll, 9).isEmpty)
    let closed = call(allCollected(3), roll, 10)
    #expect(closed.map(\.object) == [.node("node-a"), web(0), web(1)])
    #expect(closed.allSatisfy { $0.reason == "CollectedAgain" })
  }

  @Test func `a missing Node that recovered while no Event could be written is reported with the next Events`() throws {
    let roll = nodeRoll(pods)
    _ = call(allMissed(.agentUnreachable, count: 3), roll, 0)
    _ = call(allMissed(.agentUnreachable, count: 3), roll, 6)
    _ = ledger.record(allCollected(3), of: roll, at: moment(7))
    #expect(builder.events([], ledger: ledger, at: reading(8)).map(\.reason) == ["CollectedAgain"])
  }

  @Test func `a new container on a missing Node does not make it collected`() throws {
    _ = call(allMissed(.agentUnreachable, count: 3), nodeRoll(pods), 0)
    _ = call(allMissed(.agentUnreachable, count: 3), nodeRoll(pods), 6)
    let more = nodeRoll(pods + [rollEntry("app", pod: "web-2", uid: "uid-3", id: "dddd")])
    #expect(call(allMissed(.agentUnreachable, count: 4), more, 7).isEmpty)
  }

  @Test func `a Node with at least one collected container is not missing`() {
    let roll = nodeRoll(pods)
    let call = RollCall(
      answers: [.collected(age: .zero), .missed(.pidNotFound, detail: ""), .collected(age: .zero)], lastScrape: .notObservable)
    #expect(self.call(call, roll, 0).isEmpty)
    let opened = self.call(call, roll, 6)
    #expect(opened.map(\.object) == [web(0)])
    #expect(opened.first?.note.contains("sidecar: PidNotFound") == true && opened.first?.note.contains("app") == false)
  }

  @Test func `containers that are gone or replaced produce no Event`() {
    #expect(call(allMissed(.agentUnreachable, count: 3), nodeRoll(pods), 0).isEmpty)
    #expect(call(allMissed(.agentUnreachable, count: 3), nodeRoll(pods), 6).count == 3)
    #expect(call(allMissed(.agentUnreachable), nodeRoll([rollEntry("app", uid: "uid-9", id: "dddd")]), 7).isEmpty)
  }

  @Test func `unscraped data is reported with a different Event reason`() throws {
    let roll = nodeRoll([rollEntry("app")])
    #expect(call(allCollected(scrape: .never), roll, 0).isEmpty)
    let opened = call(allCollected(scrape: .never), roll, 6)
    #expect(opened.map(\.reason) == ["NotScraped"] && opened.map(\.object) == [web(0)])
    #expect(call(allCollected(scrape: .ago(.zero)), roll, 7).map(\.reason) == ["ScrapedAgain"])
  }

  private func web(_ number: Int) -> ObjectReference {
    .pod("web-\(number)", namespace: "shop", uid: "uid-\(number + 1)")
  }
}
