import Roll
import Testing

@testable import Collector

@Suite struct CallRoundTests {
  private static let start = ContinuousClock.now

  private static func requests(_ count: Int) -> [ScrapeRequest] {
    (0..<count).map { ScrapeRequest(key: key($0), url: .success("http://10.0.0.1/"), places: [$0]) }
  }

  private static func key(_ number: Int) -> VirtualScrapeCache.Key { VirtualScrapeCache.Key(namespace: "shop", pod: "web-\(number)") }

  private static func round(
    _ count: Int, suspects: [Int] = [], askingTime: Duration? = .seconds(10), start: ContinuousClock.Instant = start
  )
    -> CallRound
  {
    CallRound(requests(count), suspects: suspects.map(key), askingTime: askingTime, containers: count, start: start)
  }

  private static func all(_ round: CallRound, _ lane: CallRound.Lane) -> [CallRound.Due] {
    Array(sequence(state: round) { $0.next(lane) })
  }

  @Test func podsOfANodeAreSpreadOverTheAskingTime() {
    let dues = Self.all(Self.round(5000), .sound)
    let offsets = dues.map { Self.start.duration(to: $0.at) }
    #expect(offsets == offsets.sorted())
    // In each tenth of the time a tenth of the pods, within what chance does.
    for tenth in 0..<10 {
      let range = Duration.seconds(tenth)..<Duration.seconds(tenth + 1)
      #expect((400...600).contains(offsets.count { range.contains($0) }), "tenth \(tenth)")
    }
    // Each has the same moment the next time.
    #expect(Self.all(Self.round(5000), .sound).map(\.request.key) == dues.map(\.request.key))
    // Without such a time all are asked at once, in the order of the roll.
    let atOnce = Self.all(Self.round(5, askingTime: nil), .sound)
    #expect(atOnce.map(\.request.places) == [[0], [1], [2], [3], [4]])
    #expect(atOnce.allSatisfy { $0.at == Self.start })
  }

  @Test("R41: pods that hung the last time wait beside the others, those first who have waited longest")
  func suspectsHaveALaneOfTheirOwn() {
    let round = Self.round(6, suspects: [4, 1, 9])
    #expect(Set(Self.all(round, .sound).flatMap(\.request.places)) == [0, 2, 3, 5])
    #expect(Self.all(round, .suspect).flatMap(\.request.places) == [4, 1])
  }

  @Test("R41: a round does not wait for more suspects than there is time for; their turn comes in the next")
  func suspectsAreNotAskedForEver() {
    let round = Self.round(4, suspects: [0, 1, 2], start: .now - .seconds(9))
    let first = round.next(.suspect)
    #expect(first?.request.places == [0])
    if let first { round.note([.missed(.endpointTimeout, detail: "hung")], to: first.request, after: .seconds(9)) }
    let late = Self.round(4, suspects: [0, 1, 2], start: .now - .seconds(11))
    #expect(late.next(.suspect) == nil)
    let end = late.end()
    #expect(end.suspects == [0, 1, 2].map(Self.key))
    #expect(end.answers.allSatisfy { if case .missed(.endpointTimeout, _) = $0 { true } else { false } })
    // Who was asked, and hung again, stands behind those who were not.
    #expect(round.end().suspects == [1, 2, 0].map(Self.key))
  }

  @Test func onlySlowFailuresAreSuspected() {
    let round = Self.round(3, askingTime: nil)
    for due in Self.all(round, .sound) {
      switch due.request.places[0] {
      case 0: round.note([.missed(.endpointUnreachable, detail: "refused")], to: due.request, after: .milliseconds(2))
      case 1: round.note([.missed(.endpointTimeout, detail: "hung")], to: due.request, after: .seconds(10))
      default: round.note([.collected(age: .zero)], to: due.request, after: .seconds(9))
      }
    }
    #expect(round.end().suspects == [Self.key(1)])
  }

  @Test func answersAreAsOldAsTheyAreWhenTheRoundEnds() {
    let round = Self.round(1, askingTime: nil)
    if let due = round.next(.sound) { round.note([.collected(age: .seconds(2))], to: due.request, after: .zero) }
    guard case .collected(let age) = round.end(at: .now + .seconds(5)).answers[0] else {
      Issue.record("it was collected")
      return
    }
    #expect(age >= .seconds(7))
  }
}
