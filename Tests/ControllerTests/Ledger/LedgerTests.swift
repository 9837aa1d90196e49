import Controller
import Roll
import Testing

@Suite struct LedgerTests {
  let oneApp = roll([entry("app")])

  func ledger(_ roll: NodeRoll, at start: Moment = at(0)) -> Ledger {
    var ledger = Ledger(threshold: .seconds(300))
    #expect(ledger.update(roll, at: start).isEmpty)
    return ledger
  }

  @Test func neverCollectedBecomesAGapOneThresholdAfterItWasDue() throws {
    var ledger = ledger(oneApp, at: at(100))
    #expect(ledger.evaluate(at: at(400)).isEmpty)
    let opened = try #require(ledger.evaluate(at: at(400.001)).first)
    #expect(opened.change == .opened)
    #expect(opened.gap.kind == .uncollected)
    #expect(opened.gap.reason == .unknown, "a node task that never reported gives no reason")
    #expect(opened.gap.since == at(100))
    #expect(ledger.evaluate(at: at(500)).isEmpty, "it opens once")
    #expect(ledger.gaps() == [opened.gap])
  }

  @Test func aCollectionResetsTheClockAndItsAgeCounts() {
    var ledger = ledger(oneApp)
    #expect(ledger.record(collected(age: .seconds(40)), of: oneApp, at: at(240)).isEmpty)
    #expect(ledger.evaluate(at: at(500)).isEmpty)
    #expect(ledger.evaluate(at: at(501)).map(\.gap.since) == [at(200)])
  }

  @Test func aGapClosesWithItsWholeLength() {
    var ledger = ledger(oneApp)
    _ = ledger.evaluate(at: at(301))
    let closed = ledger.record(collected(), of: oneApp, at: at(330))
    #expect(closed.map(\.change) == [.closed(.recovered, after: .seconds(330))])
    #expect(ledger.gaps().isEmpty)
    #expect(ledger.evaluate(at: at(630)).isEmpty)
    #expect(ledger.evaluate(at: at(631)).map(\.change) == [.opened])
  }

  @Test func theNewestReasonIsTheGapsReason() {
    var ledger = ledger(oneApp)
    _ = ledger.record(missed(.agentTimeout, "first"), of: oneApp, at: at(200))
    _ = ledger.record(missed(.agentUnreachable, "connection refused"), of: oneApp, at: at(290))
    #expect(ledger.evaluate(at: at(301)).map(\.gap.reason) == [.agentUnreachable])
    #expect(ledger.gaps().map(\.detail) == ["connection refused"])
    _ = ledger.record(missed(.permissionDenied, "no"), of: oneApp, at: at(310))
    #expect(ledger.gaps().map(\.reason) == [.permissionDenied])
  }

  @Test func whatTurnsOutToBeExemptIsNoGapUntilItIsCollectedAfterAll() {
    var ledger = ledger(oneApp)
    _ = ledger.evaluate(at: at(301))
    let exempt = RollCall(answers: [.exempt(.hostProcess)], lastScrape: .notObservable)
    #expect(ledger.record(exempt, of: oneApp, at: at(310)).map(\.change) == [.closed(.exempt(.hostProcess), after: .seconds(310))])
    #expect(ledger.coverage(at: at(310)).map(\.expected) == [0])
    #expect(ledger.coverage(at: at(310)).map(\.exempt) == [[.hostProcess: 1]])
    #expect(ledger.nodes.values.flatMap { $0.collections().map(\.container) }.isEmpty)
    // It is what it is, whoever does not answer.
    #expect(ledger.record(missed(.exporterUnreachable), of: oneApp, at: at(320)).isEmpty)
    #expect(ledger.evaluate(at: at(1000)).isEmpty)

    #expect(ledger.record(collected(), of: oneApp, at: at(1100)).isEmpty)
    #expect(ledger.coverage(at: at(1100)).map(\.collected) == [1])
    #expect(ledger.evaluate(at: at(1401)).map(\.gap.since) == [at(1100)])
  }

  @Test func aHungTaskOfANodeThatIsNotReadyIsBlamedOnTheNode() {
    var ledger = ledger(roll(ready: false, [entry("app")]))
    #expect(ledger.evaluate(at: at(301)).map(\.gap.reason) == [.nodeNotReady])
  }

  @Test func anAnswerWithOldDataDoesNotCloseAGap() {
    var ledger = ledger(oneApp)
    _ = ledger.evaluate(at: at(301))
    #expect(ledger.record(collected(age: .seconds(400)), of: oneApp, at: at(310)).isEmpty)
    #expect(ledger.gaps().map(\.reason) == [.staleData])
  }

  @Test func tooFewAnswersAreUnknownForTheRest() {
    let two = roll([entry("app"), entry("sidecar")])
    var ledger = ledger(two)
    _ = ledger.record(collected(1), of: two, at: at(200))
    let opened = ledger.evaluate(at: at(301))
    #expect(opened.map(\.gap.container.container) == ["sidecar"])
    #expect(opened.map(\.gap.reason) == [.unknown])
  }

  // MARK: Scrapes

  @Test func collectedAndNeverScrapedIsUnscraped() {
    var ledger = ledger(oneApp)
    for second in stride(from: 0.0, through: 300, by: 15) {
      #expect(ledger.record(collected(scrape: .never), of: oneApp, at: at(second)).isEmpty)
    }
    let opened = ledger.record(collected(scrape: .never), of: oneApp, at: at(315))
    #expect(opened.map(\.gap.kind) == [.unscraped])
    #expect(opened.map(\.gap.reason) == [.notScraped])
    let closed = ledger.record(collected(scrape: .ago(.seconds(3))), of: oneApp, at: at(330))
    #expect(closed.map(\.change) == [.closed(.recovered, after: .seconds(330))])
  }

  @Test func aSourceThatSeesNoScrapesHasNoUnscrapedGaps() {
    var ledger = ledger(oneApp)
    for second in stride(from: 0.0, through: 3600, by: 15) {
      #expect(ledger.record(collected(scrape: .notObservable), of: oneApp, at: at(second)).isEmpty)
    }
  }

  @Test func afterAnOutagePrometheusHasAThresholdToComeBack() {
    var ledger = ledger(oneApp)
    _ = ledger.record(collected(scrape: .ago(.zero)), of: oneApp, at: at(10))
    #expect(ledger.evaluate(at: at(3600)).map(\.gap.kind) == [.uncollected])
    // The agent is back, restarted, and nobody has fetched from it yet.
    #expect(
      ledger.record(collected(scrape: .never), of: oneApp, at: at(3700)).map(\.change) == [.closed(.recovered, after: .seconds(3690))])
    #expect(ledger.record(collected(scrape: .never), of: oneApp, at: at(3995)).isEmpty)
    #expect(ledger.record(collected(scrape: .never), of: oneApp, at: at(4001)).map(\.gap.since) == [at(3700)])
  }

  @Test func unscrapedTurnsIntoUncollectedAndIsNoRecovery() {
    var ledger = ledger(oneApp)
    _ = ledger.record(collected(scrape: .never), of: oneApp, at: at(100))
    #expect(ledger.record(collected(scrape: .never), of: oneApp, at: at(399)).isEmpty)
    #expect(ledger.record(collected(scrape: .never), of: oneApp, at: at(401)).map(\.gap.kind) == [.unscraped])
    let transitions = ledger.evaluate(at: at(702))
    #expect(transitions.map(\.gap.kind) == [.unscraped, .uncollected])
    #expect(transitions.map(\.change) == [.closed(.superseded, after: .seconds(602)), .opened])
  }

  @Test func anAgentThatStopsIsUncollectedAndNotUnscraped() {
    var ledger = ledger(oneApp)
    // Scraped a little before the last collection: its scrape is past the threshold first.
    _ = ledger.record(collected(scrape: .ago(.seconds(14))), of: oneApp, at: at(100))
    _ = ledger.record(missed(.agentUnreachable), of: oneApp, at: at(115))
    #expect(ledger.evaluate(at: at(399)).isEmpty)
    #expect(ledger.evaluate(at: at(401)).map(\.gap.kind) == [.uncollected])
    // The end is told with the reason of the gap.
    #expect(ledger.record(collected(scrape: .never), of: oneApp, at: at(410)).map(\.gap.reason) == [.agentUnreachable])
    #expect(ledger.evaluate(at: at(420)).isEmpty)
  }

  @Test func aFailedCallSaysNothingAboutScrapes() {
    var ledger = ledger(oneApp)
    _ = ledger.record(collected(scrape: .never), of: oneApp, at: at(0))
    _ = ledger.record(collected(scrape: .never), of: oneApp, at: at(299))
    _ = ledger.record(collected(scrape: .never), of: oneApp, at: at(301))
    #expect(ledger.record(missed(.agentTimeout), of: oneApp, at: at(310)).isEmpty)
    #expect(ledger.gaps().map(\.kind) == [.unscraped])
  }

  // MARK: Rolls that change

  enum Leaving: CaseIterable {
    case exempt, gone, newPod, restarted, nodeGone, otherSource
  }

  @Test(arguments: Leaving.allCases) func leavingTheRollClosesTheGapWithoutRecovery(how: Leaving) {
    var ledger = ledger(oneApp)
    _ = ledger.evaluate(at: at(301))
    let after = Duration.seconds(310)
    let transitions: [GapTransition]
    let expected: GapTransition.Change?
    switch how {
    case .exempt:
      let exempt = ExemptEntry(reference: reference("app"), exemption: .notRunning)
      transitions = ledger.update(roll([], exempt: [exempt]), at: at(310))
      expected = .closed(.exempt(.notRunning), after: after)
    case .gone:
      transitions = ledger.update(roll([]), at: at(310))
      expected = .closed(.leftRoll, after: after)
    case .newPod:
      transitions = ledger.update(roll([entry("app", uid: "uid-2", id: "bbbb")]), at: at(310))
      expected = .closed(.replaced, after: after)
    case .restarted:
      transitions = ledger.update(roll([entry("app", id: "bbbb")]), at: at(310))
      expected = .closed(.replaced, after: after)
    case .nodeGone:
      transitions = ledger.remove(node: "node-a", at: at(310))
      expected = .closed(.leftRoll, after: after)
    case .otherSource:
      transitions = ledger.update(roll(source: .windows, [entry("app")]), at: at(310))
      expected = nil
    }
    #expect(transitions.map(\.change) == (expected.map { [$0] } ?? []))
    #expect(ledger.gaps().count == (how == .otherSource ? 1 : 0))
  }

  @Test func aNewContainerIsDueWhenItComesOntoTheRoll() {
    var ledger = ledger(oneApp)
    let two = roll([entry("app"), entry("extra")])
    _ = ledger.update(two, at: at(250))
    #expect(ledger.evaluate(at: at(301)).map(\.gap.container.container) == ["app"])
    #expect(ledger.evaluate(at: at(549)).isEmpty)
    #expect(ledger.evaluate(at: at(551)).map(\.gap.container.container) == ["extra"])
  }

  @Test func answersToAnOlderRollCountForWhatIsStillThere() throws {
    let old = roll([entry("app"), entry("gone"), entry("sidecar")])
    var ledger = ledger(old)
    let new = roll([entry("app", id: "bbbb"), entry("sidecar")])
    _ = ledger.update(new, at: at(100))
    _ = ledger.record(collected(3), of: old, at: at(101))
    let collections = try #require(ledger.nodes["node-a"].map { Array($0.collections()) })
    #expect(collections.map(\.lastCollected) == [nil, at(101)], "the restarted container was not the one that answered")
  }

  @Test func aPodThatMovesHasARowOnItsNewNodeInWhateverOrderTheRollsCome() {
    var ledger = ledger(oneApp)
    _ = ledger.update(roll(node: "node-b", [entry("app", uid: "uid-2", id: "cccc")]), at: at(10))
    _ = ledger.update(roll([]), at: at(11))
    #expect(ledger.coverage(at: at(12)).map(\.expected) == [0, 1])
  }

  // MARK: Reading

  @Test func coverageCountsByNode() {
    let exempt = [
      ExemptEntry(reference: reference("a"), exemption: .starting), ExemptEntry(reference: reference("b"), exemption: .starting),
      ExemptEntry(reference: reference("c"), exemption: .ignored),
    ]
    let called = roll([entry("app"), entry("sidecar")], exempt: exempt)
    var ledger = ledger(called)
    _ = ledger.record(
      RollCall(answers: [.collected(age: .zero), .missed(.pidNotFound, detail: "")], lastScrape: .never), of: called, at: at(5))
    let coverage = ledger.coverage(at: at(10))
    #expect(coverage.map(\.expected) == [2])
    #expect(coverage.map(\.collected) == [1])
    #expect(coverage.map(\.exempt) == [[.starting: 2, .ignored: 1]])
    #expect(ledger.coverage(at: at(306)).map(\.collected) == [0])
  }
}
