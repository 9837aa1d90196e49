internal import Primitives
package import Roll

/// Expected and collected containers of one node.
package struct NodeCoverage: Hashable, Sendable {
  package var node: String
  package var source: Source
  package var address: String?
  package var ready: Bool
  /// Containers from which a collection is due.
  package var expected: Int
  /// Containers with a collection within the threshold.
  package var collected: Int
  package var exempt: [Exemption: Int]
  /// Open gaps, of both kinds.
  package var gaps: Int
}

/// When one container was due and last collected.
package struct ContainerCollection: Hashable, Sendable {
  package var container: ContainerReference
  package var due: Moment
  /// `nil` if never.
  package var lastCollected: Moment?
}

extension NodeLedger {
  /// One for each container from which a collection is due, in roll order.
  package func collections() -> some Sequence<ContainerCollection> {
    zip(roll.entries.references, rows).lazy.compactMap { reference, row -> ContainerCollection? in
      guard row.isExpected, let due = row.due else { return nil }
      return ContainerCollection(container: reference, due: due, lastCollected: row.lastCollected)
    }
  }

  /// Calls `body` with each pod that has containers from which a collection is due, and their number, in roll order.
  func forEachExpectedPod(_ body: (PodIdentity, Int) -> Void) {
    roll.entries.forEachPod { pod, positions in
      let expected = rows[positions].count { $0.isExpected }
      if expected > 0 { body(pod, expected) }
    }
  }

  /// Number of containers from which a collection is due.
  package var expectedCount: Int { rows.count { $0.isExpected } }

  /// Whether there is an `uncollected` gap for each container from which a collection is due.
  var isMissing: Bool {
    let expected = rows.lazy.filter(\.isExpected)
    return !expected.isEmpty && expected.allSatisfy { $0.uncollectedSince != nil }
  }

  /// The node's open gaps, in roll order.
  package func gaps() -> [Gap] {
    guard openGapCount > 0 else { return [] }
    return rows.indices.compactMap { row in
      if let since = rows[row].uncollectedSince { return uncollectedGap(row: row, since: since) }
      return rows[row].unscrapedSince.map { unscrapedGap(row: row, since: $0) }
    }
  }

  /// An age to archive, by row.
  struct RowAge {
    var row: Int
    var kind: GapKind
    var since: Moment
    var isOpen: Bool
  }

  func forEachArchivedAge(at now: Moment, policy: ArchivePolicy, _ body: (RowAge) -> Void) {
    for (index, row) in rows.enumerated() {
      if let since = row.uncollectedSince {
        body(RowAge(row: index, kind: .uncollected, since: since, isOpen: true))
        if let since = row.supersededUnscrapedSince { body(RowAge(row: index, kind: .unscraped, since: since, isOpen: true)) }
        continue
      }
      // An age of misses with a stale roll may be void.
      if row.isExpected, row.isOutstanding || row.lastCollected == nil, row.miss != .rollStale, let base = row.collectionBase,
        now - base > policy.uncollected
      {
        body(RowAge(row: index, kind: .uncollected, since: base, isOpen: false))
      }
      if let since = row.unscrapedSince {
        body(RowAge(row: index, kind: .unscraped, since: since, isOpen: true))
      } else if let trouble = troubles[Int32(index)], now - trouble.since > policy.unscraped {
        body(RowAge(row: index, kind: .unscraped, since: trouble.since, isOpen: false))
      } else if seesScrapes, let collected = row.lastCollected, let base = row.scrapeBase(lastScrape: lastScrape),
        collected - base > policy.unscraped
      {
        body(RowAge(row: index, kind: .unscraped, since: base, isOpen: false))
      }
    }
  }

  func archived(_ age: RowAge, at reading: ClockReading) -> ArchivedAge {
    let entry = roll.entries[age.row]
    return ArchivedAge(
      container: entry.reference, podUID: entry.podUID, node: roll.node, source: roll.source, kind: age.kind,
      reason: (age.kind == .uncollected ? uncollectedGap(row: age.row, since: age.since) : unscrapedGap(row: age.row, since: age.since))
        .reason,
      sinceUnixMilliseconds: reading.unixMilliseconds(of: age.since), isOpen: age.isOpen,
      isCollectedInRun: rows[age.row].isCollectedInRun)
  }

  func fingerprint(_ age: RowAge) -> Int {
    var hasher = Hasher()
    hasher.combine(roll.entries.reference(at: age.row))
    hasher.combine(age.kind)
    hasher.combine(age.since)
    hasher.combine(age.isOpen)
    return hasher.finalize()
  }

  func coverage(at now: Moment, threshold: Duration) -> NodeCoverage {
    var exempt: [Exemption: Int] = [:]
    for entry in roll.exempt { exempt[entry.exemption, default: 0] += 1 }
    for exemption in rows.lazy.compactMap(\.currentExemption) { exempt[exemption, default: 0] += 1 }
    return NodeCoverage(
      node: roll.node, source: roll.source, address: roll.address, ready: roll.nodeReady, expected: expectedCount,
      collected: rows.indices.count { row in
        rows[row].isExpected && rows[row].lastCollected.map { now - $0 <= self.threshold(row: row, threshold) } ?? false
      }, exempt: exempt,
      gaps: openGapCount)
  }
}
