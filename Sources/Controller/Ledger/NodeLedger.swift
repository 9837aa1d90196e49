package import Roll

/// The ledger's page for one node: its roll, and a row for each entry.
package struct NodeLedger: Sendable {
  package private(set) var roll: NodeRoll
  /// One for each entry of the roll, in its order.
  private(set) var rows: [LedgerRow]
  /// When this node's data was last scraped, where its source has told us so.
  private(set) var lastScrape: Moment?
  /// The source has said that it sees scrapes. A failed call says nothing, so this stays until the source changes.
  private(set) var seesScrapes = false
  /// No gap can open before this moment, whatever does not happen until then.
  private(set) var quietUntil: Moment

  init(roll: NodeRoll, at now: Moment, threshold: Duration) {
    self.roll = roll
    rows = roll.entries.map { _ in LedgerRow(due: now) }
    quietUntil = now + threshold
  }

  // MARK: Changes

  /// Takes on a new roll: rows of containers that stay are kept, new ones are due from `now`, the gaps of the others close.
  mutating func update(to new: NodeRoll, at now: Moment) -> [GapTransition] {
    var transitions: [GapTransition] = []
    var kept: [LedgerRow] = []
    kept.reserveCapacity(new.entries.count)
    var old = 0
    for entry in new.entries {
      while old < rows.count, roll.entries[old].reference < entry.reference {
        transitions += close(row: old, because: end(of: roll.entries[old].reference, in: new), at: now)
        old += 1
      }
      guard old < rows.count, roll.entries[old].reference == entry.reference else {
        kept.append(LedgerRow(due: now))
        continue
      }
      if roll.entries[old].isSameInstance(as: entry) {
        kept.append(rows[old])
      } else {
        transitions += close(row: old, because: .replaced, at: now)
        kept.append(LedgerRow(due: now))
      }
      old += 1
    }
    while old < rows.count {
      transitions += close(row: old, because: end(of: roll.entries[old].reference, in: new), at: now)
      old += 1
    }

    let sourceChanged = roll.source != new.source
    roll = new
    rows = kept
    if sourceChanged {
      lastScrape = nil
      seesScrapes = false
      for row in rows.indices { transitions += closeUnscraped(row: row, because: .superseded, at: now) }
    }
    quietUntil = now  // a new row is reviewed at once, and the review says until when it is quiet
    return transitions
  }

  /// Carries an open gap over from before a restart. Says whether the container is on the roll.
  mutating func reopen(_ gap: OpenGap, since: Moment) -> Bool {
    guard let row = row(of: gap.container), gap.isInstance(roll.entries[row]) else { return false }
    rows[row].due = min(rows[row].due, since)
    switch gap.kind {
    case .uncollected: rows[row].uncollectedSince = since
    case .unscraped: rows[row].unscrapedSince = since
    }
    if rows[row].miss == nil, gap.kind == .uncollected {
      rows[row].miss = LedgerRow.Miss(reason: gap.reason, detail: "")
    }
    return true
  }

  /// Enters what came of calling `called`, which may be an older roll than the one that stands here.
  mutating func record(_ call: RollCall, of called: NodeRoll, at now: Moment, threshold: Duration) -> [GapTransition] {
    switch call.lastScrape {
    case .notObservable: break
    case .never: seesScrapes = true
    case .ago(let age):
      seesScrapes = true
      let moment = now - max(age, .zero)
      lastScrape = lastScrape.map { max($0, moment) } ?? moment
    }
    let sameRoll = called.hash == roll.hash
    for (index, entry) in called.entries.enumerated() {
      guard let row = sameRoll ? index : row(of: entry.reference), roll.entries[row].isSameInstance(as: entry) else { continue }
      guard index < call.outcomes.count else {
        rows[row].miss = .init(
          reason: .unknown, detail: "the collector answered for \(call.outcomes.count) containers of \(called.entries.count)")
        continue
      }
      switch call.outcomes[index] {
      case .collected(let age):
        let age = max(age, .zero)
        rows[row].collected(at: now - age)
        if age > threshold {
          rows[row].miss = .init(reason: .staleData, detail: "the newest data is older than the threshold of \(threshold.text)")
        } else if rows[row].uncollectedSince == nil {
          rows[row].miss = nil  // while a gap is open, its end is still to be told with its reason
        }
        if rows[row].collectedSince == nil { rows[row].collectedSince = now }
      case .missed(let reason, let detail):
        rows[row].miss = .init(reason: reason, detail: detail)
      }
    }
    return review(at: now, threshold: threshold)
  }

  /// Opens what is overdue and closes what has been seen again.
  mutating func review(at now: Moment, threshold: Duration) -> [GapTransition] {
    var transitions: [GapTransition] = []
    quietUntil = Moment(milliseconds: .max)
    for row in rows.indices {
      reviewCollection(row: row, at: now, threshold: threshold, into: &transitions)
      reviewScrape(row: row, at: now, threshold: threshold, into: &transitions)
    }
    return transitions
  }

  /// The node is gone.
  mutating func closeAll(at now: Moment) -> [GapTransition] {
    rows.indices.flatMap { close(row: $0, because: .leftRoll, at: now) }
  }

  private mutating func reviewCollection(row: Int, at now: Moment, threshold: Duration, into transitions: inout [GapTransition]) {
    let base = rows[row].collectionBase
    if rows[row].uncollectedSince != nil {
      // Only a fresh collection closes it. A row that was carried over from before a restart has none yet.
      guard let collected = rows[row].lastCollected, now - collected <= threshold else { return }
      rows[row].collectedSince = now
      transitions += closeUncollected(row: row, because: .recovered, at: now)
      rows[row].miss = nil
    } else if now - base > threshold {
      transitions += closeUnscraped(row: row, because: .superseded, at: now)
      rows[row].uncollectedSince = base
      rows[row].collectedSince = nil
      transitions.append(GapTransition(gap: uncollectedGap(row: row, since: base), change: .opened, at: now))
      return
    }
    quietUntil = min(quietUntil, base + threshold)
  }

  private mutating func reviewScrape(row: Int, at now: Moment, threshold: Duration, into transitions: inout [GapTransition]) {
    if rows[row].unscrapedSince != nil {
      guard let lastScrape, now - lastScrape <= threshold else { return }
      transitions += closeUnscraped(row: row, because: .recovered, at: now)
    }
    // As of the last collection, not as of now: of what is not collected any more nobody can tell whether it is scraped.
    guard seesScrapes, let base = rows[row].scrapeBase(lastScrape: lastScrape), let collected = rows[row].lastCollected,
      collected - base > threshold
    else { return }
    rows[row].unscrapedSince = base
    transitions.append(GapTransition(gap: unscrapedGap(row: row, since: base), change: .opened, at: now))
  }

  // MARK: Closing

  private mutating func close(row: Int, because end: GapEnd, at now: Moment) -> [GapTransition] {
    closeUncollected(row: row, because: end, at: now) + closeUnscraped(row: row, because: end, at: now)
  }

  private mutating func closeUncollected(row: Int, because end: GapEnd, at now: Moment) -> [GapTransition] {
    guard let since = rows[row].uncollectedSince else { return [] }
    let gap = uncollectedGap(row: row, since: since)
    rows[row].uncollectedSince = nil
    return [GapTransition(gap: gap, change: .closed(end, after: now - since), at: now)]
  }

  private mutating func closeUnscraped(row: Int, because end: GapEnd, at now: Moment) -> [GapTransition] {
    guard let since = rows[row].unscrapedSince else { return [] }
    let gap = unscrapedGap(row: row, since: since)
    rows[row].unscrapedSince = nil
    return [GapTransition(gap: gap, change: .closed(end, after: now - since), at: now)]
  }

  private func end(of reference: ContainerReference, in new: NodeRoll) -> GapEnd {
    new.exemption(of: reference).map { .exempt($0) } ?? .leftRoll
  }

  // MARK: Reading

  func row(of reference: ContainerReference) -> Int? {
    let index = roll.entries.partitioningIndex { $0.reference >= reference }
    return index < roll.entries.count && roll.entries[index].reference == reference ? index : nil
  }

  func uncollectedGap(row: Int, since: Moment) -> Gap {
    var reason = rows[row].miss?.reason ?? .unknown
    if reason == .unknown, !roll.nodeReady { reason = .nodeNotReady }
    return gap(row: row, kind: .uncollected, reason: reason, detail: rows[row].miss?.detail ?? "", since: since)
  }

  func unscrapedGap(row: Int, since: Moment) -> Gap {
    gap(
      row: row, kind: .unscraped, reason: .notScraped, detail: "collected, and not fetched from node \(roll.node) by Prometheus",
      since: since)
  }

  private func gap(row: Int, kind: GapKind, reason: Reason, detail: String, since: Moment) -> Gap {
    Gap(
      container: roll.entries[row].reference, node: roll.node, source: roll.source, kind: kind, reason: reason, detail: detail,
      since: since)
  }
}
