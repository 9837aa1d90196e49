package import KubeClient
internal import Primitives
package import Roll

/// The policies in force, in order of precedence, with what is known of namespaces.
package struct PolicySet: Hashable, Sendable {
  package let policies: [CoveragePolicy]
  /// The labels of namespaces by name; empty unless a policy looks at them, so that other changes of namespaces change nothing.
  fileprivate let namespaceLabels: [String: [String: String]]

  package static let none = PolicySet([])

  /// - Parameter namespaces: the labels of all namespaces by name.
  package init(_ policies: some Sequence<CoveragePolicy>, namespaces: @autoclosure () -> [String: [String: String]] = [:]) {
    self.policies = policies.sorted { $0.precedes($1) }
    namespaceLabels = self.policies.contains { $0.selector.namespaceLabels != nil } ? namespaces() : [:]
  }

  package var isEmpty: Bool { policies.isEmpty }

  package subscript(name: String) -> CoveragePolicy? { policies.first { $0.name == name } }

  /// The set with this policy, in the place of one with its name.
  package func replacing(_ added: some Sequence<CoveragePolicy>, namespaces: @autoclosure () -> [String: [String: String]]) -> PolicySet {
    let added = Array(added)
    let names = Set(added.map(\.name))
    return PolicySet(policies.filter { !names.contains($0.name) } + added, namespaces: namespaces())
  }
}

/// What the policies in force say about one Pod: for each effect, what the first of the policies says that says anything.
package struct PolicyDecision: Hashable, Sendable {
  /// An effect, and the policy that decided it.
  package struct Decided<Value: Hashable & Sendable>: Hashable, Sendable {
    package var value: Value
    package var policy: String
  }

  /// The names of the policies that select the Pod, in order of precedence.
  package private(set) var policies: [String] = []
  package private(set) var collection: Decided<PolicyEffects.Collection>?
  package private(set) var threshold: Decided<Duration>?
  package private(set) var grace: Decided<Duration>?
  package private(set) var scraping: Decided<ScrapingTerm>?
  package private(set) var severity: Decided<String>?
  package private(set) var labels: [String: Decided<String>] = [:]
  /// For the ledger; `nil` if no policy selects the Pod.
  package private(set) var terms: ContainerTerms?

  package static let none = PolicyDecision([])

  /// - Parameter policies: those that select the Pod, in order of precedence.
  package init(_ policies: [CoveragePolicy]) {
    guard !policies.isEmpty else { return }
    for policy in policies {
      let (name, effects) = (policy.name, policy.effects)
      func decide<Value>(_ current: Decided<Value>?, _ value: Value?) -> Decided<Value>? {
        current ?? value.map { Decided(value: $0, policy: name) }
      }
      self.policies.append(name)
      collection = decide(collection, effects.collection)
      threshold = decide(threshold, effects.threshold)
      grace = decide(grace, effects.grace)
      scraping = decide(scraping, effects.scraping)
      severity = decide(severity, effects.alerts.severity)
      for (label, value) in effects.alerts.labels where labels[label] == nil { labels[label] = Decided(value: value, policy: name) }
    }
    terms = ContainerTerms(
      policies: self.policies, threshold: threshold?.value, scraping: scraping?.value,
      alerts: AlertTerms(severity: severity?.value, labels: labels.mapValues(\.value)))
  }

  /// Why a policy exempts the Pod, and which; `nil` if none does.
  package var exemption: (reason: String, policy: String)? {
    guard let collection, case .exempt(let reason) = collection.value else { return nil }
    return (reason, collection.policy)
  }

  /// Whether a policy demands that the Pod is collected.
  package var requiresCollection: Bool { collection?.value == .required }
}

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
