import KubeClient
import Logging
import Roll
import Synchronization

/// Builds Events for gaps that open and close: one per pod, preceded by one per node on which no container is collected.
///
/// Pure, except that it remembers the nodes that were reported and are not collected again.
struct GapEvents {
  private static let action = "CallingRoll"

  private var missingNodes: Set<String> = []

  /// An Event covers one pod and all of its containers with the same kind of change.
  private struct Subject: Hashable {
    var node: String
    var namespace: String
    var pod: String
    var kind: GapKind
    var isOpen: Bool
  }

  /// - Parameter ledger: the ledger after the transitions.
  mutating func events(_ transitions: [GapTransition], ledger: Ledger, at reading: ClockReading) -> [ClusterEvent] {
    var subjects: [Subject] = []
    var changes: [Subject: [GapTransition]] = [:]
    for transition in transitions where transition.isReported {
      let container = transition.gap.container
      let subject = Subject(
        node: transition.gap.node, namespace: container.namespace, pod: container.pod, kind: transition.gap.kind,
        isOpen: transition.change == .opened)
      if changes[subject] == nil { subjects.append(subject) }
      changes[subject, default: []].append(transition)
    }
    return nodeEvents(Set(subjects.map(\.node)), ledger: ledger, at: reading)
      + podEvents(subjects, changes: changes, ledger: ledger, at: reading)
  }

  // MARK: Nodes

  private mutating func nodeEvents(_ nodes: Set<String>, ledger: Ledger, at reading: ClockReading) -> [ClusterEvent] {
    missingNodes = missingNodes.filter { ledger.nodes[$0] != nil }
    // Includes missing nodes without a transition: one may have recovered while no Event could be written.
    return nodes.union(missingNodes).sorted().compactMap { name in
      guard let node = ledger.nodes[name] else { return nil }
      let coverage = node.coverage(at: reading.moment, threshold: ledger.threshold)
      if coverage.collected > 0, missingNodes.remove(name) != nil {
        return event(
          about: .node(name), isOpen: false, kind: .uncollected,
          note: "\(coverage.collected) of the \(coverage.expected) containers on this node are collected again.")
      }
      guard node.isMissing, missingNodes.insert(name).inserted,
        let first = node.gaps().filter({ $0.kind == .uncollected }).min(by: { $0.since < $1.since })
      else { return nil }
      return event(
        about: .node(name), isOpen: true, kind: .uncollected,
        note: "None of the \(coverage.expected) containers on this \(first.source.rawValue) node has been collected since "
          + "\(rfc3339(reading.unixMilliseconds(of: first.since))): \(first.reason.rawValue)\(inParentheses(first.detail)). "
          + advice(first.reason))
    }
  }

  /// Takes over the missing nodes that an earlier leader reported.
  /// - Parameter ledger: the ledger with the restored gaps.
  mutating func takeOver(_ ledger: Ledger) {
    for (name, node) in ledger.nodes where node.isMissing { missingNodes.insert(name) }
  }

  // MARK: Pods

  private func podEvents(
    _ subjects: [Subject], changes: [Subject: [GapTransition]], ledger: Ledger, at reading: ClockReading
  ) -> [ClusterEvent] {
    let uids = podUIDs(of: Set(subjects.map(\.node)), ledger: ledger)
    return subjects.compactMap { subject in
      // Nobody looks at the Events of a pod that is gone.
      guard let transitions = changes[subject], let uid = uids["\(subject.namespace)/\(subject.pod)"] else { return nil }
      return event(
        about: .pod(subject.pod, namespace: subject.namespace, uid: uid), isOpen: subject.isOpen, kind: subject.kind,
        note: subject.isOpen ? openNote(transitions, at: reading) : closedNote(transitions))
    }
  }

  private func podUIDs(of nodes: Set<String>, ledger: Ledger) -> [String: String] {
    var uids: [String: String] = [:]
    for entry in nodes.compactMap({ ledger.nodes[$0] }).flatMap(\.roll.entries) {
      uids["\(entry.reference.namespace)/\(entry.reference.pod)"] = entry.podUID
    }
    return uids
  }

  private func openNote(_ transitions: [GapTransition], at reading: ClockReading) -> String {
    let gaps = transitions.map(\.gap)
    let since = gaps.map(\.since).min() ?? reading.moment
    let what = gaps[0].kind == .uncollected ? "not collected" : "collected but not scraped by Prometheus"
    let containers = gaps.map { "\($0.container.container): \($0.reason.rawValue)\(inParentheses($0.detail))" }
    return "Since \(rfc3339(reading.unixMilliseconds(of: since))) \(what): \(containers.joined(separator: "; ")). " + advice(gaps[0].reason)
  }

  private func closedNote(_ transitions: [GapTransition]) -> String {
    let containers = transitions.compactMap { transition -> String? in
      guard case .closed(_, let after) = transition.change else { return nil }
      return "\(transition.gap.container.container) after \(after.inWholeSeconds.text)"
    }
    let what = transitions[0].gap.kind == .uncollected ? "Collected" : "Scraped by Prometheus"
    return "\(what) again: \(containers.joined(separator: ", "))."
  }

  private func inParentheses(_ detail: String) -> String { detail.isEmpty ? "" : " (\(detail))" }

  private func event(about object: ObjectReference, isOpen: Bool, kind: GapKind, note: String) -> ClusterEvent {
    let reason =
      switch (kind, isOpen) {
      case (.uncollected, true): "NotCollected"
      case (.uncollected, false): "CollectedAgain"
      case (.unscraped, true): "NotScraped"
      case (.unscraped, false): "ScrapedAgain"
      }
    return ClusterEvent(about: object, type: isOpen ? .warning : .normal, reason: reason, action: Self.action, note: note)
  }
}

extension GapTransition {
  /// Whether to report the transition. A gap that closed because its container is gone or was replaced says nothing about a current object.
  fileprivate var isReported: Bool {
    switch change {
    case .opened, .closed(.recovered, _): true
    case .closed: false
    }
  }
}

/// Writes Events about gaps to the API server. Runs on the leader only.
final class GapEventPoster: StatusSource {
  /// `reportingController` of every Event.
  static let controller = "rollcall.dev/controller"

  private let policy = EventPolicy()
  private let recorder: EventRecorder
  private let time: any TimeSource
  private let isLeading: @Sendable () -> Bool
  private let builder = Mutex(GapEvents())

  init(client: KubeClient, identity: String, time: any TimeSource, logger: Logger, isLeading: @escaping @Sendable () -> Bool) {
    recorder = EventRecorder(client: client, controller: Self.controller, instance: identity, policy: policy, logger: logger)
    self.time = time
    self.isLeading = isLeading
  }

  var status: EventStatistics { recorder.statistics }

  /// Queues Events about the transitions; returns at once.
  /// - Parameter ledger: the ledger after the transitions.
  func post(_ transitions: [GapTransition], ledger: Ledger) {
    guard isLeading() else { return }
    let reading = time.reading()
    for event in builder.withLock({ $0.events(transitions, ledger: ledger, at: reading) }) {
      // If very many gaps open, Events about whole nodes are more useful than those about their pods.
      recorder.record(event, ifFewerQueuedThan: event.object.kind == "Node" ? nil : policy.maximumQueue / 2)
    }
  }

  /// Nodes that an earlier leader reported as missing are not reported again, and their recovery is.
  /// - Parameter ledger: the ledger with the restored gaps.
  func takeOver(_ ledger: Ledger) {
    builder.withLock { $0.takeOver(ledger) }
  }

  /// Writes until the task is cancelled.
  func run() async {
    await recorder.run()
    // The next leader reports what has become of the missing nodes.
    builder.withLock { $0 = GapEvents() }
  }
}
