import KubeClient
import Roll
import Synchronization

@testable import Controller

/// Policies as a test sets them. They select nodes without labels.
final class FixedPolicies: PolicyReport {
  struct Content: Sendable {
    var state = PolicyWatch.State.ready
    var records: [PolicyRecord] = []
    var statuses: [PolicyStatus] = []
    var namespaceLabels: [String: [String: String]] = [:]
  }

  private let content = Mutex(Content())

  func set(_ change: (inout Content) -> Void) { content.withLock { change(&$0) } }

  let settings = PolicySettings(leastThreshold: .seconds(90))
  var state: PolicyWatch.State { content.withLock { $0.state } }
  var records: [PolicyRecord] { content.withLock { $0.records } }
  var set: PolicySet { PolicySet(records.compactMap { try? $0.checked(settings).get() }, namespaces: namespaceLabels) }
  var namespaceLabels: [String: [String: String]] { content.withLock { $0.namespaceLabels } }
  var statuses: [PolicyStatus] { content.withLock { $0.statuses } }

  func decision(on pod: PodRecord) -> PolicyDecision {
    var matcher = PolicyMatcher(set)
    return matcher.decision(on: pod, in: matcher.group(ofNode: [:], source: .linux))
  }
}
