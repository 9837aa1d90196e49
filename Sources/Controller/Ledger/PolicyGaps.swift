import Roll

/// The open gaps of the containers that a policy selects.
package struct PolicyGaps: Hashable, Sendable {
  package var count: Int
  /// The one that began last.
  package var newest: Gap

  package init(count: Int, newest: Gap) {
    self.count = count
    self.newest = newest
  }
}

extension Ledger {
  /// The open gaps by the name of the policy; without policies that select no container with a gap.
  package func gapsOfPolicies() -> [String: PolicyGaps] {
    var found: [String: PolicyGaps] = [:]
    for node in nodes.values where node.openGapCount > 0 && !node.roll.terms.isEmpty {
      for (policy, gaps) in node.gapsOfPolicies() {
        guard let known = found[policy] else {
          found[policy] = gaps
          continue
        }
        // Between gaps of one moment by container, so that the newest one does not change by chance.
        let isNewer = (known.newest.since, gaps.newest.container) < (gaps.newest.since, known.newest.container)
        found[policy] = PolicyGaps(count: known.count + gaps.count, newest: isNewer ? gaps.newest : known.newest)
      }
    }
    return found
  }
}

extension NodeLedger {
  fileprivate func gapsOfPolicies() -> [String: PolicyGaps] {
    // Counted by row: a value for every gap would cost much in a large outage.
    var counts: [String: (count: Int, row: Int, since: Moment)] = [:]
    for row in rows.indices {
      guard let since = rows[row].uncollectedSince ?? rows[row].unscrapedSince, let terms = roll.terms[row] else { continue }
      for policy in terms.policies {
        let known = counts[policy]
        if let known, known.since >= since {
          counts[policy] = (known.count + 1, known.row, known.since)
        } else {
          counts[policy] = ((known?.count ?? 0) + 1, row, since)
        }
      }
    }
    return counts.mapValues { count, row, since in
      PolicyGaps(
        count: count,
        newest: rows[row].uncollectedSince == nil ? unscrapedGap(row: row, since: since) : uncollectedGap(row: row, since: since))
    }
  }
}
