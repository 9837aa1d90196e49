import Controller
import Roll
import Testing

/// The life of a gap, rule by rule. One suite, because each rule holds against the others.
@Suite struct LedgerTests {
  let oneApp = nodeRoll([rollEntry("app")])

  func ledger(_ roll: NodeRoll, at start: Moment = moment(0)) -> Ledger {
    var ledger = Ledger(threshold: .seconds(300))
    #expect(ledger.update(roll, at: start).isEmpty)
    return ledger
  }

  @Test func `a container that is never collected becomes a gap one threshold after it is due`() throws {
    var ledger = ledger(oneApp, at: moment(100))
    #expect(ledger.evaluate(at: moment(400)).isEmpty)
    let opened = try #require(ledger.evaluate(at: moment(400.001)).first)
    #expect(opened.change == .opened)
    #expect(opened.gap.kind == .uncollected)
    #expect(opened.gap.reason == .unknown, "a node task that never reported gives no reason")
    #expect(opened.gap.since == moment(100))
    #expect(ledger.evaluate(at: moment(500)).isEmpty, "it opens once")
    #expect(ledger.gaps() == [opened.gap])
  }

  @Test func `a collection resets the clock, and the age of its data counts`() {
    var ledger = ledger(oneApp)
    #expect(ledger.record(allCollected(age: .seconds(40)), of: oneApp, at: moment(240)).isEmpty)
    #expect(ledger.evaluate(at: moment(500)).isEmpty)
    #expect(ledger.evaluate(at: moment(501)).map(\.gap.since) == [moment(200)])
  }

  @Test func `a closing gap reports its full duration`() {
    var ledger = ledger(oneApp)
    _ = ledger.evaluate(at: moment(301))
    let closed = ledger.record(allCollected(), of: oneApp, at: moment(330))
    #expect(closed.map(\.change) == [.closed(.recovered, after: .seconds(330))])
    #expect(ledger.gaps().isEmpty)
    #expect(ledger.evaluate(at: moment(630)).isEmpty)
    #expect(ledger.evaluate(at: moment(631)).map(\.change) == [.opened])
  }

  @Test func `a gap has the most recent reason`() {
    var ledger = ledger(oneApp)
    _ = ledger.record(allMissed(.agentTimeout, "first"), of: oneApp, at: moment(200))
    _ = ledger.record(allMissed(.agentUnreachable, "connection refused"), of: oneApp, at: moment(290))
    #expect(ledger.evaluate(at: moment(301)).map(\.gap.reason) == [.agentUnreachable])
    #expect(ledger.gaps().map(\.detail) == ["connection refused"])
    _ = ledger.record(allMissed(.permissionDenied, "no"), of: oneApp, at: moment(310))
    #expect(ledger.gaps().map(\.reason) == [.permissionDenied])
  }

  @Test func `a container that turns out to be exempt is no gap until it is collected again`() {
    var ledger = ledger(oneApp)
    _ = ledger.evaluate(at: moment(301))
    let exempt = RollCall(answers: [.exempt(.hostProcess)], lastScrape: .notObservable)
    #expect(ledger.record(exempt, of: oneApp, at: moment(310)).map(\.change) == [.closed(.exempt(.hostProcess), after: .seconds(310))])
    #expect(ledger.coverage(at: moment(310)).map(\.expected) == [0])
    #expect(ledger.coverage(at: moment(310)).map(\.exempt) == [[.hostProcess: 1]])
    #expect(ledger.nodes.values.flatMap { $0.collections().map(\.container) }.isEmpty)
    // A later miss does not end the exemption.
    #expect(ledger.record(allMissed(.exporterUnreachable), of: oneApp, at: moment(320)).isEmpty)
    #expect(ledger.evaluate(at: moment(1000)).isEmpty)

    #expect(ledger.record(allCollected(), of: oneApp, at: moment(1100)).isEmpty)
    #expect(ledger.coverage(at: moment(1100)).map(\.collected) == [1])
    #expect(ledger.evaluate(at: moment(1401)).map(\.gap.since) == [moment(1100)])
  }

  @Test func `a hung node task on a Node that is not ready is attributed to the Node`() {
    var ledger = ledger(nodeRoll(ready: false, [rollEntry("app")]))
    #expect(ledger.evaluate(at: moment(301)).map(\.gap.reason) == [.nodeNotReady])
  }

  @Test func `an answer with stale data does not close a gap`() {
    var ledger = ledger(oneApp)
    _ = ledger.evaluate(at: moment(301))
    #expect(ledger.record(allCollected(age: .seconds(400)), of: oneApp, at: moment(310)).isEmpty)
    #expect(ledger.gaps().map(\.reason) == [.staleData])
  }

  @Test func `containers without an answer in a short report have an unknown reason`() {
    let two = nodeRoll([rollEntry("app"), rollEntry("sidecar")])
    var ledger = ledger(two)
    _ = ledger.record(allCollected(1), of: two, at: moment(200))
    let opened = ledger.evaluate(at: moment(301))
    #expect(opened.map(\.gap.container.container) == ["sidecar"])
    #expect(opened.map(\.gap.reason) == [.unknown])
  }

  // MARK: Scrapes

  @Test func `a container that is collected but never scraped is unscraped`() {
    var ledger = ledger(oneApp)
    for second in stride(from: 0.0, through: 300, by: 15) {
      #expect(ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(second)).isEmpty)
    }
    let opened = ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(315))
    #expect(opened.map(\.gap.kind) == [.unscraped])
    #expect(opened.map(\.gap.reason) == [.notScraped])
    let closed = ledger.record(allCollected(scrape: .ago(.seconds(3))), of: oneApp, at: moment(330))
    #expect(closed.map(\.change) == [.closed(.recovered, after: .seconds(330))])
  }

  @Test func `R81: an unscraped gap ends when nothing is to scrape its data any more`() {
    var ledger = ledger(oneApp)
    for second in stride(from: 0.0, through: 315, by: 15) {
      _ = ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(second))
    }
    #expect(ledger.gaps().map(\.kind) == [.unscraped])
    let closed = ledger.record(allCollected(scrape: .notExpected), of: oneApp, at: moment(330))
    #expect(closed.map(\.change) == [.closed(.superseded, after: .seconds(330))])
    #expect(ledger.record(allCollected(scrape: .notExpected), of: oneApp, at: moment(900)).isEmpty)
  }

  @Test func `a source that cannot observe scrapes has no unscraped gaps`() {
    var ledger = ledger(oneApp)
    for second in stride(from: 0.0, through: 3600, by: 15) {
      #expect(ledger.record(allCollected(scrape: .notObservable), of: oneApp, at: moment(second)).isEmpty)
    }
  }

  @Test func `after an outage Prometheus has one threshold to resume scraping`() {
    var ledger = ledger(oneApp)
    _ = ledger.record(allCollected(scrape: .ago(.zero)), of: oneApp, at: moment(10))
    #expect(ledger.evaluate(at: moment(3600)).map(\.gap.kind) == [.uncollected])
    // The agent has restarted and has not been scraped yet.
    #expect(
      ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(3700)).map(\.change) == [
        .closed(.recovered, after: .seconds(3690))
      ])
    #expect(ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(3995)).isEmpty)
    #expect(ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(4001)).map(\.gap.since) == [moment(3700)])
  }

  @Test func `an unscraped gap that becomes uncollected is not a recovery`() {
    var ledger = ledger(oneApp)
    _ = ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(100))
    #expect(ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(399)).isEmpty)
    #expect(ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(401)).map(\.gap.kind) == [.unscraped])
    let transitions = ledger.evaluate(at: moment(702))
    #expect(transitions.map(\.gap.kind) == [.unscraped, .uncollected])
    #expect(transitions.map(\.change) == [.closed(.superseded, after: .seconds(602)), .opened])
  }

  @Test func `R72: an unscraped gap goes on with its own age when the container is collected again`() {
    var ledger = ledger(oneApp)
    for second in [100.0, 401] { _ = ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(second)) }
    _ = ledger.evaluate(at: moment(702))
    let transitions = ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(800))
    #expect(transitions.map(\.gap.kind) == [.uncollected, .unscraped])
    #expect(transitions.map(\.change) == [.closed(.recovered, after: .seconds(399)), .opened])
    #expect(ledger.gaps().map(\.since) == [moment(100)])
    #expect(ledger.openGapCount == 1)
    #expect(
      ledger.record(allCollected(scrape: .ago(.zero)), of: oneApp, at: moment(810)).map(\.change) == [
        .closed(.recovered, after: .seconds(710))
      ])
  }

  @Test func `containers of a stopped agent are uncollected, not unscraped`() {
    var ledger = ledger(oneApp)
    // The last scrape is shortly before the last collection, so it exceeds the threshold first.
    _ = ledger.record(allCollected(scrape: .ago(.seconds(14))), of: oneApp, at: moment(100))
    _ = ledger.record(allMissed(.agentUnreachable), of: oneApp, at: moment(115))
    #expect(ledger.evaluate(at: moment(399)).isEmpty)
    #expect(ledger.evaluate(at: moment(401)).map(\.gap.kind) == [.uncollected])
    // The gap closes with its reason.
    #expect(ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(410)).map(\.gap.reason) == [.agentUnreachable])
    #expect(ledger.evaluate(at: moment(420)).isEmpty)
  }

  @Test func `a failed call does not change the scrape state`() {
    var ledger = ledger(oneApp)
    _ = ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(0))
    _ = ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(299))
    _ = ledger.record(allCollected(scrape: .never), of: oneApp, at: moment(301))
    #expect(ledger.record(allMissed(.agentTimeout), of: oneApp, at: moment(310)).isEmpty)
    #expect(ledger.gaps().map(\.kind) == [.unscraped])
  }

  // MARK: Rolls that change

  enum Leaving: CaseIterable {
    case exempt, gone, newPod, restarted, nodeGone, otherSource
  }

  @Test(arguments: Leaving.allCases) func `leaving the roll closes a gap without recovery`(how: Leaving) {
    var ledger = ledger(oneApp)
    _ = ledger.evaluate(at: moment(301))
    let after = Duration.seconds(310)
    let transitions: [GapTransition]
    let expected: GapTransition.Change?
    switch how {
    case .exempt:
      let exempt = ExemptEntry(reference: containerReference("app"), exemption: .notRunning)
      transitions = ledger.update(nodeRoll([], exempt: [exempt]), at: moment(310))
      expected = .closed(.exempt(.notRunning), after: after)
    case .gone:
      transitions = ledger.update(nodeRoll([]), at: moment(310))
      expected = .closed(.leftRoll, after: after)
    case .newPod:
      transitions = ledger.update(nodeRoll([rollEntry("app", uid: "uid-2", id: "bbbb")]), at: moment(310))
      expected = .closed(.replaced, after: after)
    case .restarted:
      // The same container of the same pod.
      transitions = ledger.update(nodeRoll([rollEntry("app", id: "bbbb")]), at: moment(310))
      expected = nil
    case .nodeGone:
      transitions = ledger.remove(node: "node-a", at: moment(310))
      expected = .closed(.leftRoll, after: after)
    case .otherSource:
      transitions = ledger.update(nodeRoll(source: .windows, [rollEntry("app")]), at: moment(310))
      expected = nil
    }
    #expect(transitions.map(\.change) == (expected.map { [$0] } ?? []))
    #expect(ledger.gaps().count == (how == .otherSource || how == .restarted ? 1 : 0))
  }

  @Test func `a new container is due from the moment it joins the roll`() {
    var ledger = ledger(oneApp)
    let two = nodeRoll([rollEntry("app"), rollEntry("extra")])
    _ = ledger.update(two, at: moment(250))
    #expect(ledger.evaluate(at: moment(301)).map(\.gap.container.container) == ["app"])
    #expect(ledger.evaluate(at: moment(549)).isEmpty)
    #expect(ledger.evaluate(at: moment(551)).map(\.gap.container.container) == ["extra"])
  }

  @Test func `answers to an older roll count for containers that are still on the roll`() throws {
    let old = nodeRoll([rollEntry("app"), rollEntry("gone"), rollEntry("sidecar")])
    var ledger = ledger(old)
    let new = nodeRoll([rollEntry("app", id: "bbbb"), rollEntry("sidecar")])
    _ = ledger.update(new, at: moment(100))
    _ = ledger.record(allCollected(3), of: old, at: moment(101))
    let collections = try #require(ledger.nodes["node-a"].map { Array($0.collections()) })
    #expect(collections.map(\.lastCollected) == [nil, moment(101)], "the restarted container was not the one that answered")
  }

  @Test func `a Pod that moves has a row on its new Node, whichever roll arrives first`() {
    var ledger = ledger(oneApp)
    _ = ledger.update(nodeRoll(node: "node-b", [rollEntry("app", uid: "uid-2", id: "cccc")]), at: moment(10))
    _ = ledger.update(nodeRoll([]), at: moment(11))
    #expect(ledger.coverage(at: moment(12)).map(\.expected) == [0, 1])
  }

  // MARK: Restarts of a container

  private func app(id: String = "aaaa", _ notDue: Exemption? = nil) -> NodeRoll {
    var entry = rollEntry("app", id: id)
    entry.notDue = notDue
    return nodeRoll([entry])
  }

  @Test func `R72: restarts do not end the age of a container that is not collected`() {
    var ledger = ledger(app(), at: moment(0))
    // It restarts every two minutes, and no call finds it.
    for (number, second) in stride(from: 60.0, through: 200, by: 120).enumerated() {
      _ = ledger.record(allMissed(.agentUnreachable), of: app(id: number == 0 ? "aaaa" : "a\(number)"), at: moment(second - 10))
      #expect(ledger.update(app(id: "a\(number)", .restarting), at: moment(second)).isEmpty)
      #expect(ledger.evaluate(at: moment(second)).isEmpty)
      #expect(ledger.update(app(id: "a\(number + 1)"), at: moment(second + 30)).isEmpty)
    }
    #expect(ledger.evaluate(at: moment(301)).map(\.gap.since) == [moment(0)])
    // The gap outlives further restarts, and ends with a collection.
    #expect(ledger.update(app(id: "b", .restarting), at: moment(310)).isEmpty)
    #expect(ledger.update(app(id: "c"), at: moment(320)).isEmpty)
    #expect(ledger.gaps().count == 1)
    #expect(ledger.record(allCollected(), of: app(id: "c"), at: moment(330)).map(\.change) == [.closed(.recovered, after: .seconds(330))])
  }

  @Test func `R72: a container that no call finds running is a gap with its reason`() {
    var ledger = ledger(nodeRoll([]), at: moment(0))
    _ = ledger.update(app(.starting), at: moment(0))
    _ = ledger.update(app(), at: moment(60))
    _ = ledger.update(app(.restarting), at: moment(62))
    _ = ledger.record(allMissed(.pidNotFound), of: app(.restarting), at: moment(70))
    #expect(ledger.evaluate(at: moment(360)).isEmpty)
    let opened = ledger.evaluate(at: moment(361))
    #expect(opened.map(\.gap.reason) == [.restarting])
    #expect(opened.map(\.gap.since) == [moment(60)])
  }

  @Test func `R72: a call between the end of a container and the news of it does not count`() {
    var ledger = ledger(app(), at: moment(0))
    _ = ledger.record(allCollected(), of: app(), at: moment(15))
    _ = ledger.record(allMissed(.pidNotFound), of: app(), at: moment(30))
    _ = ledger.update(app(.restarting), at: moment(31))
    #expect(ledger.evaluate(at: moment(900)).isEmpty)
  }

  @Test func `R72: nothing is due while a collected container waits for its restart`() {
    var ledger = ledger(app(), at: moment(0))
    _ = ledger.record(allCollected(), of: app(), at: moment(15))
    _ = ledger.update(app(.restarting), at: moment(20))
    _ = ledger.record(allMissed(.pidNotFound), of: app(.restarting), at: moment(30))
    #expect(ledger.evaluate(at: moment(900)).isEmpty)
    #expect(ledger.coverage(at: moment(900)).map(\.exempt) == [[.restarting: 1]])
    _ = ledger.update(app(id: "b"), at: moment(910))
    #expect(ledger.evaluate(at: moment(1210)).isEmpty)
    #expect(ledger.evaluate(at: moment(1211)).map(\.gap.since) == [moment(910)])
  }

  @Test func `R72: a container that was collected and now restarts before any call is a gap`() {
    var ledger = ledger(app(), at: moment(0))
    _ = ledger.record(allCollected(), of: app(), at: moment(15))
    _ = ledger.update(app(.restarting), at: moment(20))
    for run in 1...5 {
      let start = 100.0 * Double(run)
      _ = ledger.update(app(id: "run\(run)"), at: moment(start))
      _ = ledger.update(app(id: "run\(run)", .restarting), at: moment(start + 2))
    }
    #expect(ledger.evaluate(at: moment(503)).map(\.gap.since) == [moment(100)], "the first run without a collection")
    #expect(ledger.gaps().map(\.reason) == [.restarting])
  }

  @Test func `an exemption found by a call ends with the container instance`() {
    var ledger = ledger(app(), at: moment(0))
    _ = ledger.record(RollCall(answers: [.exempt(.sandboxedRuntime)], lastScrape: .notObservable), of: app(), at: moment(10))
    #expect(ledger.coverage(at: moment(10)).map(\.expected) == [0])
    _ = ledger.update(app(id: "b"), at: moment(100))
    _ = ledger.record(allMissed(.agentUnreachable), of: app(id: "b"), at: moment(110))
    #expect(ledger.evaluate(at: moment(401)).map(\.gap.since) == [moment(100)])
  }

  @Test func `R70: with a stale roll, a process beside the roll does not make a container exempt`() {
    var ledger = ledger(oneApp)
    ledger.setRollStale(true)
    _ = ledger.record(RollCall(answers: [.exempt(.sandboxedRuntime)], lastScrape: .notObservable), of: oneApp, at: moment(290))
    #expect(ledger.evaluate(at: moment(301)).isEmpty)
    #expect(ledger.withheldGaps == [.linux: 1])
  }

  @Test func `R70: a new roll voids the misses of an instance that was gone`() {
    var ledger = ledger(app(), at: moment(0))
    _ = ledger.record(allCollected(), of: app(), at: moment(15))
    ledger.setRollStale(true)
    _ = ledger.record(allMissed(.pidNotFound), of: app(), at: moment(400))
    ledger.setRollStale(false)
    // It had restarted in the meantime.
    _ = ledger.update(app(id: "b"), at: moment(410))
    _ = ledger.record(allMissed(.agentUnreachable), of: app(id: "b"), at: moment(420))
    #expect(ledger.evaluate(at: moment(710)).isEmpty)
    #expect(ledger.evaluate(at: moment(711)).map(\.gap.since) == [moment(410)])
  }

  @Test func `R70, R72: an instance that a new roll shows has to be collected, also if it stops again`() {
    var ledger = ledger(app(), at: moment(0))
    _ = ledger.record(allCollected(), of: app(), at: moment(15))
    ledger.setRollStale(true)
    _ = ledger.record(allMissed(.pidNotFound), of: app(), at: moment(100))
    ledger.setRollStale(false)
    _ = ledger.update(app(id: "b"), at: moment(110))
    _ = ledger.record(allMissed(.pidNotFound), of: app(id: "b"), at: moment(120))
    _ = ledger.update(app(id: "b", .restarting), at: moment(130))
    #expect(ledger.evaluate(at: moment(411)).map(\.gap.since) == [moment(110)])
  }

  @Test func `R70, R72: a run that began and ended unseen counts as collected`() {
    var ledger = ledger(app(), at: moment(0))
    _ = ledger.record(allCollected(), of: app(), at: moment(15))
    ledger.setRollStale(true)
    _ = ledger.record(allMissed(.pidNotFound), of: app(), at: moment(100))
    ledger.setRollStale(false)
    _ = ledger.update(app(id: "b", .restarting), at: moment(110))
    #expect(ledger.evaluate(at: moment(2000)).isEmpty)
    _ = ledger.update(app(id: "c"), at: moment(2010))
    #expect(ledger.evaluate(at: moment(2311)).map(\.gap.since) == [moment(2010)])
  }

  @Test func `R70: withheld gaps are reviewed once per second, on any number of nodes`() {
    let store = LedgerStore(threshold: .seconds(300))
    let rolls = (0..<200).map { nodeRoll(node: "n\($0)", [rollEntry("app")]) }
    store.begin(with: rolls, at: moment(0))
    store.setRollStale(true)
    for roll in rolls { store.record(allMissed(.pidNotFound), of: roll, at: moment(10)) }
    var now = 301.0
    var batches = 1
    while store.evaluate(at: moment(now), nodes: 64), batches < 10 {
      batches += 1
      now += 0.01
    }
    #expect(batches == 4)
    #expect(store.snapshot().withheldGaps == [.linux: 200])
  }

  @Test func `R70: a container of a terminating Pod has no gap`() {
    var ledger = ledger(app(), at: moment(0))
    _ = ledger.evaluate(at: moment(301))
    _ = ledger.update(app(.terminating), at: moment(310))
    #expect(ledger.evaluate(at: moment(311)).map(\.change) == [.closed(.exempt(.terminating), after: .seconds(311))])
    _ = ledger.record(allMissed(.pidNotFound), of: app(.terminating), at: moment(320))
    #expect(ledger.evaluate(at: moment(2000)).isEmpty)
    _ = ledger.update(app(.terminationOverdue), at: moment(2010))
    #expect(ledger.coverage(at: moment(2010)).map(\.exempt) == [[.terminationOverdue: 1]], "it is visible")
  }

  @Test func `a container in its grace period is called, and due when that ends`() {
    var ledger = ledger(app(.starting), at: moment(0))
    _ = ledger.record(allMissed(.pidNotFound), of: app(.starting), at: moment(10))
    #expect(ledger.evaluate(at: moment(500)).isEmpty)
    #expect(ledger.coverage(at: moment(500)).map(\.exempt) == [[.starting: 1]])
    _ = ledger.update(app(), at: moment(500))
    #expect(ledger.evaluate(at: moment(800)).isEmpty)
    #expect(ledger.evaluate(at: moment(801)).map(\.gap.since) == [moment(500)])
  }

  // MARK: Pauses of the process

  /// A ledger that is evaluated every second and told of a call every 15 s, up to second 100.
  private func runningLedger() -> Ledger {
    var ledger = ledger(oneApp)
    ledger.watchForPauses(from: moment(0), catchUp: .seconds(30))
    for second in 1...100 {
      if second % 15 == 0 { #expect(ledger.record(allCollected(), of: oneApp, at: moment(Double(second))).isEmpty) }
      #expect(ledger.evaluate(at: moment(Double(second))).isEmpty)
    }
    return ledger
  }

  @Test func `R79: a controller that was stopped for longer than the threshold opens no gap before it has called the nodes again`() {
    var ledger = runningLedger()
    #expect(ledger.evaluate(at: moment(600)).isEmpty)
    #expect(ledger.record(allMissed(.agentTimeout), of: oneApp, at: moment(601)).isEmpty, "the call that was interrupted")
    #expect(ledger.record(allCollected(), of: oneApp, at: moment(615)).isEmpty)
    for second in 616...700 { #expect(ledger.evaluate(at: moment(Double(second))).isEmpty) }
  }

  @Test func `R79: a container that is not collected after the controller was stopped is a gap with its whole age`() {
    var ledger = runningLedger()
    #expect(ledger.record(allMissed(.agentTimeout), of: oneApp, at: moment(600)).isEmpty, "also if a call is the first to notice")
    #expect(ledger.evaluate(at: moment(629)).isEmpty)
    #expect(ledger.evaluate(at: moment(631)).map(\.gap.since) == [moment(90)])
    #expect(ledger.gaps().map(\.reason) == [.agentTimeout])
  }

  @Test func `R79: a container that was replaced while the controller was stopped is no gap`() {
    var ledger = runningLedger()
    #expect(ledger.evaluate(at: moment(600)).isEmpty)
    #expect(ledger.record(allMissed(.pidNotFound), of: oneApp, at: moment(629)).isEmpty)
    #expect(ledger.evaluate(at: moment(631)).isEmpty, "the roll was outdated when the node was called")
    #expect(ledger.withheldGaps == [.linux: 1])
    #expect(ledger.update(nodeRoll([]), at: moment(632)).isEmpty)
    #expect(ledger.evaluate(at: moment(633)).isEmpty && ledger.withheldGaps.isEmpty)
  }

  @Test func `R79: a short pause delays no gap`() {
    var ledger = runningLedger()
    for second in stride(from: 200, through: 390, by: 100) { #expect(ledger.evaluate(at: moment(Double(second))).isEmpty) }
    #expect(ledger.evaluate(at: moment(391)).map(\.gap.since) == [moment(90)])
  }

  // MARK: Stale rolls

  @Test(arguments: [Reason.pidNotFound, .notInResponse, .wrongNode])
  func `R70: a stale roll opens no gap for a container that is not found`(
    reason: Reason
  ) {
    var ledger = ledger(oneApp)
    _ = ledger.record(allMissed(reason), of: oneApp, at: moment(10))
    ledger.setRollStale(true)
    #expect(ledger.evaluate(at: moment(301)).isEmpty, "also if it was missed before")
    #expect(ledger.withheldGaps == [.linux: 1])
    #expect(ledger.record(allMissed(reason), of: oneApp, at: moment(310)).isEmpty)
    // The old answer says nothing about the new roll.
    ledger.setRollStale(false)
    #expect(ledger.evaluate(at: moment(320)).isEmpty)
    #expect(ledger.withheldGaps == [.linux: 1])
    let opened = ledger.record(allMissed(reason), of: oneApp, at: moment(330))
    #expect(opened.map(\.gap.reason) == [reason])
    #expect(opened.map(\.gap.since) == [moment(0)], "nothing is lost")
    #expect(ledger.withheldGaps == [:])
  }

  @Test func `R70: a stale roll does not hide an agent that is unreachable, nor a gap that is open`() {
    var ledger = ledger(oneApp)
    ledger.setRollStale(true)
    _ = ledger.record(allMissed(.agentUnreachable), of: oneApp, at: moment(290))
    #expect(ledger.evaluate(at: moment(301)).map(\.gap.reason) == [.agentUnreachable])
    #expect(ledger.record(allMissed(.pidNotFound), of: oneApp, at: moment(310)).isEmpty)
    #expect(ledger.gaps().count == 1)
  }

  @Test func `R70: while the roll is stale, a virtual node's pod that does not respond may be gone`() {
    let roll = nodeRoll(source: .virtual, [rollEntry("app")])
    var ledger = ledger(roll)
    ledger.setRollStale(true)
    _ = ledger.record(allMissed(.endpointUnreachable), of: roll, at: moment(290))
    #expect(ledger.evaluate(at: moment(301)).isEmpty)
  }

  // MARK: Reading

  @Test func `coverage is counted per Node`() {
    let exempt = [
      ExemptEntry(reference: containerReference("a"), exemption: .starting),
      ExemptEntry(reference: containerReference("b"), exemption: .starting),
      ExemptEntry(reference: containerReference("c"), exemption: .ignored),
    ]
    let called = nodeRoll([rollEntry("app"), rollEntry("sidecar")], exempt: exempt)
    var ledger = ledger(called)
    _ = ledger.record(
      RollCall(answers: [.collected(age: .zero), .missed(.pidNotFound, detail: "")], lastScrape: .never), of: called, at: moment(5))
    let coverage = ledger.coverage(at: moment(10))
    #expect(coverage.map(\.expected) == [2])
    #expect(coverage.map(\.collected) == [1])
    #expect(coverage.map(\.exempt) == [[.starting: 2, .ignored: 1]])
    #expect(ledger.coverage(at: moment(306)).map(\.collected) == [0])
  }
}
