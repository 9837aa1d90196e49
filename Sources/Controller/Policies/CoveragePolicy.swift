package import Primitives
package import Roll

/// A CoveragePolicy: what some containers get, instead of what the settings say.
package struct CoveragePolicy: Hashable, Sendable {
  package var name: String
  /// Of several policies that select a container, the one with the highest priority decides.
  package var priority: Int
  package var selector: PolicySelector
  package var effects: PolicyEffects

  package init(name: String, priority: Int = 0, selector: PolicySelector = PolicySelector(), effects: PolicyEffects) {
    self.name = name
    self.priority = priority
    self.selector = selector
    self.effects = effects
  }

  /// Whether this policy decides before another one: by priority, then by how many kinds of things it selects by, then by name.
  package func precedes(_ other: CoveragePolicy) -> Bool {
    (-priority, -selector.specificity, name) < (-other.priority, -other.selector.specificity, other.name)
  }

  /// Whether nothing but the name decides which of the two comes first.
  package func isLevel(with other: CoveragePolicy) -> Bool {
    priority == other.priority && selector.specificity == other.selector.specificity
  }
}

/// Which containers a policy is about. All parts that are given must match; without any it selects all containers.
package struct PolicySelector: Hashable, Sendable {
  /// A namespace must have one of the names, and the labels.
  package var namespaceNames: [NamePattern] = []
  package var namespaceLabels: LabelSelector?
  package var podLabels: LabelSelector?
  /// One of them must match.
  package var workloads: [WorkloadPattern] = []
  package var nodeLabels: LabelSelector?
  package var runtimeClasses: [NamePattern] = []
  package var sources: Set<Source> = []

  package init() {}

  /// The number of parts that are given. Names and labels of namespaces are one part.
  package var specificity: Int {
    [
      selectsByNamespace, podLabels != nil, !workloads.isEmpty, nodeLabels != nil, !runtimeClasses.isEmpty, !sources.isEmpty,
    ].count { $0 }
  }

  var selectsByNode: Bool { nodeLabels != nil || !sources.isEmpty }

  var selectsByNamespace: Bool { !namespaceNames.isEmpty || namespaceLabels != nil }

  func matches(node labels: [String: String], source: Source) -> Bool {
    (sources.isEmpty || sources.contains(source)) && nodeLabels?.matches(labels) != false
  }

  /// - Parameter labels: of the namespace; `nil` if it is not known, which has no labels then.
  func matches(namespace: String, labels: [String: String]?) -> Bool {
    (namespaceNames.isEmpty || namespaceNames.contains { $0.matches(namespace) }) && namespaceLabels?.matches(labels ?? [:]) != false
  }
}

/// Workloads by kind and name.
package struct WorkloadPattern: Hashable, Sendable {
  package var kind: NamePattern
  package var name: NamePattern

  package init(kind: NamePattern, name: NamePattern) {
    self.kind = kind
    self.name = name
  }
}

/// What a policy gives to the containers that it selects. `nil` and empty parts are left to the next policy, and in the end to the settings.
package struct PolicyEffects: Hashable, Sendable {
  package enum Collection: Hashable, Sendable {
    /// Collected although annotations, settings or a policy that comes later exempt the container.
    case required
    case exempt(reason: String)
  }

  package var collection: Collection?
  package var threshold: Duration?
  package var grace: Duration?
  package var scraping: ScrapingTerm?
  package var alerts = AlertTerms()

  package init() {}
}
