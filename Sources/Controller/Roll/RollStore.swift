internal import AsyncPrimitives
internal import Primitives
package import Roll
import Synchronization

/// The current rolls: written by `RollUpdater`, read by node tasks, targets and the server.
package final class RollStore: Sendable {
  package struct Snapshot: Sendable {
    package var rolls: [String: NodeRoll] = [:]
    /// The nodes of other shards, without entries: their Pods are not kept.
    package var foreign: [String: NodeRoll] = [:]
    /// Problems by node, for display.
    package var notes: [String: [String]] = [:]
    /// Whether the rolls reflect complete lists of Nodes and Pods. Never returns to false: the rolls are kept when a watch breaks.
    package var isComplete = false
    fileprivate(set) var order = NodeOrder()

    /// The rolls, sorted by node name.
    package var inOrder: [NodeRoll] { order.rolls(in: rolls) }
  }

  private struct State {
    var snapshot = Snapshot()
    var subscriptions: [Int: RollSubscription] = [:]
    var nextSubscription = 0
  }

  private let state = Mutex(State())

  package init() {}

  package func snapshot() -> Snapshot {
    state.withLock { $0.snapshot }
  }

  package func roll(of node: String) -> NodeRoll? {
    state.withLock { $0.snapshot.rolls[node] }
  }

  package var nodeCount: Int { state.withLock { $0.snapshot.rolls.count } }

  /// Returns when the rolls are complete or the task is cancelled.
  package func waitUntilComplete() async {
    await withSubscription { subscription in
      _ = await subscription.next()
    }
  }

  /// Replaces the rolls with those of a builder that has seen complete lists.
  package func publish(_ changes: [RollChange], of builder: RollBuilder) {
    state.withLock { state in
      state.snapshot.rolls = builder.rolls
      state.snapshot.foreign = builder.foreign
      state.snapshot.notes = builder.notes
      let isFirst = !state.snapshot.isComplete
      if isFirst {
        state.snapshot.order = NodeOrder(builder.rolls.keys)
      } else {
        for change in changes {
          switch change {
          case .changed(let roll) where builder.rolls[roll.node] == nil: break
          case .changed(let roll): state.snapshot.order.insert(roll.node)
          case .removed(let node): state.snapshot.order.remove(node)
          }
        }
      }
      state.snapshot.isComplete = true
      let names = Set(changes.map(\.node))
      guard isFirst || !names.isEmpty else { return }
      for subscription in state.subscriptions.values { subscription.post(names) }
    }
  }

  /// Subscribes to changes while `body` runs. The first element contains every node. Nodes of other shards are among the changed ones.
  package func withSubscription(_ body: (RollSubscription) async -> Void) async {
    let subscription = RollSubscription()
    let number = state.withLock { state in
      defer { state.nextSubscription += 1 }
      state.subscriptions[state.nextSubscription] = subscription
      if state.snapshot.isComplete { subscription.post(Set(state.snapshot.rolls.keys)) }
      return state.nextSubscription
    }
    await body(subscription)
    state.withLock { $0.subscriptions[number] = nil }
  }
}

/// The changes of a roll store for one consumer. Changes between two calls of `next` are merged.
package final class RollSubscription: Sendable {
  private let pending = Mutex<Set<String>?>(nil)
  private let wakeup = Wakeup()

  fileprivate func post(_ nodes: Set<String>) {
    pending.withLock { $0 = ($0 ?? []).union(nodes) }
    wakeup.signal()
  }

  /// The nodes whose rolls changed since the last call. Waits for a change; `nil` after the task is cancelled.
  package func next() async -> Set<String>? {
    while !Task.isCancelled {
      if let nodes = pending.withLock({ $0.take() }) { return nodes }
      _ = await wakeup.wait()
    }
    return nil
  }
}

extension RollChange {
  package var node: String {
    switch self {
    case .changed(let roll): roll.node
    case .removed(let node): node
    }
  }
}

/// Node names, kept sorted across insertions and removals. Sorting 5,000 names on each use would take longer than most of those uses.
struct NodeOrder: Sendable, Equatable {
  private(set) var names: [String] = []

  init(_ names: some Sequence<String> = []) { self.names = names.sorted() }

  /// Does nothing if the name is already present.
  mutating func insert(_ name: String) {
    let index = index(of: name)
    if index == names.count || names[index] != name { names.insert(name, at: index) }
  }

  mutating func remove(_ name: String) {
    let index = index(of: name)
    if index < names.count, names[index] == name { names.remove(at: index) }
  }

  /// The rolls of these nodes, in order. A loop, because lazy sequences take three times as long.
  func rolls(in rolls: [String: NodeRoll]) -> [NodeRoll] {
    var ordered: [NodeRoll] = []
    ordered.reserveCapacity(names.count)
    for name in names {
      if let roll = rolls[name] { ordered.append(roll) }
    }
    return ordered
  }

  /// The index of the name, or the one where it belongs.
  private func index(of name: String) -> Int { names.partitioningIndex { $0 >= name } }
}
