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
/// pods when one changes. Pure: takes records, changes and the time, and returns the changed rolls.
package struct RollBuilder: Sendable {
  package let settings: RollSettings
  package private(set) var rolls: [String: NodeRoll] = [:]
  /// The nodes of other shards, without entries: their Pods are not kept.
  package private(set) var foreign: [String: NodeRoll] = [:]
  /// Problems by node, for display. Nodes without problems are absent.
  package private(set) var notes: [String: [String]] = [:]
  private var rules = ExemptionRules()
  private var policies = PolicyMatcher()
  /// What policies see of each node; empty without policies.
  private var policyGroups: [String: PolicyMatcher.NodeGroup] = [:]
  private var facts: [String: NodeFacts] = [:]
  /// The names of the nodes at each endpoint. Usually one.
  private var nodesByEndpoint: [NodeEndpoint: Set<String>] = [:]
  private var starting: [String: NodeRollBuilder.Starting] = [:]
  /// When each roll changes by the passage of time.
  private var nextChanges: [String: Moment] = [:]
  /// Interned container names; most pods share them.
  private let containerNames = NameTable()

  package init(settings: RollSettings) {
    self.settings = settings
  }

  /// Continues some rolls, so that no container on them has a grace period once more. Whether one that starts has it still is told by its age.
  package init(settings: RollSettings, continuing rolls: [NodeRoll]) {
    self.init(settings: settings)
    for var roll in rolls {
      roll.entries = RollEntries(roll.entries.filter { $0.notDue != .starting })
      self.rolls[roll.node] = roll
    }
  }

  /// When a roll changes next by the passage of time: a grace period of a container or of a deletion ends. Call `update` then, even without
  /// a change.
  package var nextChange: Moment? { nextChanges.values.min() }

  /// Updates the rolls.
  /// - Parameters:
  ///   - nodeChange: the Nodes that changed since the last call; `nil` for none.
  ///   - podChange: the keys of the Nodes with added, changed or deleted Pods (`Store.changesByNode`); `nil` for none.
  ///   - rules: the exemptions by other objects; `nil` if they have not changed.
  ///   - policies: the policies in force; `nil` if they have not changed.
  /// - Returns: the changes, sorted by node name.
  package mutating func update(
    nodes: some NodeLookup, nodeChange: StoreChange?, pods: some PodLookup, podChange: StoreChange?, rules: ExemptionRules? = nil,
    policies: PolicySet? = nil, at now: ClockReading
  ) -> [RollChange] {
    var nodeChange = nodeChange
    if let rules, rules != self.rules {
      self.rules = rules
      nodeChange = .all
    }
    var touched = Set(nextChanges.lazy.filter { $0.value <= now.moment }.map(\.key))
    if let policies, policies != self.policies.set { touched.formUnion(apply(policies, nodes: nodes, pods: pods)) }
    touched.formUnion(names(of: podChange, in: nodes))
    for name in names(of: nodeChange, in: nodes) {
      touched.insert(name)
      touched.formUnion(updateFacts(of: name, nodes[ObjectKey(name: name)]))
    }
    return touched.sorted().compactMap { rebuild($0, pods: pods, at: now) }
  }

  /// Replaces the policies.
  /// - Returns: the nodes with a Pod about which the new policies say something else.
  private mutating func apply(_ set: PolicySet, nodes: some NodeLookup, pods: some PodLookup) -> Set<String> {
    var (old, new) = (policies, PolicyMatcher(set))
    let oldGroups = policyGroups
    policyGroups = [:]
    var affected: Set<String> = []
    for node in nodes {
      let name = node.name
      guard let source = facts[name]?.source else { continue }
      let group = new.group(ofNode: node.labels, source: source)
      if !set.isEmpty { policyGroups[name] = group }
      let isAffected = pods.pods(onNode: name).contains { pod in
        let before = oldGroups[name].map { old.decision(on: pod, in: $0) } ?? PolicyDecision.none
        return new.decision(on: pod, in: group) != before
      }
      if isAffected { affected.insert(name) }
    }
    policies = new
    return affected
  }

  private func names(of change: StoreChange?, in nodes: some NodeLookup) -> Set<String> {
    switch change {
    case nil: []
    case .keys(let keys): Set(keys.lazy.map(\.name))
    case .all: Set(nodes.lazy.map(\.name)).union(rolls.keys).union(foreign.keys)
    }
  }

  /// - Returns: the other nodes at the node's old and new endpoints, if the change may decide which of them is called.
  private mutating func updateFacts(of name: String, _ node: NodeRecord?) -> Set<String> {
    let old = facts[name]
    let new = node.map { NodeFacts($0, settings: settings, rules: rules) }
    facts[name] = new
    policyGroups[name] =
      policies.set.isEmpty ? nil : node.flatMap { node in new.map { policies.group(ofNode: node.labels, source: $0.source) } }
    if old?.endpoint == new?.endpoint, old?.ready == new?.ready, old?.exemption == new?.exemption { return [] }
    if let endpoint = old?.endpoint { nodesByEndpoint[endpoint]?.remove(name) }
    if let endpoint = new?.endpoint { nodesByEndpoint[endpoint, default: []].insert(name) }
    var others = Set<String>()
    for endpoint in Set([old?.endpoint, new?.endpoint].compactMap(\.self)) {
      others.formUnion(nodesByEndpoint[endpoint] ?? [])
      if nodesByEndpoint[endpoint]?.isEmpty == true { nodesByEndpoint[endpoint] = nil }
    }
    return others
  }

  private mutating func rebuild(_ name: String, pods: some PodLookup, at now: ClockReading) -> RollChange? {
    guard let facts = facts[name] else {
      starting[name] = nil
      nextChanges[name] = nil
      notes[name] = nil
      return (rolls.removeValue(forKey: name) ?? foreign.removeValue(forKey: name)).map { _ in .removed(node: name) }
    }
    guard settings.shard.contains(name) else { return rebuildForeign(name, facts) }
    var builder = NodeRollBuilder(
      .init(
        facts: facts, rules: rules, grace: settings.grace, now: now, wasStarting: starting[name] ?? [:], previous: rolls[name],
        containerNames: containerNames))
    if let group = policyGroups[name] {
      for pod in pods.pods(onNode: name) { builder.add(pod, policies.decision(on: pod, in: group)) }
    } else {
      for pod in pods.pods(onNode: name) { builder.add(pod) }
    }
    starting[name] = builder.starting.isEmpty ? nil : builder.starting
    nextChanges[name] = builder.nextChange
    var roll = builder.roll(of: name)
    var notes = facts.notes + (facts.source == .virtual ? VirtualNode.notes(on: pods.pods(onNode: name)) : [])
    if let holder = addressHolder(of: name, facts) {
      roll.addressHolder = holder
      notes.append("not called: the node is not ready, and the ready node \(holder) has its address \(facts.address ?? "")")
    }
    self.notes[name] = notes.isEmpty ? nil : notes
    guard rolls[name] != roll else { return nil }
    rolls[name] = roll
    return .changed(roll)
  }

  private mutating func rebuildForeign(_ name: String, _ facts: NodeFacts) -> RollChange? {
    let entries = RollEntries(reservingPods: 0, containers: 0)
    var roll = NodeRoll(
      node: name, source: facts.source, address: facts.address, nodeReady: facts.ready, entries: entries, exempt: [],
      hash: entries.rollHash)
    roll.exemption = facts.exemption
    guard foreign[name] != roll else { return nil }
    foreign[name] = roll
    return .changed(roll)
  }

  /// The node that has the address of this one; `nil` if the node keeps it.
  ///
  /// A machine that is replaced leaves its Node behind, not ready, until the cloud controller deletes it, and its successor may have the
  /// same address. A node that is not called, such as one of kwok, takes no address. Between two nodes that are equally ready nothing is
  /// decided: each is called, and an agent answers for its own node only.
  private func addressHolder(of name: String, _ facts: NodeFacts) -> String? {
    guard !facts.ready, let endpoint = facts.endpoint else { return nil }
    return nodesByEndpoint[endpoint]?.filter { self.facts[$0]?.ready == true && self.facts[$0]?.exemption == nil }.min()
  }
}

/// Settings for building rolls.
package struct RollSettings: Hashable, Sendable {
  /// A container is not due for this time after its first start.
  package var grace: Duration
  /// A node that matches any of these is virtual.
  package var virtualNodes: [LabelSelector]
  package var exemptions: ExemptionSettings
  /// Whether a Node's loopback addresses are used, for tests and the demo.
  package var allowsLoopback: Bool
  package var annotations: AnnotationLimits
  /// The nodes that this replica calls.
  package var shard: NodeShard

  package init(
    grace: Duration, virtualNodes: [LabelSelector], exemptions: ExemptionSettings = ExemptionSettings(), allowsLoopback: Bool = false,
    annotations: AnnotationLimits = AnnotationLimits(), shard: NodeShard = .all
  ) {
    self.grace = grace
    self.virtualNodes = virtualNodes
    self.exemptions = exemptions
    self.allowsLoopback = allowsLoopback
    self.annotations = annotations
    self.shard = shard
  }
}
