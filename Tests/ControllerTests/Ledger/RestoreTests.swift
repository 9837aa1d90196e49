import Controller
import JSON
import Roll
import Testing

@Suite struct RestoreTests {
  /// A ledger with one open gap of each kind, 1,000 s after its process started at noon.
  func before() -> (open: [OpenGap], reading: ClockReading) {
    var ledger = Ledger(threshold: .seconds(300))
    let down = roll(node: "node-a", [entry("app")])
    let lonely = roll(node: "node-b", [entry("db", pod: "db-0", uid: "uid-9", id: "dddd")])
    _ = ledger.update(down, at: at(0))
    _ = ledger.update(lonely, at: at(0))
    _ = ledger.record(missed(.agentUnreachable), of: down, at: at(10))
    for second in stride(from: 100.0, through: 1000, by: 15) { _ = ledger.record(collected(scrape: .never), of: lonely, at: at(second)) }
    _ = ledger.evaluate(at: at(1000))
    let reading = ClockReading(moment: at(1000), unixMilliseconds: 43_200_000 + 1_000_000)
    return (ledger.openGaps(at: reading), reading)
  }

  /// The next process, whose own clock starts at 0, 20 s later.
  let reading = ClockReading(moment: at(5), unixMilliseconds: 43_200_000 + 1_020_000)

  @Test func r64_restartNeitherResetsNorRefires() {
    let (open, _) = before()
    #expect(open.map(\.sinceUnixMilliseconds) == [43_200_000, 43_300_000], "the oldest comes first")
    var ledger = Ledger(threshold: .seconds(300))
    ledger.restore(openGaps: open, at: reading)
    #expect(ledger.gaps().count == 2, "they stand while the rolls are still unknown")

    let down = roll(node: "node-a", [entry("app")])
    let lonely = roll(node: "node-b", [entry("db", pod: "db-0", uid: "uid-9", id: "dddd")])
    var transitions = ledger.update(down, at: at(6)) + ledger.update(lonely, at: at(6)) + ledger.settleRestored(at: at(6))
    transitions += ledger.evaluate(at: at(7))
    transitions += ledger.record(missed(.agentTimeout), of: down, at: at(8))
    transitions += ledger.record(collected(scrape: .never), of: lonely, at: at(8))
    #expect(transitions.isEmpty)
    let gaps = ledger.gaps()
    #expect(gaps.map(\.reason) == [.notScraped, .agentTimeout])
    #expect(gaps.map(\.since) == [at(5 - 920), at(5 - 1020)], "their age goes on")

    let recovered = ledger.record(collected(), of: down, at: at(20)) + ledger.record(collected(scrape: .ago(.zero)), of: lonely, at: at(20))
    #expect(recovered.map(\.change) == [.closed(.recovered, after: .seconds(1035)), .closed(.recovered, after: .seconds(935))])
  }

  @Test func aRestartInventsNoGap() {
    var ledger = Ledger(threshold: .seconds(300))
    ledger.restore(openGaps: [], at: reading)
    let called = roll([entry("app")])
    _ = ledger.update(called, at: at(6))
    #expect(ledger.evaluate(at: at(306)).isEmpty)
    #expect(ledger.evaluate(at: at(307)).count == 1)
  }

  @Test func whatIsGoneAfterARestartClosesWithoutRecovery() {
    let (open, _) = before()
    var ledger = Ledger(threshold: .seconds(300))
    ledger.restore(openGaps: open, at: reading)
    _ = ledger.update(roll(node: "node-a", [], exempt: [ExemptEntry(reference: reference("app"), exemption: .ignored)]), at: at(6))
    let closed = ledger.settleRestored(at: at(6)).map(\.change)
    #expect(Set(closed) == [.closed(.exempt(.ignored), after: .seconds(1021)), .closed(.leftRoll, after: .seconds(921))])
    #expect(ledger.gaps().isEmpty)
  }

  @Test func aNewPodOfTheSameNameInheritsNothing() {
    let (open, _) = before()
    var ledger = Ledger(threshold: .seconds(300))
    ledger.restore(openGaps: open, at: reading)
    _ = ledger.update(roll(node: "node-a", [entry("app", uid: "uid-2", id: "ffff")]), at: at(6))
    #expect(ledger.settleRestored(at: at(6)).count == 2)
    #expect(ledger.evaluate(at: at(300)).isEmpty)
  }

  @Test(arguments: [-3600.0, 3600.0]) func aWallClockOneHourOffChangesAgesAtRestartOnly(hours: Double) {
    let (open, _) = before()
    var ledger = Ledger(threshold: .seconds(300))
    let wrong = ClockReading(moment: reading.moment, unixMilliseconds: reading.unixMilliseconds + Int64(hours * 1000))
    ledger.restore(openGaps: open, at: wrong)
    _ = ledger.update(roll(node: "node-a", [entry("app")]), at: at(6))
    let since = ledger.gaps().first { $0.kind == .uncollected }?.since
    #expect(since == (hours < 0 ? at(5) : at(5 - 1020 - 3600)), "a gap never begins in the future")
    #expect(ledger.evaluate(at: at(10)).isEmpty)
  }

  // MARK: The archive

  @Test func theArchiveGivesBackWhatItWasGiven() throws {
    let (open, _) = before()
    let (object, cut) = GapArchive().configMap(of: open, namespace: "rollcall")
    #expect(cut == 0)
    #expect(object["metadata"]?["name"] == "rollcall-gaps")
    #expect(try GapArchive().gaps(in: JSONValue(parsing: object.bytes)) == open)
  }

  @Test(arguments: [(5000, 900_000, 400), (250, 900_000, 250), (5000, 20_000, nil)])
  func theArchiveIsBoundedAndKeepsTheOldest(maximumGaps: Int, maximumBytes: Int, kept: Int?) throws {
    let gaps = (0..<400).map { number in
      OpenGap(
        container: reference("app", pod: "p\(number)"), podUID: "u", containerID: "c", node: "n", source: .linux, kind: .uncollected,
        reason: .agentTimeout, sinceUnixMilliseconds: Int64(number))
    }
    var archive = GapArchive()
    archive.maximumGaps = maximumGaps
    archive.maximumBytes = maximumBytes
    let (object, cut) = archive.configMap(of: gaps, namespace: "rollcall")
    let read = try archive.gaps(in: object)
    #expect(read.count + cut == 400)
    #expect(read == Array(gaps.prefix(read.count)))
    #expect((object["data"]?["gaps.json"]?.string?.utf8.count ?? .max) <= maximumBytes)
    if let kept { #expect(read.count == kept) } else { #expect((50..<400).contains(read.count)) }
  }

  @Test(arguments: ["", "[]", "{\"version\":2,\"gaps\":[]}", "{\"version\":1}"])
  func whatIsNoArchiveIsRefused(text: String) {
    #expect(throws: GapArchiveError.self) { try GapArchive().gaps(in: ["data": ["gaps.json": .string(text)]]) }
  }

  @Test func theArchiveIsWrittenWhenTheSetOfGapsChangesAndNotTooOften() {
    let (open, _) = before()
    var schedule = GapArchiveSchedule(written: open)
    #expect(!schedule.isDue(open, at: at(0)))
    #expect(schedule.isDue([], at: at(0)))
    schedule.attempted([], succeeded: true, at: at(0))
    #expect(!schedule.isDue(open, at: at(14)))
    #expect(schedule.isDue(open, at: at(15)))
    schedule.attempted(open, succeeded: false, at: at(15))
    #expect(schedule.isDue(open, at: at(30)))
    schedule.attempted(open, succeeded: true, at: at(30))
    var other = open
    other[0].reason = .agentTimeout
    other[0].sinceUnixMilliseconds += 3
    #expect(!schedule.isDue(other, at: at(60)), "a new reason is no new set")
    #expect(schedule.isDue([], at: at(60)))
  }
}
