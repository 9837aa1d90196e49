package import KubeClient
internal import Roll

/// What is known of policies, for people.
package protocol PolicyReport: Sendable {
  var state: PolicyWatch.State { get }
  var settings: PolicySettings { get }
  /// The objects, sorted by name.
  var records: [PolicyRecord] { get }
  /// The policies in force.
  var set: PolicySet { get }
  /// The labels of all namespaces by name.
  var namespaceLabels: [String: [String: String]] { get }
  /// What became of each policy, sorted by name; empty on a replica that does not lead.
  var statuses: [PolicyStatus] { get }
  /// What the policies say about a Pod.
  func decision(on pod: PodRecord) -> PolicyDecision
}

/// The policies of a running controller.
struct RunningPolicies: PolicyReport {
  let watch: PolicyWatch
  let writer: PolicyStatusWriter
  let nodes: Store<NodeRecord>
  let rolls: RollStore

  var state: PolicyWatch.State { watch.state }
  var settings: PolicySettings { watch.settings }
  var records: [PolicyRecord] { watch.records }
  var set: PolicySet { watch.set }
  var namespaceLabels: [String: [String: String]] { watch.namespaceLabels }
  var statuses: [PolicyStatus] { writer.status }

  func decision(on pod: PodRecord) -> PolicyDecision {
    guard let name = pod.nodeName, let roll = rolls.roll(of: name) else { return .none }
    var matcher = PolicyMatcher(set)
    let group = matcher.group(ofNode: nodes.snapshot()[ObjectKey(name: name)]?.labels ?? [:], source: roll.source)
    return matcher.decision(on: pod, in: group)
  }
}
