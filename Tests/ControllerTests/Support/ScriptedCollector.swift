import Collector
import Controller
import Roll
import Synchronization
import TestSupport

/// A collector that returns what the test sets and records its calls.
final class ScriptedCollector: NodeCollector {
  private struct State {
    var calls: [NodeRoll] = []
    var underWay: [String: Int] = [:]
    var mostAtOnce = 0
    var mostAtOnceOfANode = 0
    var answer: Answer = .collected(age: .zero)
    var held: Set<String> = []
  }

  private let state = Mutex(State())

  var calls: [NodeRoll] { state.withLock { $0.calls } }
  var mostAtOnce: Int { state.withLock { $0.mostAtOnce } }
  var mostAtOnceOfANode: Int { state.withLock { $0.mostAtOnceOfANode } }
  var underWay: Int { state.withLock { $0.underWay.values.reduce(0, +) } }

  func calls(of node: String) -> Int { calls.count { $0.node == node } }

  func answer(_ answer: Answer) {
    state.withLock { $0.answer = answer }
  }

  /// Makes the calls of a node hang, or releases them.
  func hold(_ node: String, _ isHeld: Bool = true) {
    state.withLock { state in
      if isHeld { state.held.insert(node) } else { state.held.remove(node) }
    }
  }

  func call(_ roll: NodeRoll) async -> RollCall {
    state.withLock { state in
      state.calls.append(roll)
      state.underWay[roll.node, default: 0] += 1
      state.mostAtOnce = max(state.mostAtOnce, state.underWay.values.reduce(0, +))
      state.mostAtOnceOfANode = max(state.mostAtOnceOfANode, state.underWay[roll.node] ?? 0)
    }
    defer { state.withLock { $0.underWay[roll.node, default: 1] -= 1 } }
    while state.withLock({ $0.held.contains(roll.node) }), !Task.isCancelled {
      await Task.yield()
    }
    let answer = state.withLock { $0.answer }
    return RollCall(answers: roll.entries.map { _ in answer }, lastScrape: .notObservable)
  }
}
