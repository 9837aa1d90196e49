import Collector
import Logging
import Roll
internal import Synchronization

/// Calls the roll of a virtual node and logs the pods that failed or recovered since the last call.
///
/// Each change is one log line. If more than a few pods change in the same way in one call, e.g. because the network fails, they share
/// lines. Each pod is still named once; 5,000 pods take 50 lines.
final class VirtualNodeCollector: NodeCollector {
  /// Up to this number of pods with the same change are logged one per line.
  private static let maximumSingleLines = 10
  private static let podsPerLine = 100

  private let collector: VirtualCollector
  private let logger: Logger
  private let failures = Mutex(PodFailures())

  init(_ collector: VirtualCollector, logger: Logger) {
    self.collector = collector
    self.logger = logger
  }

  func call(_ roll: NodeRoll) async -> RollCall {
    let call = await collector.call(roll)
    // A cancelled call is incomplete.
    if !Task.isCancelled { logChanges(by: call, of: roll) }
    return call
  }

  func forget(node: String) {
    collector.forget(node: node)
    failures.withLock { $0.forget(node: node) }
  }

  func logChanges(by call: RollCall, of roll: NodeRoll) {
    let changes = failures.withLock { $0.changes(by: call, of: roll) }
    let states = changes.map(\.state).reduce(into: [PodChange.State]()) { if !$0.contains($1) { $0.append($1) } }
    for state in states {
      let pods = changes.filter { $0.state == state }
      let perLine = pods.count > Self.maximumSingleLines ? Self.podsPerLine : 1
      for start in stride(from: 0, to: pods.count, by: perLine) {
        log(pods[start..<min(start + perLine, pods.count)], state, node: roll.node)
      }
    }
  }

  /// - Parameter pods: one or more pods with the same change.
  private func log(_ pods: ArraySlice<PodChange>, _ state: PodChange.State, node: String) {
    let names = pods.map { "\($0.namespace)/\($0.pod)" }
    var metadata: Logger.Metadata = ["node": "\(node)"]
    if let name = names.first, names.count == 1 {
      metadata["pod"] = "\(name)"
    } else {
      metadata["count"] = "\(names.count)"
      metadata["pods"] = "\(names.joined(separator: " "))"
    }
    switch state {
    case .failed(let reason):
      metadata["reason"] = "\(reason.rawValue)"
      // The detail of one pod is enough to start with.
      metadata["detail"] = "\(pods.first?.detail ?? "")"
      logger.warning("pod of a virtual node not collected", metadata: metadata)
    case .recovered(let reason):
      metadata["reason"] = "\(reason.rawValue)"
      logger.notice("pod of a virtual node collected again", metadata: metadata)
    }
  }
}

/// A change in a pod's state since the previous call of its virtual node.
struct PodChange: Hashable {
  enum State: Hashable {
    case failed(Reason)
    /// Collected again. Carries the reason of the last failure.
    case recovered(Reason)
  }

  var namespace: String
  var pod: String
  var state: State
  /// The request that failed, and how.
  var detail = ""
}

/// The pods of virtual nodes that currently fail, with reasons, so that each change is logged once. A pod's reason is that of its first
/// missed container that is due. Pure.
struct PodFailures {
  private struct Pod: Hashable {
    var namespace: String
    var name: String
  }

  private var reasons: [String: [Pod: Reason]] = [:]

  /// Records the results of a call.
  /// - Returns: the pods whose state changed: failures, then recoveries, each in roll order. A pod that left the roll is in neither.
  mutating func changes(by call: RollCall, of roll: NodeRoll) -> [PodChange] {
    let before = reasons[roll.node] ?? [:]
    var now: [Pod: Reason] = [:]
    var changes: [PodChange] = []
    for (index, answer) in call.answers.enumerated() {
      guard case .missed(let reason, let detail) = answer else { continue }
      let reference = roll.entries.reference(at: index)
      let pod = Pod(namespace: reference.namespace, name: reference.pod)
      guard now[pod] == nil else { continue }
      guard roll.entries.notDue(at: index) == nil else {
        // It has neither failed nor recovered.
        now[pod] = before[pod]
        continue
      }
      now[pod] = reason
      if before[pod] != reason {
        changes.append(PodChange(namespace: pod.namespace, pod: pod.name, state: .failed(reason), detail: detail))
      }
    }
    if before.contains(where: { now[$0.key] == nil }) {
      var reported: Set<Pod> = []
      for reference in roll.entries.references {
        let pod = Pod(namespace: reference.namespace, name: reference.pod)
        guard now[pod] == nil, let reason = before[pod], reported.insert(pod).inserted else { continue }
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
