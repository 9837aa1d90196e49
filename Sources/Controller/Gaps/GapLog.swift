import Logging
import Roll

/// Logs gaps that open and close: one line per gap, or one line for many gaps of a node with the same cause.
struct GapLog {
  let logger: Logger

  /// Maximum number of separate lines for gaps of one group.
  static let linesOfANode = 3

  /// Gaps that may share a line.
  private struct Group: Hashable {
    var node: String
    var source: Source
    var kind: GapKind
    var reason: Reason
    /// `nil` if they opened.
    var end: GapEnd?

    init(_ transition: GapTransition) {
      node = transition.gap.node
      source = transition.gap.source
      kind = transition.gap.kind
      reason = transition.gap.reason
      if case .closed(let end, _) = transition.change { self.end = end }
    }
  }

  func log(_ transitions: [GapTransition]) {
    var order: [Group] = []
    var shared: [Group: [GapTransition]] = [:]
    for transition in transitions {
      let group = Group(transition)
      if shared[group] == nil { order.append(group) }
      shared[group, default: []].append(transition)
    }
    for group in order {
      let transitions = shared[group] ?? []
      if transitions.count > Self.linesOfANode {
        log(transitions, of: group)
      } else {
        for transition in transitions { log([transition], of: group) }
      }
    }
  }

  /// Logs one line. For several gaps, container, detail and age are those of the oldest.
  private func log(_ transitions: [GapTransition], of group: Group) {
    guard let oldest = transitions.min(by: { $0.gap.since < $1.gap.since }) else { return }
    let container = oldest.gap.container
    var metadata: Logger.Metadata = [
      "container": "\(container.namespace)/\(container.pod)/\(container.container)", "node": "\(group.node)",
      "source": "\(group.source.rawValue)", "kind": "\(group.kind.rawValue)", "reason": "\(group.reason.rawValue)",
    ]
    let isOne = transitions.count == 1
    if !isOne { metadata["gaps"] = "\(transitions.count)" }
    switch oldest.change {
    case .opened:
      metadata["detail"] = "\(oldest.gap.detail)"
      metadata["age"] = "\((oldest.at - oldest.gap.since).inWholeSeconds.text)"
      logger.warning(isOne ? "gap opened" : "gaps opened", metadata: metadata)
    case .closed(let end, let length):
      metadata["duration"] = "\(length.inWholeSeconds.text)"
      metadata["end"] = "\(end.text)"
      logger.notice(isOne ? "gap closed" : "gaps closed", metadata: metadata)
    }
  }
}

extension GapEnd {
  /// For the log.
  var text: String {
    switch self {
    case .recovered: "seen again"
    case .leftRoll: "the container is gone and was not seen again"
    case .exempt(let exemption): "the container is now exempt: \(exemption.rawValue)"
    case .relaxed: "a policy allows more time"
    case .replaced: "another instance replaced the container"
    case .superseded: "another gap of the container replaced it"
    }
  }
}
