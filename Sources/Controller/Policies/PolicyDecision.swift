package import Roll

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
