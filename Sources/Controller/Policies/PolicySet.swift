/// The policies in force, in order of precedence, with what is known of namespaces.
package struct PolicySet: Hashable, Sendable {
  package let policies: [CoveragePolicy]
  /// The labels of namespaces by name; empty unless a policy looks at them, so that other changes of namespaces change nothing.
  let namespaceLabels: [String: [String: String]]

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
