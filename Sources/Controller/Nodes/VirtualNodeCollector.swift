import Collector
import Logging
import Roll
internal import Synchronization

/// Calls the roll of a virtual node, and logs which of its pods failed or recovered since the last call.
///
/// A pod has a line of its own for each change. Where more than a few change in the same way at once, as when a network fails, they share
/// lines: each pod is still named once, and 5,000 of them are 50 lines.
final class VirtualNodeCollector: NodeCollector {
  /// So many pods that change in the same way have lines of their own.
  private static let ownLines = 10
  private static let podsOfLine = 100

  private let collector: VirtualCollector
  private let logger: Logger
  private let failures = Mutex(PodFailures())

  init(_ collector: VirtualCollector, logger: Logger) {
    self.collector = collector
    self.logger = logger
  }

  func call(_ roll: NodeRoll) async -> RollCall {
    let call = await collector.call(roll)
    // A call that was ended early says nothing.
    if !Task.isCancelled { note(call, of: roll) }
    return call
  }

  func forget(node: String) {
    collector.forget(node: node)
    failures.withLock { $0.forget(node: node) }
  }

  func note(_ call: RollCall, of roll: NodeRoll) {
    let changes = failures.withLock { $0.changes(by: call, of: roll) }
    let states = changes.map(\.state).reduce(into: [PodChange.State]()) { if !$0.contains($1) { $0.append($1) } }
    for state in states {
      let like = changes.filter { $0.state == state }
      let lines = like.count > Self.ownLines ? Self.podsOfLine : 1
      for start in stride(from: 0, to: like.count, by: lines) { log(like[start..<min(start + lines, like.count)], state, node: roll.node) }
    }
  }

  /// - Parameter pods: one, or some that changed in the same way.
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
      // Of many, one tells what to look at.
      metadata["detail"] = "\(pods.first?.detail ?? "")"
      logger.warning("pod of a virtual node not collected", metadata: metadata)
    case .recovered(let reason):
      metadata["after"] = "\(reason.rawValue)"
      logger.notice("pod of a virtual node collected again", metadata: metadata)
    }
  }
}

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
    for (index, answer) in call.answers.enumerated() {
      guard case .missed(let reason, let detail) = answer else { continue }
      let reference = roll.entries.reference(at: index)
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
