import Collector
import Roll
import Synchronization
import Testing

@Suite struct CollectorRunnerTests {
  @Test func `duration and results of a call are recorded`() async {
    let clock = ManualClock()
    let answers: [Answer] = [
      .collected(age: .zero), .missed(.pidNotFound, detail: "a"), .missed(.pidNotFound, detail: "b"), .missed(.unknown, detail: "c"),
    ]
    let runner = CollectorRunner(FixedCollector(answers: answers, takes: .milliseconds(1500), clock: clock), clock: clock)
    let (call, record) = await runner.call(nodeRoll(.linux, []))
    #expect(call.answers == answers)
    #expect(
      record == CollectionRecord(source: .linux, duration: .milliseconds(1500), collected: 1, missed: [.pidNotFound: 2, .unknown: 1]))
  }
}

private struct FixedCollector: NodeCollector {
  var answers: [Answer]
  var takes: Duration
  var clock: ManualClock

  func call(_ roll: NodeRoll) async -> RollCall {
    clock.advance(by: takes)
    return RollCall(answers: answers, lastScrape: .notObservable)
  }
}

/// A clock that stands still until a test advances it.
private final class ManualClock: Clock, Sendable {
  struct Instant: InstantProtocol {
    var offset: Duration
    func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    func duration(to other: Instant) -> Duration { other.offset - offset }
    static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private let time = Mutex(Instant(offset: .zero))
  var now: Instant { time.withLock { $0 } }
  var minimumResolution: Duration { .zero }

  func advance(by duration: Duration) {
    time.withLock { $0 = $0.advanced(by: duration) }
  }

  /// Unused.
  func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
}
