internal import Roll

// Gaps of kind `unscraped`: of a node's data that nobody scrapes, and of containers that ask to be scraped themselves. A container has at most
// one. While something is wrong with the scrapes that it asks for, that is its reason.

extension NodeLedger {
  /// Takes over what was found about the scrapes of the node's containers. One without a finding is scraped, or does not ask to be.
  mutating func record(_ findings: [ScrapeFinding], at now: Moment, policy: LedgerPolicy) -> [GapTransition] {
    guard !findings.isEmpty || !troubles.isEmpty else { return [] }
    let old = troubles
    troubles = [:]
    for finding in findings {
      guard let row = row(of: finding.container) else { continue }
      let known = old[Int32(row)]
      switch finding.state {
      case .unknown: troubles[Int32(row)] = known?.unknown
      case .broken(let reason, let detail, let since):
        // A scrape is due from a container that runs.
        let base = rows[row].isExpected ? known?.since ?? rows[row].due.map { max($0, since) } : nil
        troubles[Int32(row)] = ScrapeTrouble(reason: reason, detail: detail, since: base ?? now, isKnown: true)
      }
    }
    var transitions: [GapTransition] = []
    for row in old.keys.sorted() where troubles[row] == nil && notScrapedBase(row: Int(row), policy: policy) == nil {
      closeUnscraped(row: Int(row), because: .recovered, troubles: old, at: now, into: &transitions)
    }
    return transitions + review(at: now, policy: policy)
  }

  /// Forgets all findings, since nobody judges scrapes any more.
  mutating func forgetScrapes(at now: Moment) -> [GapTransition] {
    var transitions: [GapTransition] = []
    for row in troubles.keys.sorted() { closeUnscraped(row: Int(row), because: .superseded, at: now, into: &transitions) }
    troubles = [:]
    return transitions
  }

  // MARK: Review

  mutating func reviewScrape(row: Int, at now: Moment, policy: LedgerPolicy, into transitions: inout [GapTransition]) {
    guard expectsScrapes(row: row) else {
      // A gap of an earlier leader, before a policy that came meanwhile.
      return closeUnscraped(row: row, because: .superseded, at: now, into: &transitions)
    }
    let trouble = troubles[Int32(row)]
    let threshold = threshold(row: row, policy.threshold)
    if rows[row].unscrapedSince != nil {
      guard trouble == nil, let lastScrape, now - lastScrape <= threshold else { return }
      closeUnscraped(row: row, because: .recovered, at: now, into: &transitions)
    }
    if let trouble, trouble.isKnown, rows[row].isExpected, rows[row].uncollectedSince == nil {
      // After a pause of the process it may have been scraped meanwhile.
      let opensAfter = max(trouble.since + threshold, policy.opensAfter)
      if now > opensAfter { return openUnscraped(row: row, since: trouble.since, at: now, into: &transitions) }
      reviewDue = min(reviewDue, opensAfter)
    }
    guard let base = notScrapedBase(row: row, policy: policy) else { return }
    openUnscraped(row: row, since: base, at: now, into: &transitions)
  }

  /// Since when the node's data with the container is not scraped; `nil` unless that is longer than the threshold. As of the last collection, not of
  /// now: whether a container that is no longer collected would be scraped is unknown.
  private func notScrapedBase(row: Int, policy: LedgerPolicy) -> Moment? {
    guard seesScrapes, let base = rows[row].scrapeBase(lastScrape: lastScrape), let collected = rows[row].lastCollected,
      collected - base > threshold(row: row, policy.threshold)
    else { return nil }
    return base
  }

  private mutating func openUnscraped(row: Int, since: Moment, at now: Moment, into transitions: inout [GapTransition]) {
    rows[row].openUnscraped(since: since)
    openGapCount += 1
    transitions.append(GapTransition(gap: unscrapedGap(row: row, since: since), change: .opened, at: now))
  }

  // MARK: Closing

  /// Closes the gaps that are open only because the node's data is not scraped.
  mutating func closeNotScraped(at now: Moment, into transitions: inout [GapTransition]) {
    guard openGapCount > 0 else { return }
    for row in rows.indices where troubles[Int32(row)] == nil {
      closeUnscraped(row: row, because: .superseded, at: now, into: &transitions)
    }
  }

  /// - Parameter old: what was wrong, if it is no longer known.
  mutating func closeUnscraped(
    row: Int, because end: GapEnd, troubles old: [Int32: ScrapeTrouble]? = nil, at now: Moment, into transitions: inout [GapTransition]
  ) {
    if let since = rows[row].unscrapedSince {
      let gap = unscrapedGap(row: row, since: since, trouble: (old ?? troubles)[Int32(row)])
      transitions.append(GapTransition(gap: gap, change: .closed(end, after: now - since), at: now))
      openGapCount -= 1
    }
    rows[row].closeUnscraped()
  }

  // MARK: Reading

  func unscrapedGap(row: Int, since: Moment) -> Gap {
    unscrapedGap(row: row, since: since, trouble: troubles[Int32(row)])
  }

  private func unscrapedGap(row: Int, since: Moment, trouble: ScrapeTrouble?) -> Gap {
    gap(
      row: row, kind: .unscraped, reason: trouble?.reason ?? .notScraped,
      detail: trouble?.detail ?? "collected, but Prometheus has not scraped node \(roll.node)", since: since)
  }
}
