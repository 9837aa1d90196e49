package import Roll

/// Records for every container on the roll since when it is due, when it was last collected and when its data was last scraped, and derives
/// the gaps. Pure and synchronous: methods take the time as an argument and return the gaps that opened or closed.
///
/// Ages grow without input: a node task that hangs leads to a gap just as one that fails, as long as `evaluate` is called.
package struct Ledger: Sendable {
  /// Maximum age of a collection or a scrape.
  package let threshold: Duration
  package private(set) var nodes: [String: NodeLedger] = [:]
  /// Restored gaps whose container is not on a roll yet.
  private var unclaimed: [ContainerReference: [RestoredGap]] = [:]

  private struct RestoredGap {
    var gap: OpenGap
    var since: Moment
  }

  package init(threshold: Duration) {
    self.threshold = threshold
  }

  // MARK: Changes

  /// Adds or replaces a node's roll.
  package mutating func update(_ roll: NodeRoll, at now: Moment) -> [GapTransition] {
    let transitions = nodes[roll.node]?.update(to: roll, at: now) ?? []
    if nodes[roll.node] == nil {
      nodes[roll.node] = NodeLedger(roll: roll, at: now, threshold: threshold)
    }
    if !unclaimed.isEmpty {
      for entry in roll.entries where unclaimed[entry.reference] != nil { claim(entry.reference, on: roll.node) }
    }
    return transitions
  }

  /// Removes a node. Its gaps close as `leftRoll`.
  package mutating func remove(node: String, at now: Moment) -> [GapTransition] {
    let transitions = nodes[node]?.closeAll(at: now) ?? []
    nodes[node] = nil
    return transitions
  }

  /// Records the result of calling a roll, received `now`. If the roll was replaced meanwhile, the result counts for the containers that are
  /// still on the node's roll.
  package mutating func record(_ call: RollCall, of roll: NodeRoll, at now: Moment) -> [GapTransition] {
    nodes[roll.node]?.record(call, of: roll, at: now, threshold: threshold) ?? []
  }

  /// Opens gaps that are overdue by time alone. Must be called every few seconds.
  /// - Parameter limit: the maximum number of nodes to evaluate. Nodes on which no gap can have opened do not count.
  package mutating func evaluate(at now: Moment, nodes limit: Int = .max) -> [GapTransition] {
    var transitions: [GapTransition] = []
    var left = limit
    // By index: a loop over the keys would retain the dictionary, and the first mutation would copy all nodes.
    var index = nodes.startIndex
    while index != nodes.endIndex, left > 0 {
      if now > nodes.values[index].reviewDue {
        transitions += nodes.values[index].review(at: now, threshold: threshold)
        left -= 1
      }
      nodes.formIndex(after: &index)
    }
    return transitions
  }

  /// Whether no gap can have opened by time alone since the nodes were last evaluated.
  package func isReviewed(at now: Moment) -> Bool {
    nodes.values.allSatisfy { now <= $0.reviewDue }
  }

  // MARK: Restarts

  /// Restores the gaps that were open before a restart. They stay open, keep their age, and are not reported as opened.
  package mutating func restore(openGaps: [OpenGap], at reading: ClockReading) {
    for gap in openGaps {
      let age = max(reading.unixMilliseconds - gap.sinceUnixMilliseconds, 0)
      let restored = RestoredGap(gap: gap, since: reading.moment - .milliseconds(age))
      unclaimed[gap.container, default: []].append(restored)
      claim(gap.container, on: gap.node)
    }
  }

  /// Closes restored gaps whose container is on no roll. Called after a restart, once every roll has been added.
  package mutating func settleRestored(at now: Moment) -> [GapTransition] {
    let left = unclaimed.values.flatMap(\.self)
    unclaimed = [:]
    return left.map { restored in
      let exemption = nodes[restored.gap.node]?.roll.exemption(of: restored.gap.container)
      return GapTransition(
        gap: Gap(restored.gap, since: restored.since),
        change: .closed(exemption.map { .exempt($0) } ?? .leftRoll, after: now - restored.since), at: now)
    }
  }

  private mutating func claim(_ reference: ContainerReference, on node: String) {
    guard let restored = unclaimed[reference], nodes[node] != nil else { return }
    let left = restored.filter { nodes[node]?.reopen($0.gap, since: $0.since) != true }
    unclaimed[reference] = left.isEmpty ? nil : left
  }

  // MARK: Reading

  /// Every open gap: first the restored ones that no node has claimed yet, then node by node in order of name. Lazy, so that readers need
  /// not hold all of them in memory.
  package func gapsByNode() -> some Sequence<[Gap]> {
    let unclaimed = unclaimed.values.joined().map { Gap($0.gap, since: $0.since) }
      .sorted { ($0.container, $0.kind.rawValue) < ($1.container, $1.kind.rawValue) }
    let nodes = nodes.values.filter { $0.openGapCount > 0 }.sorted { $0.roll.node < $1.roll.node }
    return (0...nodes.count).lazy.map { $0 == 0 ? unclaimed : nodes[$0 - 1].gaps() }
  }

  /// The oldest gaps, at most `count`, oldest first.
  package func oldestGaps(_ count: Int) -> [Gap] {
    var oldest: [Gap] = []
    func cut() {
      oldest.sort { ($0.since, $0.container) < ($1.since, $1.container) }
      oldest.removeLast(max(oldest.count - count, 0))
    }
    for gaps in gapsByNode() {
      oldest += gaps
      if oldest.count > 8 * count { cut() }
    }
    cut()
    return oldest
  }

  package var openGapCount: Int {
    nodes.values.reduce(0) { $0 + $1.openGapCount } + unclaimed.values.reduce(0) { $0 + $1.count }
  }

  /// The oldest open gaps, at most `limit`, oldest first, in the form that survives a restart.
  package func openGaps(at reading: ClockReading, atMost limit: Int = .max) -> [OpenGap] {
    var gaps = unclaimed.values.joined().map(\.gap)
    func cut() {
      gaps.sort {
        ($0.sinceUnixMilliseconds, $0.container, $0.kind.rawValue) < ($1.sinceUnixMilliseconds, $1.container, $1.kind.rawValue)
      }
      gaps.removeLast(max(gaps.count - limit, 0))
    }
    for node in nodes.values where node.openGapCount > 0 {
      gaps += node.openGaps(at: reading)
      // With a gap for every container the full list would be larger than the ledger.
      if gaps.count / 2 > limit { cut() }
    }
    cut()
    return gaps
  }

  /// Expected and collected containers of each node, sorted by node name.
  package func coverage(at now: Moment) -> [NodeCoverage] {
    nodes.values.map { $0.coverage(at: now, threshold: threshold) }.sorted { $0.node < $1.node }
  }
}

extension Gap {
  init(_ gap: OpenGap, since: Moment) {
    self.init(
      container: gap.container, node: gap.node, source: gap.source, kind: gap.kind, reason: gap.reason, detail: "", since: since)
  }
}
