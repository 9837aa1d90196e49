package import KubeClient
package import Primitives
package import Roll

/// The Nodes by name: a store's snapshot, or a test's own.
package protocol NodeLookup: Sequence<NodeRecord> {
  subscript(key: ObjectKey) -> NodeRecord? { get }
}

/// The Pods by node: a store's snapshot, or a test's own.
package protocol PodLookup {
  associatedtype Pods: Sequence<PodRecord>
  func pods(onNode node: String) -> Pods
}

extension StoreSnapshot: NodeLookup where Value == NodeRecord {}
extension StoreSnapshot: PodLookup where Value == PodRecord {}

/// How a node's roll changed.
package enum RollChange: Hashable, Sendable {
  case changed(NodeRoll)
  case removed(node: String)
}

/// Keeps every node's roll equal to what Nodes and Pods say, and builds anew only those rolls that a change concerns: a cluster may
/// have 5,000 nodes and 150,000 pods, and one of them changes. Pure: records, changes and the time come in, changed rolls come out.
package struct RollBuilder: Sendable {
  package let settings: RollSettings
  package private(set) var rolls: [String: NodeRoll] = [:]
  /// What is odd about a node, for those of which there is something to say.
  package private(set) var notes: [String: [String]] = [:]
  private var starting: [String: NodeRollBuilder.Starting] = [:]
  /// What containers are called, which is the same in most pods.
  private let containerNames = NameTable()

  package init(settings: RollSettings) {
    self.settings = settings
  }

  /// When the next container's grace ends: `update` is to be called then, also without a change.
  package var nextEndOfGrace: Moment? {
    starting.values.joined().map(\.value).min()
  }

  /// Brings the rolls up to date.
  /// - Parameters:
  ///   - nodeChange: which Nodes changed since the last call; `nil` for none.
  ///   - podChange: on which Nodes Pods changed, came or went, by the keys of the Nodes (`Store.changesByNode`); `nil` for none.
  /// - Returns: What changed, by node name.
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
    var draft = NodeRollBuilder(
      source: facts.source, grace: settings.grace, now: now, wasStarting: starting[name] ?? [:], previous: rolls[name],
      containerNames: containerNames)
    for pod in pods.pods(onNode: name) { draft.add(pod) }
    starting[name] = draft.starting.isEmpty ? nil : draft.starting
    let notes = facts.notes + (facts.source == .virtual ? VirtualNode.notes(on: pods.pods(onNode: name)) : [])
    self.notes[name] = notes.isEmpty ? nil : notes
    let roll = draft.roll(of: name, facts: facts)
    guard rolls[name] != roll else { return nil }
    rolls[name] = roll
    return .changed(roll)
  }
}

/// What the user chooses about rolls.
package struct RollSettings: Hashable, Sendable {
  /// For so long after its start a container need not be collected.
  package var grace: Duration
  /// A node that one of these selects is virtual.
  package var virtualNodes: [LabelSelector]

  package init(grace: Duration, virtualNodes: [LabelSelector]) {
    self.grace = grace
    self.virtualNodes = virtualNodes
  }
}
