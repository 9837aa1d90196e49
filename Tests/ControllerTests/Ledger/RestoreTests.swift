import JSON
import KubeClient
import Primitives
import Roll
import TestSupport
import Testing

@testable import Controller

@Suite(.ownThread) struct RestoreTests {
  let policy = ArchivePolicy(uncollected: .seconds(15), unscraped: .seconds(150))

  /// A ledger with one open gap of each kind, 1,000 s after its process started at noon.
  func before() -> (open: [ArchivedAge], reading: ClockReading) {
    var ledger = Ledger(threshold: .seconds(300))
    let down = nodeRoll(node: "node-a", [rollEntry("app")])
    let lonely = nodeRoll(node: "node-b", [rollEntry("db", pod: "db-0", uid: "uid-9", id: "dddd")])
    _ = ledger.update(down, at: moment(0))
    _ = ledger.update(lonely, at: moment(0))
    _ = ledger.record(allMissed(.agentUnreachable), of: down, at: moment(10))
    for second in stride(from: 100.0, through: 1000, by: 15) {
      _ = ledger.record(allCollected(scrape: .never), of: lonely, at: moment(second))
    }
    _ = ledger.evaluate(at: moment(1000))
    let reading = ClockReading(moment: moment(1000), unixMilliseconds: 43_200_000 + 1_000_000)
    return (ledger.archivedAges(at: reading, policy: policy).oldest, reading)
  }

  /// The next process, 20 s later. Its clock starts at 0.
  let reading = ClockReading(moment: moment(5), unixMilliseconds: 43_200_000 + 1_020_000)

  @Test func `R64: a restart neither resets nor refires open gaps`() {
    let (open, _) = before()
    #expect(open.map(\.sinceUnixMilliseconds) == [43_200_000, 43_300_000], "the oldest comes first")
    var ledger = Ledger(threshold: .seconds(300))
    ledger.restore(open, at: reading)
    #expect(ledger.gaps().count == 2, "they stand while the rolls are still unknown")

    let down = nodeRoll(node: "node-a", [rollEntry("app")])
    let lonely = nodeRoll(node: "node-b", [rollEntry("db", pod: "db-0", uid: "uid-9", id: "dddd")])
    var transitions = ledger.update(down, at: moment(6)) + ledger.update(lonely, at: moment(6)) + ledger.settleRestored(at: moment(6))
    transitions += ledger.evaluate(at: moment(7))
    transitions += ledger.record(allMissed(.agentTimeout), of: down, at: moment(8))
    transitions += ledger.record(allCollected(scrape: .never), of: lonely, at: moment(8))
    #expect(transitions.isEmpty)
    let gaps = ledger.gaps()
    #expect(gaps.map(\.reason) == [.agentTimeout, .notScraped])
    #expect(gaps.map(\.since) == [moment(5 - 1020), moment(5 - 920)], "their age goes on")

    let recovered =
      ledger.record(allCollected(), of: down, at: moment(20)) + ledger.record(allCollected(scrape: .ago(.zero)), of: lonely, at: moment(20))
    #expect(recovered.map(\.change) == [.closed(.recovered, after: .seconds(1035)), .closed(.recovered, after: .seconds(935))])
  }

  @Test func `a restart opens no false gap`() {
    var ledger = Ledger(threshold: .seconds(300))
    ledger.restore([], at: reading)
    let called = nodeRoll([rollEntry("app")])
    _ = ledger.update(called, at: moment(6))
    #expect(ledger.evaluate(at: moment(306)).isEmpty)
    #expect(ledger.evaluate(at: moment(307)).count == 1)
  }

  @Test func `a gap whose container is gone after a restart closes without recovery`() {
    let (open, _) = before()
    var ledger = Ledger(threshold: .seconds(300))
    ledger.restore(open, at: reading)
    _ = ledger.update(
      nodeRoll(node: "node-a", [], exempt: [ExemptEntry(reference: containerReference("app"), exemption: .ignored)]), at: moment(6))
    let closed = ledger.settleRestored(at: moment(6)).map(\.change)
    #expect(Set(closed) == [.closed(.exempt(.ignored), after: .seconds(1021)), .closed(.leftRoll, after: .seconds(921))])
    #expect(ledger.gaps().isEmpty)
  }

  @Test func `a new Pod with the same name starts without history`() {
    let (open, _) = before()
    var ledger = Ledger(threshold: .seconds(300))
    ledger.restore(open, at: reading)
    _ = ledger.update(nodeRoll(node: "node-a", [rollEntry("app", uid: "uid-2", id: "ffff")]), at: moment(6))
    #expect(ledger.settleRestored(at: moment(6)).count == 2)
    #expect(ledger.evaluate(at: moment(300)).isEmpty)
  }

  @Test(arguments: [-3600.0, 3600.0]) func `a wall clock that is an hour off changes only the ages restored at restart`(hours: Double) {
    let (open, _) = before()
    var ledger = Ledger(threshold: .seconds(300))
    let wrong = ClockReading(moment: reading.moment, unixMilliseconds: reading.unixMilliseconds + Int64(hours * 1000))
    ledger.restore(open, at: wrong)
    _ = ledger.update(nodeRoll(node: "node-a", [rollEntry("app")]), at: moment(6))
    let since = ledger.gaps().first { $0.kind == .uncollected }?.since
    #expect(since == (hours < 0 ? moment(5) : moment(5 - 1020 - 3600)), "a gap never begins in the future")
    #expect(ledger.evaluate(at: moment(10)).isEmpty)
  }

  // MARK: The archive

  @Test func `gaps survive a round trip through the archive`() throws {
    let (open, _) = before()
    let (object, kept) = GapArchive().configMap(of: open, namespace: "rollcall")
    #expect(kept == open.count)
    #expect(object["metadata"]?["name"] == "rollcall-gaps")
    #expect(try GapArchive().content(of: JSONValue(parsing: object.bytes)).ages == open)
  }

  @Test func `R80: groups survive a round trip through the archive, and unknown ones affect no other`() throws {
    let groups = AlertGroups(
      nodes: [NodeAlertKey(node: "w1", source: .linux, kind: .uncollected), NodeAlertKey(node: "w1", source: .windows, kind: .unscraped)],
      workloads: [WorkloadAlertKey(namespace: "shop", workload: Workload(kind: "Deployment", name: "cart"), kind: .uncollected)])
    let (open, _) = before()
    let (object, _) = GapArchive().configMap(of: open, groups: groups, namespace: "rollcall")
    let content = try GapArchive().content(of: JSONValue(parsing: object.bytes))
    #expect(content.ages == open && content.groups == groups)
    let text = #"{"version":1,"gaps":[],"groups":[{"kind":"new","node":"w1"},{"kind":"unscraped","node":"w2","source":"linux"},7]}"#
    let partly = try GapArchive().content(of: ["data": ["gaps.json": .string(text)]]).groups
    #expect(partly == AlertGroups(nodes: [NodeAlertKey(node: "w2", source: .linux, kind: .unscraped)]))
  }

  /// Realistic gaps, with a UID for each pod and an ID for each container.
  private func manyGaps(_ count: Int) -> [ArchivedAge] {
    var random = SplitMix64(seed: 7)
    func digits(_ count: Int) -> String { String(random.next() >> (64 - 4 * count) | 1 << (4 * count - 1), radix: 16) }
    var uid = ""
    return (0..<count).map { number in
      if number % 2 == 0 { uid = [8, 4, 4, 4, 12].map(digits).joined(separator: "-") }
      return ArchivedAge(
        container: ContainerReference(
          namespace: "team-\(number / 200 % 40)", pod: "checkout-\(number / 60)-\(uid.prefix(5))",
          container: number % 2 == 0 ? "app" : "sidecar"),
        podUID: uid, node: "ip-10-0-\(number / 60 / 250)-\(number / 60 % 250).eu-central-1.compute.internal",
        source: .linux, kind: .uncollected, reason: .agentUnreachable, sinceUnixMilliseconds: 1_767_225_600_000 + Int64(number * 37))
    }
  }

  @Test(arguments: [(400, true, 400), (3000, true, 3000), (20_000, false, 20_000), (31_000, false, nil)])
  func `the archive is bounded in size and keeps the oldest gaps`(count: Int, isPlain: Bool, kept: Int?) throws {
    let gaps = manyGaps(count)
    let (object, inIt) = GapArchive().configMap(of: gaps, total: count + 5, namespace: "rollcall")
    let plain = object["data"]?["gaps.json"]?.string
    let compressed = object["binaryData"]?["gaps.json.gz"]?.string
    #expect((plain != nil) == isPlain && (compressed != nil) == !isPlain)
    #expect((plain?.utf8.count ?? 0) + (compressed?.utf8.count ?? 0) * 3 / 4 <= 900_000)
    let read = try GapArchive().content(of: object).ages
    #expect(read.count == inIt)
    if let kept { #expect(inIt == kept) } else { #expect((20_000..<count).contains(inIt)) }
    #expect(read.elementsEqual(gaps.prefix(inIt)))
  }

  @Test(arguments: ["", "bm8gZ3ppcA==", "H4sIAAAAAAAA/w==", "?"]) func `invalid gzip data is rejected`(base64: String) {
    #expect(throws: GapArchiveError.self) { try GapArchive().content(of: ["binaryData": ["gaps.json.gz": .string(base64)]]) }
  }

  @Test(arguments: ["", "[]", "{\"version\":2,\"gaps\":[]}", "{\"version\":1}"])
  func `an invalid archive is rejected`(text: String) {
    #expect(throws: GapArchiveError.self) { try GapArchive().content(of: ["data": ["gaps.json": .string(text)]]) }
  }

  @Test func `the archive is written when its content changes, at a limited rate`() {
    func at(_ second: Double, clock: Int64 = 0) -> ClockReading {
      ClockReading(moment: moment(second), unixMilliseconds: Int64(second * 1000) + clock)
    }
    var schedule = GapArchiveSchedule(written: 0)
    #expect(!schedule.isDue(0, at: at(0)))
    #expect(schedule.isDue(1, at: at(0)))
    schedule.attempted(1, succeeded: true, at: at(0))
    #expect(!schedule.isDue(2, at: at(14)))
    #expect(schedule.isDue(2, at: at(15)))
    schedule.attempted(2, succeeded: false, at: at(15))
    #expect(schedule.isDue(2, at: at(30)))
    schedule.attempted(2, succeeded: true, at: at(30))
    #expect(!schedule.isDue(2, at: at(60)))
    #expect(!schedule.isDue(2, at: at(60, clock: 3000)), "clocks drift")
    #expect(schedule.isDue(2, at: at(60, clock: -3_600_000)), "its times are by a clock that was set")
    schedule.attempted(0, succeeded: true, at: at(60))
    #expect(!schedule.isDue(0, at: at(80, clock: -3_600_000)), "there are no times")
    schedule.invalidate()
    #expect(!schedule.isDue(0, at: at(80)), "there was nothing to lose")
    schedule.attempted(3, succeeded: true, at: at(80))
    schedule.invalidate()
    #expect(schedule.isDue(3, at: at(81)))
  }

  @Test func `Nodes are evaluated a few at a time`() {
    let book = LedgerStore(threshold: .seconds(300))
    book.begin(with: ["n1", "n2", "n3"].map { nodeRoll(node: $0, [rollEntry("app")]) }, at: moment(0))
    #expect(!book.evaluate(at: moment(300), nodes: 2), "it is too early for each")
    #expect(book.evaluate(at: moment(301), nodes: 2))
    #expect(book.takeTransitions().count == 2)
    #expect(!book.evaluate(at: moment(301), nodes: 2))
    #expect(book.takeTransitions().count == 1)
    #expect(!book.evaluate(at: moment(301), nodes: 2))
    #expect(book.snapshot().openGapCount == 3)
  }

  // MARK: Ages that are not gaps yet

  /// A ledger 600 s after an earlier one archived the age of a container that was due for 100 s.
  private func longAfter() -> (ledger: Ledger, roll: NodeRoll) {
    let roll = nodeRoll([rollEntry("app")])
    var before = Ledger(threshold: .seconds(300))
    _ = before.update(roll, at: moment(0))
    let ages = before.archivedAges(at: ClockReading(moment: moment(100), unixMilliseconds: 1_000_000), policy: policy).oldest
    #expect(ages.count == 1)
    var ledger = Ledger(threshold: .seconds(300))
    _ = ledger.update(roll, at: moment(1))
    ledger.restore(ages, at: ClockReading(moment: moment(2), unixMilliseconds: 1_600_000))
    #expect(ledger.evaluate(at: moment(3)).isEmpty)
    return (ledger, roll)
  }

  @Test func `R79: after a long time without a leader an age becomes a gap only if the first call misses the container`() {
    var (collected, roll) = longAfter()
    #expect(collected.record(allCollected(), of: roll, at: moment(4)).isEmpty)
    #expect(collected.evaluate(at: moment(304)).isEmpty)
    var (missed, _) = longAfter()
    #expect(missed.record(allMissed(.agentTimeout), of: roll, at: moment(4)).map(\.gap.since) == [moment(2 - 700)])
    var (hanging, _) = longAfter()
    #expect(hanging.evaluate(at: moment(301)).isEmpty)
    #expect(hanging.evaluate(at: moment(302)).map(\.gap.since) == [moment(2 - 700)], "a call that hangs hides no gap")
  }

  @Test func `R72: a container that is due keeps its age over a restart`() {
    var ledger = Ledger(threshold: .seconds(300))
    let roll = nodeRoll([rollEntry("collected"), rollEntry("late"), rollEntry("never")])
    _ = ledger.update(roll, at: moment(0))
    _ = ledger.record(
      RollCall(answers: [.collected(age: .zero), .collected(age: .zero), .missed(.pidNotFound, detail: "")], lastScrape: .notObservable),
      of: roll, at: moment(100))
    let later: [Answer] = [.collected(age: .zero), .missed(.agentTimeout, detail: ""), .missed(.pidNotFound, detail: "")]
    _ = ledger.record(RollCall(answers: later, lastScrape: .notObservable), of: roll, at: moment(190))
    let (ages, total) = ledger.archivedAges(at: ClockReading(moment: moment(200), unixMilliseconds: 1_000_000), policy: policy)
    #expect(total == 2 && ages.allSatisfy { !$0.isOpen })
    #expect(ages.map(\.container.container) == ["never", "late"])
    #expect(ages.map(\.sinceUnixMilliseconds) == [800_000, 900_000])

    // The next process, 20 s later.
    var next = Ledger(threshold: .seconds(300))
    _ = next.update(roll, at: moment(2))
    next.restore(ages, at: ClockReading(moment: moment(5), unixMilliseconds: 1_020_000))
    #expect(next.gaps().isEmpty && next.settleRestored(at: moment(5)).isEmpty)
    #expect(next.record(RollCall(answers: later, lastScrape: .notObservable), of: roll, at: moment(6)).isEmpty)
    #expect(next.evaluate(at: moment(85)).isEmpty)
    #expect(next.evaluate(at: moment(86)).map(\.gap.container.container) == ["never"])
    #expect(next.evaluate(at: moment(186)).map(\.gap.container.container) == ["late"])
    #expect(next.evaluate(at: moment(307)).map(\.gap.container.container) == ["collected"], "nobody called it again")
  }

  @Test func `R72: a collection after the restart ends a restored age`() {
    var ledger = Ledger(threshold: .seconds(300))
    let roll = nodeRoll([rollEntry("app")])
    _ = ledger.update(roll, at: moment(0))
    _ = ledger.record(allCollected(), of: roll, at: moment(1))
    let age = ArchivedAge(
      container: containerReference("app"), podUID: "uid-1", node: "node-a", source: .linux, kind: .uncollected, reason: .pidNotFound,
      sinceUnixMilliseconds: 0, isOpen: false)
    ledger.restore([age], at: ClockReading(moment: moment(2), unixMilliseconds: 1_000_000))
    #expect(ledger.evaluate(at: moment(301)).isEmpty)
  }

  @Test func `R72: the time without a scrape goes on over a restart`() {
    var ledger = Ledger(threshold: .seconds(300))
    let roll = nodeRoll([rollEntry("app")])
    _ = ledger.update(roll, at: moment(0))
    for second in [0.0, 200] { _ = ledger.record(allCollected(scrape: .never), of: roll, at: moment(second)) }
    let (ages, _) = ledger.archivedAges(at: ClockReading(moment: moment(200), unixMilliseconds: 1_000_000), policy: policy)
    #expect(ages.map(\.kind) == [.unscraped] && ages.allSatisfy { !$0.isOpen })

    var next = Ledger(threshold: .seconds(300))
    _ = next.update(roll, at: moment(0))
    next.restore(ages, at: ClockReading(moment: moment(5), unixMilliseconds: 1_020_000))
    #expect(next.record(allCollected(scrape: .never), of: roll, at: moment(85)).isEmpty)
    #expect(next.record(allCollected(scrape: .never), of: roll, at: moment(86)).map(\.gap.since) == [moment(-215)])
  }

  @Test func `the archive's fingerprint changes only when its content does`() {
    var ledger = Ledger(threshold: .seconds(300))
    let roll = nodeRoll([rollEntry("app")])
    _ = ledger.update(roll, at: moment(0))
    func fingerprint(_ second: Double) -> Int { ledger.archiveFingerprint(at: moment(second), policy: policy) }
    #expect(fingerprint(15) == 0)
    let late = fingerprint(16)
    #expect(late != 0 && fingerprint(200) == late)
    _ = ledger.evaluate(at: moment(301))
    let open = fingerprint(301)
    #expect(open != late && open != 0)
    _ = ledger.record(allMissed(.agentUnreachable), of: roll, at: moment(315))
    #expect(fingerprint(315) == open, "a new reason changes nothing")
    _ = ledger.record(allCollected(), of: roll, at: moment(330))
    #expect(fingerprint(340) == 0)
  }
}
