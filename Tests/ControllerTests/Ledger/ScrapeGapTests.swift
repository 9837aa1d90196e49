import Roll
import Testing

@testable import Controller

/// Gaps of containers that ask to be scraped and are not.
@Suite struct ScrapeGapTests {
  private let roll = nodeRoll([rollEntry("app"), rollEntry("sidecar")])
  private let app = containerReference("app")

  private func ledger() -> Ledger {
    var ledger = Ledger(threshold: .seconds(300))
    _ = ledger.update(roll, at: moment(0))
    collect(&ledger, until: 100, from: 0)
    return ledger
  }

  private func collect(_ ledger: inout Ledger, until end: Double, from start: Double, scrape: LastScrape = .notObservable) {
    for second in stride(from: start, through: end, by: 15) {
      _ = ledger.record(allCollected(2, scrape: scrape), of: roll, at: moment(second))
    }
  }

  private func broken(_ reason: Reason = .monitorNotAdopted, since: Double = 100) -> [ScrapeFinding] {
    [ScrapeFinding(app, .broken(reason, detail: "why", since: moment(since)))]
  }

  private var unknown: [ScrapeFinding] { [ScrapeFinding(app, .unknown)] }

  @Test func `R118: a container that asks to be scraped and is not becomes a gap after the threshold, with reason and detail`() throws {
    var ledger = ledger()
    #expect(ledger.record(broken(), onNode: roll.node, at: moment(110)).isEmpty)
    collect(&ledger, until: 400, from: 115)
    #expect(ledger.evaluate(at: moment(400)).isEmpty)
    let opened = try #require(ledger.evaluate(at: moment(400.001)).first)
    #expect(opened.change == .opened && opened.gap.kind == .unscraped && opened.gap.container == app)
    #expect(opened.gap.reason == .monitorNotAdopted && opened.gap.detail == "why" && opened.gap.since == moment(100))
    // Another link is broken now: the same gap.
    #expect(ledger.record(broken(.scrapeFailing, since: 410), onNode: roll.node, at: moment(410)).isEmpty)
    #expect(ledger.gaps().map(\.reason) == [.scrapeFailing] && ledger.gaps().map(\.since) == [moment(100)])
    let closed = ledger.record([], onNode: roll.node, at: moment(420))
    #expect(closed.map(\.change) == [.closed(.recovered, after: .seconds(320))])
    #expect(closed.map(\.gap.reason) == [.scrapeFailing])
    #expect(ledger.openGapCount == 0)
  }

  @Test func `R118: while nothing can be said, a gap neither opens nor closes`() {
    var ledger = ledger()
    #expect(ledger.record(unknown, onNode: roll.node, at: moment(100)).isEmpty)
    collect(&ledger, until: 1000, from: 115)
    #expect(ledger.evaluate(at: moment(1000)).isEmpty)

    #expect(ledger.record(broken(since: 1000), onNode: roll.node, at: moment(1000)).isEmpty)
    #expect(ledger.record(unknown, onNode: roll.node, at: moment(1200)).isEmpty)
    collect(&ledger, until: 1500, from: 1010)
    #expect(ledger.evaluate(at: moment(1500)).isEmpty, "the scraper is away")
    #expect(ledger.record(broken(since: 1500), onNode: roll.node, at: moment(1500)).map(\.gap.since) == [moment(1000)])
    #expect(ledger.record(unknown, onNode: roll.node, at: moment(1600)).isEmpty)
    #expect(ledger.gaps().count == 1)
    #expect(ledger.record([], onNode: roll.node, at: moment(1700)).map(\.change) == [.closed(.recovered, after: .seconds(700))])
  }

  @Test func `R118: a container that is not collected has that gap alone, and then that of its scrapes again`() {
    var ledger = ledger()
    _ = ledger.record(broken(), onNode: roll.node, at: moment(100))
    let opened = ledger.evaluate(at: moment(391)) + ledger.record(broken(), onNode: roll.node, at: moment(450))
    #expect(opened.map(\.gap.kind) == [.uncollected, .uncollected])
    #expect(ledger.openGapCount == 2)
    let collected = ledger.record(allCollected(2), of: roll, at: moment(500))
    #expect(collected.filter { $0.change != .opened }.count == 2)
    #expect(ledger.gaps().map(\.reason) == [.monitorNotAdopted] && ledger.openGapCount == 1)
  }

  @Test func `R118: nothing is due from a container that starts, and its age begins when it has started`() {
    var ledger = Ledger(threshold: .seconds(300))
    var entry = rollEntry("app")
    entry.notDue = .starting
    let starting = nodeRoll([entry, rollEntry("sidecar")])
    _ = ledger.update(starting, at: moment(0))
    for second in stride(from: 0.0, through: 90, by: 30) {
      _ = ledger.record(broken(since: 0), onNode: roll.node, at: moment(second))
      _ = ledger.record(allCollected(2), of: starting, at: moment(second))
    }
    _ = ledger.update(roll, at: moment(100))
    collect(&ledger, until: 390, from: 100)
    _ = ledger.record(broken(since: 0), onNode: roll.node, at: moment(110))
    #expect(ledger.evaluate(at: moment(390)).isEmpty)
    #expect(ledger.evaluate(at: moment(391)).map(\.gap.since) == [moment(90)])
  }

  @Test func `R118: an exempt container has no gap, and a replaced one begins anew`() {
    var ledger = ledger()
    _ = ledger.record(broken(), onNode: roll.node, at: moment(100))
    collect(&ledger, until: 400, from: 115)
    #expect(ledger.evaluate(at: moment(401)).count == 1)
    let exempt = nodeRoll([rollEntry("sidecar")], exempt: [ExemptEntry(reference: app, exemption: .ignored)])
    #expect(ledger.update(exempt, at: moment(402)).map(\.change) == [.closed(.exempt(.ignored), after: .seconds(302))])
    #expect(ledger.record(broken(), onNode: roll.node, at: moment(403)).isEmpty)
    #expect(ledger.gaps().isEmpty)

    _ = ledger.update(nodeRoll([rollEntry("app", uid: "other"), rollEntry("sidecar")]), at: moment(500))
    _ = ledger.record(broken(since: 500), onNode: roll.node, at: moment(510))
    #expect(ledger.evaluate(at: moment(799)).filter { $0.gap.kind == .unscraped }.isEmpty)
  }

  @Test func `R118: the roll's rows move, and what is wrong moves with them`() {
    var ledger = ledger()
    _ = ledger.record(broken(), onNode: roll.node, at: moment(100))
    let longer = nodeRoll([rollEntry("aaa"), rollEntry("app"), rollEntry("sidecar")])
    _ = ledger.update(longer, at: moment(110))
    for second in stride(from: 110.0, through: 400, by: 15) { _ = ledger.record(allCollected(3), of: longer, at: moment(second)) }
    #expect(ledger.evaluate(at: moment(401)).map(\.gap.container) == [app])
  }

  @Test func `R118: a gap outlives a restart with its reason, and closes only when the container is seen to be scraped`() throws {
    let policy = ArchivePolicy(uncollected: .seconds(15), unscraped: .seconds(150))
    var before = ledger()
    _ = before.record(broken(), onNode: roll.node, at: moment(100))
    collect(&before, until: 400, from: 115)
    _ = before.evaluate(at: moment(401))
    let young = before.archivedAges(at: ClockReading(moment: moment(401), unixMilliseconds: 1_401_000), policy: policy).oldest
    #expect(young.map(\.reason) == [.monitorNotAdopted] && young.map(\.isOpen) == [true])

    let reading = ClockReading(moment: moment(5), unixMilliseconds: 1_421_000)
    var ledger = Ledger(threshold: .seconds(300))
    _ = ledger.update(roll, at: moment(5))
    ledger.restore(young, at: reading)
    #expect(ledger.settleRestored(at: moment(6)).isEmpty)
    collect(&ledger, until: 30, from: 6, scrape: .ago(.zero))
    #expect(ledger.record(unknown, onNode: roll.node, at: moment(35)).isEmpty)
    #expect(ledger.gaps().map(\.reason) == [.monitorNotAdopted] && ledger.gaps().map(\.since) == [moment(5 - 321)])
    var other = ledger
    #expect(other.forgetScrapes(at: moment(40)).map(\.change) == [.closed(.superseded, after: .seconds(356))])
    #expect(other.openGapCount == 0)
    #expect(ledger.record(broken(since: 40), onNode: roll.node, at: moment(40)).isEmpty)
    #expect(ledger.record([], onNode: roll.node, at: moment(50)).map(\.change) == [.closed(.recovered, after: .seconds(366))])
  }

  @Test func `R118: an age that is no gap yet goes on after a restart`() {
    let policy = ArchivePolicy(uncollected: .seconds(15), unscraped: .seconds(150))
    var before = ledger()
    _ = before.record(broken(.notLoaded), onNode: roll.node, at: moment(100))
    collect(&before, until: 300, from: 115)
    let ages = before.archivedAges(at: ClockReading(moment: moment(300), unixMilliseconds: 1_300_000), policy: policy).oldest
    #expect(ages.map(\.isOpen) == [false] && ages.map(\.reason) == [.notLoaded])
    var ledger = Ledger(threshold: .seconds(300))
    _ = ledger.update(roll, at: moment(5))
    ledger.restore(ages, at: ClockReading(moment: moment(5), unixMilliseconds: 1_305_000))
    collect(&ledger, until: 95, from: 5)
    #expect(ledger.evaluate(at: moment(104)).isEmpty)
    #expect(ledger.record(broken(.notLoaded, since: 90), onNode: roll.node, at: moment(104)).map(\.gap.since) == [moment(-200)])
  }

  @Test func `R118: a gap stays open if nobody scrapes the node's data either`() {
    var ledger = ledger()
    _ = ledger.record(broken(), onNode: roll.node, at: moment(100))
    collect(&ledger, until: 415, from: 115, scrape: .never)
    _ = ledger.evaluate(at: moment(416))
    #expect(ledger.gaps().map(\.reason) == [.monitorNotAdopted, .notScraped])
    #expect(ledger.record([], onNode: roll.node, at: moment(420)).isEmpty)
    #expect(ledger.gaps().map(\.reason) == [.notScraped, .notScraped])
  }
}
