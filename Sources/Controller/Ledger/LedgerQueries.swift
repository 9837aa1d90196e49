package import Roll

/// Expected and collected containers of one node.
package struct NodeCoverage: Hashable, Sendable {
  package var node: String
  package var source: Source
  package var address: String?
  package var ready: Bool
  /// Containers on the roll, without those found to be exempt when called.
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
  /// One for each container on the roll that is not exempt, in roll order.
  package func collections() -> some Sequence<ContainerCollection> {
    zip(roll.entries.references, rows).lazy.filter { $0.1.exemption == nil }.map { reference, row in
      ContainerCollection(container: reference, due: row.due, lastCollected: row.lastCollected)
    }
  }

  /// The node's open gaps, in roll order.
  package func gaps() -> [Gap] {
    openRows().flatMap { $0.gaps }
  }

  func openGaps(at reading: ClockReading) -> [OpenGap] {
    openRows().flatMap { row, gaps in
      let entry = roll.entries[row]
      return gaps.map { gap in
        OpenGap(
          container: gap.container, podUID: entry.podUID, containerID: entry.containerID, node: gap.node, source: gap.source,
          kind: gap.kind, reason: gap.reason, sinceUnixMilliseconds: reading.unixMilliseconds(of: gap.since))
      }
    }
  }

  private func openRows() -> [(row: Int, gaps: [Gap])] {
    guard openGapCount > 0 else { return [] }
    return rows.indices.compactMap { row in
      guard rows[row].openGaps > 0 else { return nil }
      var gaps: [Gap] = []
      if let since = rows[row].uncollectedSince { gaps.append(uncollectedGap(row: row, since: since)) }
      if let since = rows[row].unscrapedSince { gaps.append(unscrapedGap(row: row, since: since)) }
      return (row, gaps)
    }
  }

  func coverage(at now: Moment, threshold: Duration) -> NodeCoverage {
    var exempt: [Exemption: Int] = [:]
    for entry in roll.exempt { exempt[entry.exemption, default: 0] += 1 }
    for exemption in rows.lazy.compactMap(\.exemption) { exempt[exemption, default: 0] += 1 }
    return NodeCoverage(
      node: roll.node, source: roll.source, address: roll.address, ready: roll.nodeReady, expected: rows.count { $0.exemption == nil },
      collected: rows.count { row in row.exemption == nil && row.lastCollected.map { now - $0 <= threshold } ?? false }, exempt: exempt,
      gaps: openGapCount)
  }
}
