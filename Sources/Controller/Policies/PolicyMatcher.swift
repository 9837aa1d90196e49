package import KubeClient
internal import Primitives
package import Roll

/// Finds the decision on each Pod. Pods that have labels and workload in common are decided together.
package struct PolicyMatcher: Sendable {
  /// Policies that may select Pods on a node, by its labels and source.
  package struct NodeGroup: Hashable, Sendable {
    fileprivate var index: Int
  }

  private struct PodCommon: Hashable {
    var node: Int
    var namespace: Name
    var common: Name?
  }

  private struct NamespaceOnNodes: Hashable {
    var node: Int
    var namespace: Name
  }

  /// At this number of groups all are forgotten: workloads come and go.
  private static let maximumGroups = 100_000

  package let set: PolicySet
  /// The indexes of the policies that look at nodes, and of the others.
  private let ofNodes: [Int]
  private let ofAllNodes: [Int]
  /// The indexes of policies of each group of nodes.
  private var nodeGroups: [[Int]] = []
  /// By the indexes of the policies that look at nodes.
  private var knownNodeGroups: [[Int]: Int] = [:]
  private var byNamespace: [NamespaceOnNodes: [Int]] = [:]
  private var byPod: [PodCommon: PolicyDecision] = [:]
  private var byPolicies: [[Int]: PolicyDecision] = [:]
  /// Whether some policy looks at labels that the Pods of a workload do not share.
  private let usesOwnLabels: Bool
  /// Whether some policy looks at workloads. A Pod without one is its own, of the kind `Pod`.
  private let usesWorkloads: Bool

  package init(_ set: PolicySet = .none) {
    self.set = set
    ofNodes = set.policies.indices.filter { set.policies[$0].selector.selectsByNode }
    ofAllNodes = set.policies.indices.filter { !set.policies[$0].selector.selectsByNode }
    usesOwnLabels = set.policies.contains { $0.selector.podLabels?.keys.contains(where: PodRecord.isOwnLabel) == true }
    usesWorkloads = set.policies.contains { !$0.selector.workloads.isEmpty }
  }

  package mutating func group(ofNode labels: [String: String], source: Source) -> NodeGroup {
    let found = ofNodes.filter { set.policies[$0].selector.matches(node: labels, source: source) }
    if let known = knownNodeGroups[found] { return NodeGroup(index: known) }
    nodeGroups.append((ofAllNodes + found).sorted())
    knownNodeGroups[found] = nodeGroups.count - 1
    return NodeGroup(index: nodeGroups.count - 1)
  }

  package mutating func decision(on pod: PodRecord, in group: NodeGroup) -> PolicyDecision {
    let namespace = pod.identity.namespace
    let candidates = candidates(in: namespace, group)
    if candidates.isEmpty { return .none }
    if usesOwnLabels && !pod.ownLabels.isEmpty || usesWorkloads && pod.workload == nil {
      return decision(on: pod, of: candidates, labels: pod.scrapeFacts.labels)
    }
    let key = PodCommon(node: group.index, namespace: namespace, common: pod.common)
    if let known = byPod[key] { return known }
    let decision = decision(on: pod, of: candidates, labels: pod.scrapeFacts.labels)
    if byPod.count >= Self.maximumGroups { byPod = [:] }
    byPod[key] = decision
    return decision
  }

  private mutating func candidates(in namespace: Name, _ group: NodeGroup) -> [Int] {
    let key = NamespaceOnNodes(node: group.index, namespace: namespace)
    if let known = byNamespace[key] { return known }
    let name = namespace.description
    let labels = set.namespaceLabels[name]
    let found = nodeGroups[group.index].filter { set.policies[$0].selector.matches(namespace: name, labels: labels) }
    if byNamespace.count >= Self.maximumGroups { byNamespace = [:] }
    byNamespace[key] = found
    return found
  }

  private mutating func decision(on pod: PodRecord, of candidates: [Int], labels: [String: String]) -> PolicyDecision {
    let (workload, runtimeClass) = (pod.workload ?? Workload(kind: "Pod", name: pod.name), pod.runtimeClassName)
    let found = candidates.filter { index in
      let selector = set.policies[index].selector
      if let podLabels = selector.podLabels, !podLabels.matches(labels) { return false }
      if !selector.runtimeClasses.isEmpty {
        guard let runtimeClass, selector.runtimeClasses.contains(where: { $0.matches(runtimeClass) }) else { return false }
      }
      return selector.workloads.isEmpty
        || selector.workloads.contains { $0.kind.matches(workload.kind) && $0.name.matches(workload.name) }
    }
    // The decisions share what they hold.
    if let known = byPolicies[found] { return known }
    let decision = PolicyDecision(found.map { set.policies[$0] })
    byPolicies[found] = decision
    return decision
  }
}
