import Controller
import Primitives
import Roll
import TestSupport
import Testing

@Suite(.ownThread) struct LedgerModelTests {
  /// Random events: rolls are added, changed and removed, current and older rolls are answered, and time passes.
  private struct World {
    var random: SplitMix64
    var now = moment(1000)
    var ledger = Ledger(threshold: .seconds(300))
    var model = LedgerModel(threshold: .seconds(300), catchUp: .seconds(60), lastRun: moment(1000))
    /// All rolls of each node so far, since an older one may be answered.
    var rolls: [String: [NodeRoll]] = [:]

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func randomRoll(of node: String) -> NodeRoll {
      var entries: [RollEntry] = []
      var exempt: [ExemptEntry] = []
      for pod in ["api-0", "api-1", "web-7"] {
        for container in ["app", "init", "sidecar"] {
          let reference = containerReference(container, pod: "\(pod)-\(node)")
          if chance(70) {
            let id = chance(5) ? "" : chance(90) ? String(repeating: "a1", count: 32) : "b2"
            entries.append(
              RollEntry(
                reference: reference, podUID: chance(95) ? "uid-1" : "uid-2", containerID: id, hostNetwork: false,
                notDue: chance(75) ? nil : [.starting, .restarting, .restarting, .terminating].randomElement(using: &random)))
          } else if chance(40) {
            exempt.append(ExemptEntry(reference: reference, exemption: chance(50) ? .notRunning : .ignored))
          }
        }
      }
      return nodeRoll(node: node, source: chance(95) ? .linux : .windows, ready: chance(90), entries, exempt: exempt)
    }

    mutating func randomCall(of called: NodeRoll) -> RollCall {
      let isDown = chance(30)
      let answers = called.entries.map { _ -> Answer in
        if isDown { return .missed(.agentUnreachable, detail: "connection refused") }
        if chance(15) { return .missed(chance(50) ? .pidNotFound : .unknown, detail: chance(50) ? "" : "gone") }
        if chance(5) { return .exempt(chance(50) ? .hostProcess : .sandboxedRuntime) }
        return .collected(age: chance(95) ? .milliseconds(Int64.random(in: 0...20_000, using: &random)) : .seconds(400))
      }
      let scrape: LastScrape = isDown || chance(20) ? .notObservable : chance(40) ? .never : .ago(.seconds(chance(50) ? 5 : 350))
      return RollCall(answers: answers, lastScrape: scrape)
    }

    /// Applies one random event to ledger and model. Returns the transitions of both.
    mutating func step() -> (ledger: [GapTransition], model: [GapTransition]) {
      now = now + .milliseconds(Int64.random(in: 1...(chance(2) ? 600_000 : 60_000), using: &random))
      let node = "node-\(Int.random(in: 0..<3, using: &random))"
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<15:
        let roll = randomRoll(of: node)
        rolls[node, default: []].append(roll)
        return (ledger.update(roll, at: now), model.update(roll, at: now))
      case 15..<17:
        return (ledger.remove(node: node, at: now), model.remove(node: node, at: now))
      case 17..<20:
        let isStale = chance(40)
        ledger.setRollStale(isStale)
        model.isToldStale = isStale
        return (ledger.evaluate(at: now), model.evaluate(at: now))
      case 20..<75:
        guard let called = rolls[node]?.suffix(chance(85) ? 1 : 3).randomElement(using: &random) else { return ([], []) }
        let call = randomCall(of: called)
        return (ledger.record(call, of: called, at: now), model.record(call, of: called, at: now))
      default:
        return (ledger.evaluate(at: now), model.evaluate(at: now))
      }
    }
  }

  @Test(arguments: (1...20).map(UInt64.init)) func `the ledger agrees with a reference model under random operations`(seed: UInt64) {
    var world = World(random: SplitMix64(seed: seed))
    world.ledger.watchForPauses(from: world.now, catchUp: world.model.catchUp)
    var transitions = 0
    for step in 0..<600 {
      let (ledger, model) = world.step()
      transitions += ledger.count
      guard Set(ledger) == Set(model), ledger.count == model.count, Set(world.ledger.gaps()) == Set(world.model.gaps()) else {
        Issue.record("step \(step): \(ledger) is not \(model), or \(world.ledger.gaps()) is not \(world.model.gaps())")
        return
      }
      #expect(world.ledger.openGapCount == world.model.gaps().count)
      for (name, node) in world.ledger.nodes {
        let rows = world.model.nodes[name]?.rows ?? [:]
        #expect(
          node.collections().allSatisfy { rows[$0.container]?.due == $0.due && rows[$0.container]?.lastCollected == $0.lastCollected })
        #expect(node.collections().reduce(0) { count, _ in count + 1 } == rows.values.count { $0.exemption == nil && $0.due != nil })
      }
    }
    #expect(transitions > 100, "enough has happened")
  }
}
