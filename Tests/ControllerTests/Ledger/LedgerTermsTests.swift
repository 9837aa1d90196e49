import Roll
import Testing

@testable import Controller

/// Policies give containers of one node different thresholds, and say whether scrapes are expected.
@Suite struct LedgerTermsTests {
  private func roll(_ names: [String], _ terms: [String: ContainerTerms] = [:]) -> NodeRoll {
    var roll = nodeRoll(names.map { rollEntry($0) })
    for name in names { roll.terms.append(terms[name], entries: 1) }
    roll.terms.close()
    return roll
  }

  private func text(_ transitions: [GapTransition]) -> [String] {
    transitions.map { transition in
      switch transition.change {
      case .opened: "\(transition.gap.container.container) opened"
      case .closed(let end, _): "\(transition.gap.container.container) closed: \(end)"
      }
    }
  }

  private let patient = ContainerTerms(policies: ["patient"], threshold: .seconds(600))
  private let strict = ContainerTerms(policies: ["strict"], threshold: .seconds(90))

  @Test func `R127: each container has its own threshold`() {
    var ledger = Ledger(threshold: .seconds(300))
    let roll = roll(["a", "b", "c"], ["a": patient, "c": strict])
    #expect(ledger.update(roll, at: moment(0)).isEmpty)
    #expect(ledger.record(allMissed(.agentUnreachable, count: 3), of: roll, at: moment(1)).isEmpty)
    #expect(text(ledger.evaluate(at: moment(90))) == [])
    #expect(text(ledger.evaluate(at: moment(91))) == ["c opened"])
    #expect(text(ledger.evaluate(at: moment(301))) == ["b opened"])
    #expect(text(ledger.evaluate(at: moment(600))) == [])
    #expect(text(ledger.evaluate(at: moment(601))) == ["a opened"])
    #expect(ledger.gaps().map { $0.terms?.policies } == [["patient"], nil, ["strict"]])
    #expect(ledger.gapsOfPolicies().mapValues(\.count) == ["patient": 1, "strict": 1])
    #expect(ledger.gapsOfPolicies()["strict"]?.newest.container.container == "c")
  }

  @Test func `R127: a container with a longer threshold counts as collected for as long`() {
    var ledger = Ledger(threshold: .seconds(300))
    let roll = roll(["a", "b"], ["a": patient])
    _ = ledger.update(roll, at: moment(0))
    _ = ledger.record(allCollected(2), of: roll, at: moment(1))
    #expect(ledger.coverage(at: moment(400)).map(\.collected) == [1])
  }

  @Test func `R127: a policy that allows more time closes the gaps that it allows, and no other`() {
    var ledger = Ledger(threshold: .seconds(300))
    let before = roll(["a", "b", "c"])
    _ = ledger.update(before, at: moment(0))
    _ = ledger.record(allMissed(.agentUnreachable, count: 3), of: before, at: moment(1))
    #expect(ledger.evaluate(at: moment(301)).count == 3)
    #expect(text(ledger.update(roll(["a", "b", "c"], ["a": patient, "c": strict]), at: moment(400))) == ["a closed: relaxed"])
    #expect(ledger.openGapCount == 2 && ledger.evaluate(at: moment(402)).isEmpty)
    #expect(ledger.gaps().map(\.since) == [moment(0), moment(0)], "the others keep their age")
    #expect(text(ledger.evaluate(at: moment(601))) == ["a opened"], "its age went on")
    #expect(ledger.gaps().first?.since == moment(0))
    #expect(ledger.update(roll(["a", "b", "c"], ["a": patient]), at: moment(700)).isEmpty, "a threshold that is over stays over")
    #expect(ledger.openGapCount == 3)
  }

  @Test func `R127: a policy that allows less time opens gaps at the next review`() {
    var ledger = Ledger(threshold: .seconds(300))
    _ = ledger.update(roll(["a", "b"]), at: moment(0))
    _ = ledger.record(allMissed(.agentUnreachable, count: 2), of: roll(["a", "b"]), at: moment(1))
    #expect(ledger.update(roll(["a", "b"], ["a": strict]), at: moment(100)).isEmpty)
    #expect(text(ledger.evaluate(at: moment(101))) == ["a opened"])
    #expect(text(ledger.update(roll(["a", "b"]), at: moment(110))) == ["a closed: relaxed"], "without the policy")
    #expect(text(ledger.evaluate(at: moment(301))) == ["a opened", "b opened"])
  }

  @Test func `R127: other labels of alerts open and close nothing`() {
    var ledger = Ledger(threshold: .seconds(300))
    _ = ledger.update(roll(["a"]), at: moment(0))
    _ = ledger.record(allMissed(.agentUnreachable), of: roll(["a"]), at: moment(1))
    #expect(ledger.evaluate(at: moment(301)).count == 1)
    let labelled = ContainerTerms(policies: ["p"], alerts: AlertTerms(severity: "critical"))
    #expect(ledger.update(roll(["a"], ["a": labelled]), at: moment(302)).isEmpty && ledger.evaluate(at: moment(304)).isEmpty)
    #expect(ledger.gaps().map { $0.terms?.alerts.severity } == ["critical"])
  }

  @Test func `R127: a container that becomes exempt closes its gap, and is due anew afterwards`() {
    var ledger = Ledger(threshold: .seconds(300))
    _ = ledger.update(roll(["a", "b"]), at: moment(0))
    _ = ledger.record(allMissed(.agentUnreachable, count: 2), of: roll(["a", "b"]), at: moment(1))
    _ = ledger.evaluate(at: moment(301))
    let exempted = nodeRoll([rollEntry("b")], exempt: [ExemptEntry(reference: containerReference("a"), exemption: .policy)])
    #expect(text(ledger.update(exempted, at: moment(310))) == ["a closed: exempt(Roll.Exemption.policy)"])
    #expect(ledger.coverage(at: moment(310)).first?.exempt == [.policy: 1])
    _ = ledger.update(roll(["a", "b"]), at: moment(320))
    #expect(ledger.evaluate(at: moment(620)).isEmpty && text(ledger.evaluate(at: moment(621))) == ["a opened"])
  }

  @Test func `R127: scrapes that a policy does not require are no gaps`() {
    let free = ContainerTerms(policies: ["free"], scraping: .notRequired)
    var ledger = Ledger(threshold: .seconds(300))
    _ = ledger.update(roll(["a", "b"]), at: moment(0))
    func collect(_ roll: NodeRoll, until end: Int) -> [String] {
      var found: [String] = []
      for second in stride(from: end - 400, through: end, by: 15) {
        found += text(ledger.record(allCollected(2, scrape: .never), of: roll, at: moment(Double(second))))
      }
      return found
    }
    #expect(collect(roll(["a", "b"]), until: 401) == ["a opened", "b opened"])
    #expect(text(ledger.update(roll(["a", "b"], ["a": free]), at: moment(402))) == ["a closed: superseded"])
    #expect(collect(roll(["a", "b"], ["a": free]), until: 810) == [])
    #expect(ledger.gaps().map(\.container.container) == ["b"])
    let broken = ScrapeFinding(containerReference("a"), .broken(.scrapeFailing, detail: "", since: moment(0)))
    #expect(ledger.record([broken], onNode: "node-a", at: moment(820)).isEmpty && ledger.evaluate(at: moment(830)).isEmpty)
  }

  @Test func `R127: a gap of an earlier leader closes if a policy that came meanwhile expects no scrapes`() {
    let free = ContainerTerms(policies: ["free"], scraping: .notRequired)
    func restored(_ reason: Reason) -> ArchivedAge {
      ArchivedAge(
        container: containerReference(reason == .notScraped ? "a" : "b"), podUID: "uid-1", node: "node-a", source: .linux, kind: .unscraped,
        reason: reason, sinceUnixMilliseconds: 0, isOpen: true)
    }
    for terms in [[:], ["a": free, "b": free]] {
      var ledger = Ledger(threshold: .seconds(300))
      ledger.restore(
        [restored(.notScraped), restored(.scrapeFailing)], at: ClockReading(moment: moment(1000), unixMilliseconds: 1_000_000))
      _ = ledger.update(roll(["a", "b"], terms), at: moment(1001))
      #expect(ledger.openGapCount == 2)
      let closed = text(ledger.evaluate(at: moment(1002)))
      #expect(closed == (terms.isEmpty ? [] : ["a closed: superseded", "b closed: superseded"]))
      #expect(ledger.openGapCount == (terms.isEmpty ? 2 : 0))
    }
  }

  /// What happens to one container of two ledgers alike.
  private enum Happening: CaseIterable { case collected, missed, nothing, restarted, oldData }

  @Test func `R127: terms for all containers are as good as a setting`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<40 {
      let names = ["a", "b", "c"]
      var byTerms = Ledger(threshold: .seconds(300))
      var bySetting = Ledger(threshold: .seconds(90))
      var ids = [0, 0, 0]
      func roll(_ terms: ContainerTerms?) -> NodeRoll {
        var roll = nodeRoll(zip(names, ids).map { rollEntry($0, id: "id-\($1)") })
        roll.terms.append(terms, entries: names.count)
        roll.terms.close()
        return roll
      }
      func plain(_ transitions: [GapTransition]) -> [GapTransition] {
        transitions.map { transition in
          var plain = transition
          plain.gap.terms = nil
          plain.gap.detail = ""
          return plain
        }
      }
      var seconds = 0
      for step in 0..<120 {
        seconds += Int.random(in: 1...25, using: &random)
        let now = moment(Double(seconds))
        let happening = Happening.allCases.randomElement(using: &random) ?? .nothing
        if happening == .restarted { ids[Int.random(in: 0..<3, using: &random)] += 1 }
        if step == 0 || happening == .restarted {
          #expect(plain(byTerms.update(roll(strict), at: now)) == plain(bySetting.update(roll(nil), at: now)))
        }
        let answers = names.map { _ -> Answer in
          switch happening {
          case .missed: Bool.random(using: &random) ? .missed(.agentUnreachable, detail: "") : .collected(age: .zero)
          case .oldData: .collected(age: .seconds(Int.random(in: 0...120, using: &random)))
          default: .collected(age: .zero)
          }
        }
        if happening != .nothing, happening != .restarted {
          let call = RollCall(answers: answers, lastScrape: Bool.random(using: &random) ? .never : .ago(.seconds(10)))
          #expect(plain(byTerms.record(call, of: roll(strict), at: now)) == plain(bySetting.record(call, of: roll(nil), at: now)))
        }
        let review = moment(Double(seconds) + 0.5)
        #expect(plain(byTerms.evaluate(at: review)) == plain(bySetting.evaluate(at: review)))
        #expect(byTerms.coverage(at: review) == bySetting.coverage(at: review))
      }
    }
  }
}
