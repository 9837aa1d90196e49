import JSON
import Primitives
import Testing

@testable import KubeClient

@Suite final class EventCorrelatorTests {
  private static let noon = Timestamp(unixMicroseconds: 1_772_366_400_000_000)
  private var correlator = EventCorrelator(policy: EventPolicy())

  private func event(_ pod: String = "web-0", reason: String = "NotCollected", note: String = "") -> ClusterEvent {
    ClusterEvent(about: .pod(pod, namespace: "shop", uid: pod), type: .warning, reason: reason, action: "CallingRoll", note: note)
  }

  private func record(_ event: ClusterEvent, _ seconds: Int64) {
    correlator.record(event, at: .seconds(seconds), time: Timestamp(unixMicroseconds: 1_772_366_400_000_000 + seconds * 1_000_000))
  }

  private func next(_ seconds: Int64) -> EventWrite? { correlator.next(at: .seconds(seconds)) }

  private func failed(_ write: EventWrite, isCounted: Bool) -> Bool { correlator.failed(write, isCounted: isCounted) }

  /// All writes that are allowed at this second.
  private func writes(_ seconds: Int64) -> [EventWrite] {
    var writes: [EventWrite] = []
    while let write = correlator.next(at: .seconds(seconds)) { writes.append(write) }
    return writes
  }

  @Test func `less important events leave capacity for more important ones`() {
    for number in 0..<4 { correlator.record(event("web-\(number)"), ifFewerQueuedThan: 3, at: .zero, time: Self.noon) }
    #expect(correlator.statistics.overflowed == 1)
    correlator.record(event("db-0"), at: .zero, time: Self.noon)
    #expect(writes(0).map(\.event.object.name) == ["web-0", "web-1", "web-2", "db-0"])
  }

  @Test func `similar events are one series`() throws {
    record(event(note: "first"), 0)
    let created = try #require(writes(0).first)
    #expect(created.series == nil && created.event.note == "first" && created.time == Self.noon)
    record(event(note: "second"), 60)
    let second = try #require(writes(60).first)
    #expect(second.key == created.key && second.series?.count == 2)
    for minute: Int64 in 2...4 { record(event(), minute * 60) }
    #expect(writes(240).isEmpty)
    // The end of the series writes its count.
    let last = try #require(writes(240 + 361).first)
    #expect(last.key == created.key && last.series?.count == 5)
    #expect(last.series?.lastTime == Timestamp(unixMicroseconds: 1_772_366_400_000_000 + 240_000_000))
    record(event(), 700)
    let anew = try #require(writes(700).first)
    #expect(anew.key != created.key && anew.series == nil)
    #expect(correlator.statistics.folded == 4)
  }

  @Test func `queued events are lost with the run, and later ones are no part of their series`() throws {
    record(event(), 0)
    record(event("web-1"), 0)
    let created = try #require(next(0))
    correlator.forget()
    #expect(writes(1).isEmpty)
    record(event(), 2)
    #expect(writes(2).map(\.key) != [created.key])
    #expect(writes(700).isEmpty)
  }

  @Test func `another reason is another event`() {
    record(event(), 0)
    record(event(reason: "CollectedAgain"), 1)
    record(event("web-1"), 1)
    #expect(Set(writes(1).map(\.key)).count == 3)
  }

  @Test func `a continuing series is refreshed`() {
    var counts: [Int] = []
    for minute: Int64 in 0...65 {
      record(event(), minute * 60)
      counts += writes(minute * 60).compactMap { $0.series?.count }
    }
    #expect(counts.first == 2 && counts.count == 3)
    #expect(counts == counts.sorted())
  }

  @Test func `a queued write includes its series`() {
    record(event(), 0)
    record(event(), 1)
    let all = writes(1)
    #expect(all.count == 1 && all.first?.series?.count == 2)
  }

  @Test func `each object has a limit`() {
    for number in 0..<40 { record(event(reason: "Reason\(number)"), 0) }
    #expect(writes(0).count == 25)
    #expect(correlator.statistics.limited == 15)
    record(event("web-1"), 0)
    #expect(writes(0).count == 1)
    record(event(reason: "Later"), 299)
    #expect(writes(299).isEmpty)
    record(event(reason: "Later"), 301)
    #expect(writes(301).count == 1)
  }

  @Test func `thousands of events are written slowly, up to the length of the queue`() {
    for number in 0..<5_000 { record(event("web-\(number)"), 0) }
    #expect(correlator.statistics.overflowed == 4_000)
    #expect(writes(0).count == 50)
    for second: Int64 in 1...10 { #expect(writes(second).count == 10) }
    var rest = 0
    for second: Int64 in 11...200 { rest += writes(second).count }
    #expect(rest == 1_000 - 50 - 100)
  }

  @Test func `a failed write is retried first, and not forever`() throws {
    record(event(), 0)
    record(event("web-1"), 0)
    for attempt in 1...11 {
      let write = try #require(next(1))
      #expect(write.event == event() && write.attempts == attempt - 1)
      #expect(failed(write, isCounted: true))
    }
    let last = try #require(next(1))
    #expect(!failed(last, isCounted: true))
    #expect(correlator.statistics.refused == 1 && correlator.statistics.retries == 11)
    #expect(next(1)?.event == event("web-1"))
  }

  @Test func `attempts do not count while the server is unreachable`() throws {
    record(event(), 0)
    for _ in 0..<40 {
      let write = try #require(next(60))
      #expect(failed(write, isCounted: false))
    }
  }

  @Test func `memory is bounded`() {
    var policy = EventPolicy()
    policy.maximumRemembered = 10
    correlator = EventCorrelator(policy: policy)
    for number in 0..<30 { record(event("web-\(number)"), Int64(number)) }
    #expect(writes(30).count == 30)
    // The oldest series were removed, so a similar event starts a new one.
    record(event("web-0"), 31)
    record(event("web-29"), 31)
    #expect(writes(31).map { $0.series?.count } == [nil, 2])
  }

  @Test(arguments: [("x", 1_024), ("ü", 1_023)]) func `a note is truncated`(character: String, bytes: Int) throws {
    record(event(note: String(repeating: character, count: 2_000)), 0)
    let object = try #require(writes(0).first).object(controller: "rollcall.dev/controller", instance: String(repeating: "i", count: 200))
    #expect(object["note"]?.string?.utf8.count == bytes)
    #expect(object["reportingInstance"]?.string?.utf8.count == 128)
  }

  @Test func `names of Events are valid for objects with long names`() throws {
    record(event(String(repeating: "a", count: 235) + ".b.example"), 0)
    let name = try #require(writes(0).first).key.name
    #expect(name.utf8.count <= 253 && !name.contains(".."))
  }
}
