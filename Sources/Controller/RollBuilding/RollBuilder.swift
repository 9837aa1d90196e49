package import KubeClient
package import Roll

/// Records by key: a store's snapshot, or a test's own.
package protocol RecordLookup<Value>: Sequence where Element == Value {
  associatedtype Value: Record
  subscript(key: ObjectKey) -> Value? { get }
}

extension StoreSnapshot: RecordLookup {}

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
  private var podsOfNode: [String: Set<ObjectKey>] = [:]
  private var nodeOfPod: [ObjectKey: String] = [:]
  private var starting: [String: NodeRollDraft.Starting] = [:]

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
  ///   - podChange: the same of Pods.
  /// - Returns: What changed, by node name.
  package mutating func update(
    nodes: some RecordLookup<NodeRecord>, nodeChange: StoreChange?, pods: some RecordLookup<PodRecord>, podChange: StoreChange?,
    at now: ClockReading
  ) -> [RollChange] {
    var touched = Set(starting.lazy.filter { $0.value.values.contains { $0 <= now.moment } }.map(\.key))

    switch podChange {
    case nil: break
    case .keys(let keys):
      for key in keys { move(key, to: pods[key]?.nodeName, touching: &touched) }
    case .all:
      podsOfNode = [:]
      nodeOfPod = [:]
      for pod in pods { if let node = pod.nodeName { place(pod.key, on: node) } }
      touched.formUnion(nodes.lazy.map(\.name))
      touched.formUnion(rolls.keys)
    }

    switch nodeChange {
    case nil: break
    case .keys(let keys): touched.formUnion(keys.lazy.map(\.name))
    case .all:
      touched.formUnion(nodes.lazy.map(\.name))
      touched.formUnion(rolls.keys)
    }

    return touched.sorted().compactMap { rebuild($0, nodes: nodes, pods: pods, at: now) }
  }

  private mutating func rebuild(
    _ name: String, nodes: some RecordLookup<NodeRecord>, pods: some RecordLookup<PodRecord>, at now: ClockReading
  ) -> RollChange? {
    guard let node = nodes[ObjectKey(name: name)] else {
      starting[name] = nil
      notes[name] = nil
      return rolls.removeValue(forKey: name).map { _ in .removed(node: name) }
    }
    let facts = NodeFacts(node, virtualNodes: settings.virtualNodes)
    var draft = NodeRollDraft(
      source: facts.source, grace: settings.grace, now: now, wasStarting: starting[name] ?? [:], previous: rolls[name])
    for key in podsOfNode[name] ?? [] {
      if let pod = pods[key] { draft.add(pod) }
    }
    starting[name] = draft.starting.isEmpty ? nil : draft.starting
    notes[name] = facts.notes.isEmpty ? nil : facts.notes
    let roll = draft.roll(of: name, facts: facts)
    return rolls.updateValue(roll, forKey: name) == roll ? nil : .changed(roll)
  }

  // MARK: Which pods are where

  private mutating func move(_ pod: ObjectKey, to node: String?, touching touched: inout Set<String>) {
    if let old = nodeOfPod[pod] {
      touched.insert(old)
      if old != node {
        podsOfNode[old]?.remove(pod)
        if podsOfNode[old]?.isEmpty == true { podsOfNode[old] = nil }
        nodeOfPod[pod] = nil
      }
    }
    if let node {
      touched.insert(node)
      place(pod, on: node)
    }
  }

  private mutating func place(_ pod: ObjectKey, on node: String) {
    podsOfNode[node, default: []].insert(pod)
    nodeOfPod[pod] = node
  }
}
