package import KubeClient
package import Primitives
package import Roll

/// Nodes by key: a store's snapshot, or a fake in tests.
package protocol NodeLookup: Sequence<NodeRecord> {
  subscript(key: ObjectKey) -> NodeRecord? { get }
}

/// Pods by node: a store's snapshot, or a fake in tests.
package protocol PodLookup {
  associatedtype Pods: Sequence<PodRecord>
  func pods(onNode node: String) -> Pods
}

extension StoreSnapshot: NodeLookup where Value == NodeRecord {}
extension StoreSnapshot: PodLookup where Value == PodRecord {}

/// A change to a node's roll.
package enum RollChange: Hashable, Sendable {
  case changed(NodeRoll)
  case removed(node: String)
}

/// Derives every node's roll from Nodes and Pods. Rebuilds only the rolls affected by a change: a cluster may have 5,000 nodes and 150,000
/// pods, of which one changes. Pure: takes records, changes and the time, and returns the changed rolls.
package struct RollBuilder: Sendable {
  package let settings: RollSettings
  package private(set) var rolls: [String: NodeRoll] = [:]
  /// Problems by node, for display. Nodes without problems are absent.
  package private(set) var notes: [String: [String]] = [:]
  private var starting: [String: NodeRollBuilder.Starting] = [:]
  /// Interned container names; most pods share them.
  private let containerNames = NameTable()

  package init(settings: RollSettings) {
    self.settings = settings
  }

  /// When the next grace period ends. Call `update` then, even without a change.
  package var nextEndOfGrace: Moment? {
    starting.values.joined().map(\.value).min()
  }

  /// Updates the rolls.
  /// - Parameters:
  ///   - nodeChange: the Nodes that changed since the last call; `nil` for none.
  ///   - podChange: the keys of the Nodes with added, changed or deleted Pods (`Store.changesByNode`); `nil` for none.
  /// - Returns: the changes, sorted by node name.
  package mutating func update(
    nodes: some NodeLookup, nodeChange: StoreChange?, pods: some PodLookup, podChange: StoreChange?, at now: ClockReading
  ) -> [RollChange] {
    var touched = Set(starting.lazy.filter { $0.value.values.contains { $0 <= now.moment } }.map(\.key))
    for change in [nodeChange, podChange] {
      switch change {
      case nil: break
      case .keys(let keys): touched.formUnion(keys.lazy.map(\.name))
      case .all:
        touched.formUnion(nodes.lazy.map(\.name))
        touched.formUnion(rolls.keys)
      }
    }
    return touched.sorted().compactMap { rebuild($0, nodes: nodes, pods: pods, at: now) }
  }

  private mutating func rebuild(
    _ name: String, nodes: some NodeLookup, pods: some PodLookup, at now: ClockReading
  ) -> RollChange? {
    guard let node = nodes[ObjectKey(name: name)] else {
      starting[name] = nil
      notes[name] = nil
      return rolls.removeValue(forKey: name).map { _ in .removed(node: name) }
    }
    let facts = NodeFacts(node, virtualNodes: settings.virtualNodes)
    var builder = NodeRollBuilder(
      source: facts.source, grace: settings.grace, now: now, wasStarting: starting[name] ?? [:], previous: rolls[name],
      containerNames: containerNames)
    for pod in pods.pods(onNode: name) { builder.add(pod) }
    starting[name] = builder.starting.isEmpty ? nil : builder.starting
    let notes = facts.notes + (facts.source == .virtual ? VirtualNode.notes(on: pods.pods(onNode: name)) : [])
    self.notes[name] = notes.isEmpty ? nil : notes
    let roll = builder.roll(of: name, facts: facts)
    guard rolls[name] != roll else { return nil }
    rolls[name] = roll
    return .changed(roll)
  }
}

/// Settings for building rolls.
package struct RollSettings: Hashable, Sendable {
  /// A container is exempt for this time after its start.
  package var grace: Duration
  /// A node that matches any of these is virtual.
  package var virtualNodes: [LabelSelector]

  package init(grace: Duration, virtualNodes: [LabelSelector]) {
    self.grace = grace
    self.virtualNodes = virtualNodes
  }
}
