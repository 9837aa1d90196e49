import Roll
import Testing

@testable import Collector

@Suite struct CallRoundTests {
  private let time = ManualCollectorClock()

  private static func key(_ number: Int) -> VirtualScrapeCache.Key { VirtualScrapeCache.Key(namespace: "shop", pod: "web-\(number)") }

  private func round(_ count: Int, suspects: [Int] = [], scrapeWindow: Duration? = .seconds(10)) -> CallRound {
    let requests = (0..<count).map { ScrapeRequest(key: Self.key($0), url: .success("http://10.0.0.1/"), indices: [$0]) }
    return CallRound(requests, suspects: suspects.map(Self.key), scrapeWindow: scrapeWindow, containers: count, clock: time.clock)
  }

  private func all(_ round: CallRound, _ lane: CallRound.Lane) -> [CallRound.Due] {
    Array(sequence(state: round) { $0.next(lane) })
  }

  @Test func `the pods of a node are spread over the scrape window`() {
    let dues = all(round(5000), .healthy)
    let offsets = dues.map { time.now.duration(to: $0.at) }
    #expect(offsets == offsets.sorted())
    // A tenth of the pods in each tenth of the time, within chance.
    for tenth in 0..<10 {
      let range = Duration.seconds(tenth)..<Duration.seconds(tenth + 1)
      #expect((400...600).contains(offsets.count { range.contains($0) }), "tenth \(tenth)")
    }
    // Each pod has the same moment in the next round.
    #expect(all(round(5000), .healthy).map(\.request.key) == dues.map(\.request.key))
    // Without a scrape window all pods are due at once, in the order of the roll.
    let atOnce = all(round(5, scrapeWindow: nil), .healthy)
    #expect(atOnce.map(\.request.indices) == [[0], [1], [2], [3], [4]])
    #expect(atOnce.allSatisfy { $0.at == time.now })
  }

  @Test func `R41: pods that hung last time have a lane of their own, the longest waiting ones first`() {
    let round = round(6, suspects: [4, 1, 9])
    #expect(Set(all(round, .healthy).flatMap(\.request.indices)) == [0, 2, 3, 5])
    #expect(all(round, .suspect).flatMap(\.request.indices) == [4, 1])
  }

  @Test func `R41: suspects that are not reached in time are first in the next round`() {
    let round = round(4, suspects: [0, 1, 2])
    time.advance(by: .seconds(9))
    let first = round.next(.suspect)
    #expect(first?.request.indices == [0])
    if let first { round.record([.missed(.endpointTimeout, detail: "hung")], to: first.request, after: .seconds(9)) }
    time.advance(by: .seconds(2))
    #expect(round.next(.suspect) == nil)
    let end = round.end()
    #expect(end.answers.allSatisfy { if case .missed(.endpointTimeout, _) = $0 { true } else { false } })
    // The pod that was scraped and hung again comes after those that were not reached.
    #expect(end.suspects == [1, 2, 0].map(Self.key))
  }

  @Test func `only slow failures make a pod a suspect`() {
    let round = round(3, scrapeWindow: nil)
    for due in all(round, .healthy) {
      switch due.request.indices[0] {
      case 0: round.record([.missed(.endpointUnreachable, detail: "refused")], to: due.request, after: .milliseconds(2))
      case 1: round.record([.missed(.endpointTimeout, detail: "hung")], to: due.request, after: .seconds(10))
      default: round.record([.collected(age: .zero)], to: due.request, after: .seconds(9))
      }
    }
    #expect(round.end().suspects == [Self.key(1)])
  }

  @Test func `ages of answers count until the end of the round`() {
    let round = round(1, scrapeWindow: nil)
    if let due = round.next(.healthy) { round.record([.collected(age: .seconds(2))], to: due.request, after: .zero) }
    time.advance(by: .seconds(5))
    #expect(round.end().answers == [.collected(age: .seconds(7))])
  }
}
