package import Roll

/// Records for every container on the roll since when it is due, when it was last collected and when its data was last scraped, and derives
/// the gaps. Pure and synchronous: methods take the time as an argument and return the gaps that opened or closed.
///
/// Ages grow without input: a node task that hangs leads to a gap just as one that fails, as long as `evaluate` is called.
package struct Ledger: Sendable {
  /// Maximum age of a collection or a scrape.
  package let threshold: Duration
  /// The least threshold that any container had by a policy. It decides how long a stop of the process may go unnoticed.
  private var leastThreshold: Duration
  package private(set) var nodes: [String: NodeLedger] = [:]
  /// Whether the roll may be outdated. A container that is not found then opens no gap, as it may be gone; every other miss does.
  package private(set) var isRollStale = false
  /// Notices that the process did not run for a while; `nil` until `watchForPauses`.
  private var pauses: PauseWatch?
  /// Restored ages whose container is not on a roll yet.
  private var unclaimed: [ContainerReference: [RestoredAge]] = [:]

  fileprivate struct RestoredAge {
    var age: ArchivedAge
    var since: Moment
  }

  package init(threshold: Duration) {
    self.threshold = threshold
    leastThreshold = threshold
  }

  // MARK: Changes

  /// Adds or replaces a node's roll.
  package mutating func update(_ roll: NodeRoll, at now: Moment) -> [GapTransition] {
    leastThreshold = min(leastThreshold, roll.terms.leastThreshold ?? leastThreshold)
    let transitions = nodes[roll.node]?.update(to: roll, threshold: threshold, at: now) ?? []
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

  /// Records the result of calling a roll, received `now`. If the roll was replaced meanwhile, the result counts for the containers that
  /// are still on the node's roll.
  package mutating func record(_ call: RollCall, of roll: NodeRoll, at now: Moment) -> [GapTransition] {
    let policy = policy(at: now)
    return nodes[roll.node]?.record(call, of: roll, at: now, policy: policy) ?? []
  }

  /// Takes over what was found about the scrapes of a node's containers. One without a finding is scraped, or does not ask to be.
  package mutating func record(_ findings: [ScrapeFinding], onNode node: String, at now: Moment) -> [GapTransition] {
    let policy = policy(at: now)
    return nodes[node]?.record(findings, at: now, policy: policy) ?? []
  }

  /// Forgets all findings about scrapes, since nobody judges them any more.
  package mutating func forgetScrapes(at now: Moment) -> [GapTransition] {
    let affected = nodes.values.filter { !$0.troubles.isEmpty }.map(\.roll.node).sorted()
    return affected.flatMap { nodes[$0]?.forgetScrapes(at: now) ?? [] }
  }

  /// Says whether the roll may be outdated. Misses recorded meanwhile count only after another call has confirmed them.
  package mutating func setRollStale(_ isStale: Bool) { isRollStale = isStale }

  /// Expects `evaluate` every few seconds from now on. A longer time without it means that the process was stopped: it called no node, and
  /// its rolls may be outdated. Until `catchUp` has passed no gap opens, and the roll counts as stale.
  /// - Parameter catchUp: the longest time until every node has been called again and a watch that broke meanwhile is known to be stale.
  package mutating func watchForPauses(from now: Moment, catchUp: Duration) {
    pauses = PauseWatch(catchUp: catchUp, lastRun: now)
  }

  private mutating func policy(at now: Moment) -> LedgerPolicy {
    // Half the threshold: a container was last collected within an interval before the pause, which is at most the other half, so a shorter
    // pause leaves none overdue.
    pauses?.runs(at: now, limit: max(leastThreshold / 2, .seconds(5)))
    let opensAfter = pauses?.opensAfter ?? .distantPast
    return LedgerPolicy(threshold: threshold, isRollStale: isRollStale || now <= opensAfter, opensAfter: opensAfter)
  }

  /// Opens gaps that are overdue by time alone. Must be called every few seconds.
  /// - Parameter limit: the maximum number of nodes to evaluate. Nodes on which no gap can have opened do not count.
  package mutating func evaluate(at now: Moment, nodes limit: Int = .max) -> [GapTransition] {
    var transitions: [GapTransition] = []
    let policy = policy(at: now)
    var left = limit
    // By index: a loop over the keys would retain the dictionary, and the first mutation would copy all nodes.
    var index = nodes.startIndex
    while index != nodes.endIndex, left > 0 {
      if now > nodes.values[index].reviewDue {
        transitions += nodes.values[index].review(at: now, policy: policy)
        left -= 1
      }
      nodes.formIndex(after: &index)
    }
    return transitions
  }

  /// Opens gaps of one node that are overdue.
  package mutating func review(node: String, at now: Moment) -> [GapTransition] {
    let policy = policy(at: now)
    return nodes[node]?.review(at: now, policy: policy) ?? []
  }

  /// Whether no gap can have opened by time alone since the nodes were last evaluated.
  package func isReviewed(at now: Moment) -> Bool {
    nodes.values.allSatisfy { now <= $0.reviewDue }
  }

  // MARK: Restarts

  /// Continues the ages from before a restart. Gaps that were open stay open, keep their age, and are not reported as opened.
  package mutating func restore(_ ages: [ArchivedAge], at reading: ClockReading) {
    for archived in ages {
      let age = max(reading.unixMilliseconds - archived.sinceUnixMilliseconds, 0)
      let restored = RestoredAge(age: archived, since: reading.moment - .milliseconds(age))
      unclaimed[archived.container, default: []].append(restored)
      claim(archived.container, on: archived.node)
    }
  }

  /// Closes restored gaps whose container is on no roll. Called after a restart, once every roll has been added.
  package mutating func settleRestored(at now: Moment) -> [GapTransition] {
    let left = unclaimed.values.joined().filter(\.age.isOpen)
    unclaimed = [:]
    return left.map { restored in
      let exemption = nodes[restored.age.node]?.roll.exemption(of: restored.age.container)
      return GapTransition(
        gap: restored.gap, change: .closed(exemption.map { .exempt($0) } ?? .leftRoll, after: now - restored.since), at: now)
    }
  }

  private mutating func claim(_ reference: ContainerReference, on node: String) {
    guard let restored = unclaimed[reference], nodes[node] != nil else { return }
    let left = restored.filter { nodes[node]?.restore($0.age, since: $0.since) != true }
    unclaimed[reference] = left.isEmpty ? nil : left
  }

  // MARK: Reading

  /// Every open gap: first the restored ones that no node has claimed yet, then node by node in order of name. Lazy, so that readers need
  /// not hold all of them in memory.
  package func gapsByNode() -> some Sequence<[Gap]> {
    let unclaimed = unclaimed.values.joined().filter(\.age.isOpen).map(\.gap)
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
    nodes.values.reduce(0) { $0 + $1.openGapCount } + unclaimed.values.reduce(0) { $0 + $1.count { $0.age.isOpen } }
  }

  /// Containers that would be gaps if the roll were known to be current, by source.
  package var withheldGaps: [Source: Int] {
    nodes.values.reduce(into: [:]) { counts, node in
      if node.withheldGapCount > 0 { counts[node.roll.source, default: 0] += node.withheldGapCount }
    }
  }

  /// The ages to archive, oldest first, at most `limit`, and the number of all of them.
  package func archivedAges(
    at reading: ClockReading, policy: ArchivePolicy, atMost limit: Int = .max
  ) -> (oldest: [ArchivedAge], total: Int) {
    var ages = unclaimed.values.joined().map(\.age)
    var total = ages.count
    func cut() {
      ages.sort {
        ($0.sinceUnixMilliseconds, $0.container, $0.kind.rawValue) < ($1.sinceUnixMilliseconds, $1.container, $1.kind.rawValue)
      }
      ages.removeLast(max(ages.count - limit, 0))
    }
    for node in nodes.values {
      let before = ages.count
      node.forEachArchivedAge(at: reading.moment, policy: policy) { ages.append(node.archived($0, at: reading)) }
      total += ages.count - before
      // With a gap for every container the full list would be larger than the ledger.
      if ages.count / 2 > limit { cut() }
    }
    cut()
    return (ages, total)
  }

  /// Changes with the set of ages to archive, and is 0 without any. Much cheaper than the ages.
  package func archiveFingerprint(at now: Moment, policy: ArchivePolicy) -> Int {
    var fingerprint = 0
    for node in nodes.values {
      node.forEachArchivedAge(at: now, policy: policy) { fingerprint ^= node.fingerprint($0) }
    }
    return fingerprint
  }

  /// Expected and collected containers of each node, sorted by node name.
  package func coverage(at now: Moment) -> [NodeCoverage] {
    nodes.values.map { $0.coverage(at: now, threshold: threshold) }.sorted { $0.node < $1.node }
  }
}

extension Ledger.RestoredAge {
  fileprivate var gap: Gap {
    Gap(container: age.container, node: age.node, source: age.source, kind: age.kind, reason: age.reason, detail: "", since: since)
  }
}

/// When a gap opens.
struct LedgerPolicy {
  var threshold: Duration
  var isRollStale: Bool
  /// No gap opens until this moment has passed.
  var opensAfter: Moment
}

/// Notices from the times of evaluations that the process was stopped, with its machine or by a signal.
private struct PauseWatch {
  let catchUp: Duration
  var lastRun: Moment
  private(set) var opensAfter = Moment.distantPast

  /// - Parameter limit: a longer time without a run is a pause.
  mutating func runs(at now: Moment, limit: Duration) {
    if now - lastRun > limit { opensAfter = now + catchUp }
    lastRun = now
  }
}

extension Moment {
  fileprivate static let distantPast = Moment(milliseconds: .min)
}
