internal import KubeClient
package import Roll

/// Finds out what other policies would change.
package protocol PolicyTrying: Sendable {
  /// - Parameters:
  ///   - tried: the names of the policies that are new or changed.
  ///   - limit: the number of examples of each kind of change.
  /// - Throws: `CancellationError`.
  func changes(from old: PolicySet, to new: PolicySet, tried: Set<String>, limit: Int, at now: ClockReading) async throws -> PolicyChanges
}

/// What would change if other policies were in force: rolls and ledger are computed as they would be, and compared with what they are. Changes
/// nothing.
package struct PolicyTrial<Nodes: NodeLookup & Sendable, Pods: PodLookup & Sendable>: PolicyTrying {
  /// The number of nodes that are computed before others may use the thread.
  private static var nodesAtOnce: Int { 16 }

  package let nodes: Nodes
  package let pods: Pods
  package let rolls: [String: NodeRoll]
  package let rules: ExemptionRules
  package let settings: RollSettings
  package let ledger: Ledger

  package init(
    nodes: Nodes, pods: Pods, rolls: [String: NodeRoll], rules: ExemptionRules,
    settings: RollSettings, ledger: Ledger
  ) {
    self.nodes = nodes
    self.pods = pods
    self.rolls = rolls
    self.rules = rules
    self.settings = settings
    self.ledger = ledger
  }

  package func changes(
    from old: PolicySet, to new: PolicySet, tried: Set<String>, limit: Int, at now: ClockReading
  ) async throws -> PolicyChanges {
    var changes = PolicyChanges(limit: limit)
    var (before, after) = (PolicyMatcher(old), PolicyMatcher(new))
    var ledger = ledger
    var names = rolls.keys.sorted()[...]
    while !names.isEmpty {
      let batch = names.prefix(Self.nodesAtOnce)
      names = names.dropFirst(Self.nodesAtOnce)
      var affected: Set<ObjectKey> = []
      for name in batch {
        try Task.checkCancellation()
        guard let node = nodes[ObjectKey(name: name)], let source = rolls[name]?.source else { continue }
        let groups = (before.group(ofNode: node.labels, source: source), after.group(ofNode: node.labels, source: source))
        for pod in pods.pods(onNode: name) {
          let decisions = (before.decision(on: pod, in: groups.0), after.decision(on: pod, in: groups.1))
          if decisions.0 != decisions.1 { affected.insert(ObjectKey(name: name)) }
          if decisions.1.policies.contains(where: tried.contains) { changes.add(selected: pod, decisions.1, tried: tried) }
        }
      }
      var builder = RollBuilder(settings: settings, continuing: affected.compactMap { rolls[$0.name] })
      let rebuilt = builder.update(
        nodes: nodes, nodeChange: .keys(affected), pods: pods, podChange: nil, rules: rules, policies: new, at: now)
      for case .changed(var roll) in rebuilt {
        guard let current = rolls[roll.node] else { continue }
        roll.addressHolder = current.addressHolder
        changes.add(from: current, to: roll)
        let review = Moment(milliseconds: now.moment.milliseconds + 1)
        changes.add(ledger.update(roll, at: now.moment) + ledger.review(node: roll.node, at: review))
      }
      await Task.yield()
      try Task.checkCancellation()
    }
    changes.leavesNothing = changes.newlyExempt.count > 0 && ledger.nodes.values.allSatisfy { $0.roll.entries.isEmpty }
    return changes
  }
}

/// What a trial found.
package struct PolicyChanges: Sendable {
  /// Containers with one kind of change: how many, and the first of them.
  package struct Kind: Sendable {
    package private(set) var count = 0
    package private(set) var examples: [(container: ContainerReference, text: String)] = []
    fileprivate let limit: Int

    mutating func add(_ container: ContainerReference, _ text: @autoclosure () -> String) {
      count += 1
      if examples.count < limit { examples.append((container, text())) }
    }
  }

  /// The containers that each tried policy selects, and those for which it decides nothing.
  package private(set) var selected: [String: (containers: Int, overridden: Int)] = [:]
  package private(set) var newlyExempt: Kind
  package private(set) var noLongerExempt: Kind
  package private(set) var threshold: Kind
  package private(set) var grace: Kind
  package private(set) var scraping: Kind
  package private(set) var alerts: Kind
  package private(set) var gapsOpened: Kind
  package private(set) var gapsClosed: Kind
  /// Whether no container would be collected any more.
  package fileprivate(set) var leavesNothing = false

  init(limit: Int) {
    let kind = Kind(limit: limit)
    newlyExempt = kind
    noLongerExempt = kind
    threshold = kind
    grace = kind
    scraping = kind
    alerts = kind
    gapsOpened = kind
    gapsClosed = kind
  }

  /// By name, in the order of a report.
  package var kinds: [(name: String, kind: Kind)] {
    [
      ("newlyExempt", newlyExempt), ("noLongerExempt", noLongerExempt), ("threshold", threshold), ("grace", grace), ("scraping", scraping),
      ("alerts", alerts), ("gapsOpened", gapsOpened), ("gapsClosed", gapsClosed),
    ]
  }

  package var isEmpty: Bool { kinds.allSatisfy { $0.kind.count == 0 } }

  fileprivate mutating func add(selected pod: PodRecord, _ decision: PolicyDecision, tried: Set<String>) {
    let deciders = decision.deciders
    let count = pod.containers.count
    for name in decision.policies where tried.contains(name) {
      selected[name, default: (0, 0)].containers += count
      if !deciders.contains(name) { selected[name, default: (0, 0)].overridden += count }
    }
  }

  fileprivate mutating func add(from old: NodeRoll, to new: NodeRoll) {
    for (index, entry) in old.entries.enumerated() {
      let container = entry.reference
      guard let place = new.entries.index(of: container) else {
        newlyExempt.add(container, new.exemption(of: container)?.rawValue ?? "")
        continue
      }
      let (before, after) = (old.terms[index], new.terms[place])
      if before?.threshold != after?.threshold { threshold.add(container, Self.text(before?.threshold?.text, after?.threshold?.text)) }
      if before?.scraping != after?.scraping { scraping.add(container, Self.text(before?.scraping?.rawValue, after?.scraping?.rawValue)) }
      let (alertsBefore, alertsAfter) = (before?.alerts ?? AlertTerms(), after?.alerts ?? AlertTerms())
      if alertsBefore != alertsAfter { alerts.add(container, Self.text(alertsBefore.text, alertsAfter.text)) }
      let (wasStarting, isStarting) = (entry.notDue == .starting, new.entries.notDue(at: place) == .starting)
      if wasStarting != isStarting { grace.add(container, isStarting ? "within its grace period" : "due at once") }
    }
    for entry in old.exempt where new.entries.index(of: entry.reference) != nil {
      noLongerExempt.add(entry.reference, entry.exemption.rawValue)
    }
  }

  fileprivate mutating func add(_ transitions: [GapTransition]) {
    for transition in transitions {
      let gap = transition.gap
      let text = "\(gap.kind.rawValue): \(gap.reason.rawValue)"
      switch transition.change {
      case .opened: gapsOpened.add(gap.container, text)
      case .closed: gapsClosed.add(gap.container, text)
      }
    }
  }

  private static func text(_ before: String?, _ after: String?) -> String { "\(before ?? "settings") -> \(after ?? "settings")" }
}

extension AlertTerms {
  fileprivate var text: String? {
    if isEmpty { return nil }
    return ([severity.map { "severity=\($0)" }].compactMap(\.self) + labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
      .joined(separator: ",")
  }
}
