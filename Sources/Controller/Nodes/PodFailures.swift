import Collector
import Roll

/// How a pod on a virtual node changed with the last call of the node.
struct PodChange: Hashable {
  enum State: Hashable {
    case failed(Reason)
    /// After it had failed for this reason.
    case recovered(Reason)
  }

  var namespace: String
  var pod: String
  var state: State
  /// What was tried, on what, and what came of it.
  var detail = ""
}

/// Which pods of virtual nodes fail, and why: what has to be known to tell of a change once. A pod fails as the first of its containers
/// that was missed. Pure.
struct PodFailures {
  private struct Pod: Hashable {
    var namespace: String
    var name: String
  }

  private var reasons: [String: [Pod: Reason]] = [:]

  /// Enters what came of a call, and returns the pods that are another way than before, in the order of the roll. A pod that left the
  /// roll has neither failed nor recovered.
  mutating func changes(by call: RollCall, of roll: NodeRoll) -> [PodChange] {
    let before = reasons[roll.node] ?? [:]
    var now: [Pod: Reason] = [:]
    var changes: [PodChange] = []
    for (place, outcome) in call.answers.enumerated() {
      guard case .missed(let reason, let detail) = outcome else { continue }
      let reference = roll.entries.reference(at: place)
      let pod = Pod(namespace: reference.namespace, name: reference.pod)
      guard now[pod] == nil else { continue }
      now[pod] = reason
      if before[pod] != reason {
        changes.append(PodChange(namespace: pod.namespace, pod: pod.name, state: .failed(reason), detail: detail))
      }
    }
    if before.contains(where: { now[$0.key] == nil }) {
      var told: Set<Pod> = []
      for reference in roll.entries.references {
        let pod = Pod(namespace: reference.namespace, name: reference.pod)
        guard now[pod] == nil, let reason = before[pod], told.insert(pod).inserted else { continue }
        changes.append(PodChange(namespace: pod.namespace, pod: pod.name, state: .recovered(reason)))
      }
    }
    reasons[roll.node] = now.isEmpty ? nil : now
    return changes
  }

  mutating func forget(node: String) {
    reasons[node] = nil
  }
}
