package import Roll

/// How much of one node's roll answers.
package struct NodeCoverage: Hashable, Sendable {
  package var node: String
  package var source: Source
  package var address: String?
  package var ready: Bool
  /// Containers on the roll.
  package var expected: Int
  /// Those with a collection within the threshold.
  package var collected: Int
  package var exempt: [Exemption: Int]
  /// Open gaps, of both kinds.
  package var gaps: Int
}

/// One container's row.
package struct ContainerStanding: Hashable, Sendable {
  package var container: ContainerReference
  package var due: Moment
  /// `nil` if never.
  package var lastCollected: Moment?
}

extension NodeLedger {
  /// One for each container on the roll, in its order.
  package func standings() -> some Sequence<ContainerStanding> {
    zip(roll.entries, rows).lazy.map { entry, row in
      ContainerStanding(container: entry.reference, due: row.due, lastCollected: row.lastCollected)
    }
  }

  /// The node's open gaps, in the order of the roll.
  package func gaps() -> [Gap] {
    rows.indices.flatMap { row in
      var gaps: [Gap] = []
      if let since = rows[row].uncollectedSince { gaps.append(uncollectedGap(row: row, since: since)) }
      if let since = rows[row].unscrapedSince { gaps.append(unscrapedGap(row: row, since: since)) }
      return gaps
    }
  }

  func openGaps(at reading: ClockReading) -> [OpenGap] {
    gaps().compactMap { gap in
      guard let row = row(of: gap.container) else { return nil }
      return OpenGap(
        container: gap.container, podUID: roll.entries[row].podUID, containerID: roll.entries[row].containerID, node: gap.node,
        source: gap.source, kind: gap.kind, reason: gap.reason, sinceUnixMilliseconds: reading.unixMilliseconds(of: gap.since))
    }
  }

  func coverage(at now: Moment, threshold: Duration) -> NodeCoverage {
    var exempt: [Exemption: Int] = [:]
    for entry in roll.exempt { exempt[entry.exemption, default: 0] += 1 }
    return NodeCoverage(
      node: roll.node, source: roll.source, address: roll.address, ready: roll.nodeReady, expected: rows.count,
      collected: rows.count { row in row.lastCollected.map { now - $0 <= threshold } ?? false }, exempt: exempt,
      gaps: rows.reduce(0) { $0 + ($1.uncollectedSince == nil ? 0 : 1) + ($1.unscrapedSince == nil ? 0 : 1) })
  }
}
