package import Roll

/// The part of the ledger for one node: its roll, and a row for each entry.
package struct NodeLedger: Sendable {
  package private(set) var roll: NodeRoll
  /// One for each entry of the roll, in roll order.
  private(set) var rows: [LedgerRow]
  /// The details of misses by row. Sparse: few rows have a miss, and the misses of one node often share one string.
  private var details: [Int32: String] = [:]
  /// Number of open gaps. Most nodes have none and need not be searched.
  private(set) var openGapCount = 0
  /// When this node's data was last scraped, if its source reports that.
  private(set) var lastScrape: Moment?
  /// Whether the source observes scrapes. A failed call does not tell, so this holds until the source changes.
  private(set) var seesScrapes = false
  /// The next review is due after this moment. No gap can open by time alone before it.
  private(set) var reviewDue: Moment

  init(roll: NodeRoll, at now: Moment, threshold: Duration) {
    self.roll = roll
    rows = Array(repeating: LedgerRow(due: now), count: roll.entries.count)
    reviewDue = now + threshold
  }

  // MARK: Changes

  /// Replaces the roll. Rows of remaining containers are kept, new containers are due from `now`, and gaps of removed ones close.
  mutating func update(to new: NodeRoll, at now: Moment) -> [GapTransition] {
    var transitions: [GapTransition] = []
    if roll.entries != new.entries { match(new, at: now, into: &transitions) }

    let sourceChanged = roll.source != new.source
    roll = new
    if sourceChanged {
      lastScrape = nil
      seesScrapes = false
      for row in rows.indices { closeUnscraped(row: row, because: .superseded, at: now, into: &transitions) }
    }
    reviewDue = now  // Review new rows at once; the review sets the next moment.
    return transitions
  }

  /// Assigns a row to each entry of the new roll. Both rolls are sorted alike.
  private mutating func match(_ new: NodeRoll, at now: Moment, into transitions: inout [GapTransition]) {
    var kept: [LedgerRow] = []
    kept.reserveCapacity(new.entries.count)
    var keptDetails: [Int32: String] = [:]
    var remaining = roll.entries.makeIterator()
    var old = remaining.next()
    var row = 0
    func advance() {
      old = remaining.next()
      row += 1
    }
    for entry in new.entries {
      while let candidate = old, candidate.reference < entry.reference {
        closeGone(row: row, in: new, at: now, into: &transitions)
        advance()
      }
      guard let candidate = old, candidate.reference == entry.reference else {
        kept.append(LedgerRow(due: now))
        continue
      }
      if candidate.isSameInstance(as: entry) {
        if let detail = details[Int32(row)] { keptDetails[Int32(kept.count)] = detail }
        kept.append(rows[row])
      } else {
        close(row: row, because: .replaced, at: now, into: &transitions)
        kept.append(LedgerRow(due: now))
      }
      advance()
    }
    while old != nil {
      closeGone(row: row, in: new, at: now, into: &transitions)
      advance()
    }
    rows = kept
    details = keptDetails
  }

  /// Reopens a gap from before a restart.
  /// - Returns: whether the container is on the roll.
  mutating func reopen(_ gap: OpenGap, since: Moment) -> Bool {
    guard let row = row(of: gap.container), gap.isInstance(roll.entries[row]) else { return false }
    let before = rows[row].openGaps
    rows[row].due = min(rows[row].due, since)
    switch gap.kind {
    case .uncollected: rows[row].openUncollected(since: since)
    case .unscraped: rows[row].unscrapedSince = since
    }
    openGapCount += rows[row].openGaps - before
    if rows[row].miss == nil, gap.kind == .uncollected { rows[row].miss = gap.reason }
    return true
  }

  /// Records the result of calling `called`, which may be an older roll than the current one.
  mutating func record(_ call: RollCall, of called: NodeRoll, at now: Moment, threshold: Duration) -> [GapTransition] {
    var transitions: [GapTransition] = []
    switch call.lastScrape {
    case .notObservable: break
    case .notExpected:
      seesScrapes = false
      for row in rows.indices where openGapCount > 0 { closeUnscraped(row: row, because: .superseded, at: now, into: &transitions) }
    case .never: seesScrapes = true
    case .ago(let age):
      seesScrapes = true
      let moment = now - max(age, .zero)
      lastScrape = lastScrape.map { max($0, moment) } ?? moment
    }
    func answer(_ index: Int) -> Answer {
      guard index < call.answers.count else {
        return .missed(.unknown, detail: "the collector returned \(call.answers.count) answers for \(called.entries.count) containers")
      }
      return call.answers[index]
    }
    if called.hash == roll.hash, called.entries.count == rows.count {
      for row in rows.indices { record(answer(row), row: row, at: now, threshold: threshold) }
    } else {
      for (index, entry) in called.entries.enumerated() {
        guard let row = row(of: entry.reference), roll.entries[row].isSameInstance(as: entry) else { continue }
        record(answer(index), row: row, at: now, threshold: threshold)
      }
    }
    return transitions + review(at: now, threshold: threshold)
  }

  private mutating func record(_ answer: Answer, row: Int, at now: Moment, threshold: Duration) {
    switch answer {
    case .collected(let age):
      let age = max(age, .zero)
      rows[row].collected(at: now - age, now: now)
      if age > threshold {
        miss(row: row, .staleData, detail: "the newest data is older than the threshold of \(threshold.text)")
      } else if rows[row].uncollectedSince == nil {
        clearMiss(row: row)  // The end of an open gap is still reported with its reason.
      }
    case .missed(let reason, let detail):
      if rows[row].exemption == nil { miss(row: row, reason, detail: detail) }
    case .exempt(let exemption):
      rows[row].exemption = exemption
    }
  }

  /// Opens overdue gaps and closes gaps that have recovered.
  mutating func review(at now: Moment, threshold: Duration) -> [GapTransition] {
    var transitions: [GapTransition] = []
    reviewDue = Moment(milliseconds: .max)
    for row in rows.indices {
      if let exemption = rows[row].exemption {
        close(row: row, because: .exempt(exemption), at: now, into: &transitions)
        clearMiss(row: row)
        continue
      }
      reviewCollection(row: row, at: now, threshold: threshold, into: &transitions)
      if seesScrapes || rows[row].unscrapedSince != nil { reviewScrape(row: row, at: now, threshold: threshold, into: &transitions) }
    }
    return transitions
  }

  /// Closes every gap, as the node is gone.
  mutating func closeAll(at now: Moment) -> [GapTransition] {
    var transitions: [GapTransition] = []
    guard openGapCount > 0 else { return [] }
    for row in rows.indices { close(row: row, because: .leftRoll, at: now, into: &transitions) }
    return transitions
  }

  private mutating func reviewCollection(row: Int, at now: Moment, threshold: Duration, into transitions: inout [GapTransition]) {
    let base = rows[row].collectionBase
    if rows[row].uncollectedSince != nil {
      // Only a recent collection closes it. A restored row has none yet.
      guard let collected = rows[row].lastCollected, now - collected <= threshold else { return }
      closeUncollected(row: row, because: .recovered, at: now, into: &transitions)
      clearMiss(row: row)
    } else if now - base > threshold {
      closeUnscraped(row: row, because: .superseded, at: now, into: &transitions)
      rows[row].openUncollected(since: base)
      openGapCount += 1
      transitions.append(GapTransition(gap: uncollectedGap(row: row, since: base), change: .opened, at: now))
      return
    }
    reviewDue = min(reviewDue, base + threshold)
  }

  private mutating func reviewScrape(row: Int, at now: Moment, threshold: Duration, into transitions: inout [GapTransition]) {
    if rows[row].unscrapedSince != nil {
      guard let lastScrape, now - lastScrape <= threshold else { return }
      closeUnscraped(row: row, because: .recovered, at: now, into: &transitions)
    }
    // As of the last collection, not of now: whether a container that is no longer collected would be scraped is unknown.
    guard seesScrapes, let base = rows[row].scrapeBase(lastScrape: lastScrape), let collected = rows[row].lastCollected,
      collected - base > threshold
    else { return }
    rows[row].unscrapedSince = base
    openGapCount += 1
    transitions.append(GapTransition(gap: unscrapedGap(row: row, since: base), change: .opened, at: now))
  }

  private mutating func miss(row: Int, _ reason: Reason, detail: String) {
    rows[row].miss = reason
    details[Int32(row)] = detail.isEmpty ? nil : detail
  }

  private mutating func clearMiss(row: Int) {
    guard rows[row].miss != nil else { return }
    rows[row].miss = nil
    details[Int32(row)] = nil
  }

  // MARK: Closing

  private mutating func close(row: Int, because end: GapEnd, at now: Moment, into transitions: inout [GapTransition]) {
    closeUncollected(row: row, because: end, at: now, into: &transitions)
    closeUnscraped(row: row, because: end, at: now, into: &transitions)
  }

  /// Closes the gaps of a container that is not on the new roll.
  private mutating func closeGone(row: Int, in new: NodeRoll, at now: Moment, into transitions: inout [GapTransition]) {
    guard rows[row].openGaps > 0 else { return }
    let exemption = new.exemption(of: roll.entries.reference(at: row))
    close(row: row, because: exemption.map { .exempt($0) } ?? .leftRoll, at: now, into: &transitions)
  }

  private mutating func closeUncollected(row: Int, because end: GapEnd, at now: Moment, into transitions: inout [GapTransition]) {
    guard let since = rows[row].uncollectedSince else { return }
    transitions.append(GapTransition(gap: uncollectedGap(row: row, since: since), change: .closed(end, after: now - since), at: now))
    rows[row].closeUncollected(at: now)
    openGapCount -= 1
  }

  private mutating func closeUnscraped(row: Int, because end: GapEnd, at now: Moment, into transitions: inout [GapTransition]) {
    guard let since = rows[row].unscrapedSince else { return }
    transitions.append(GapTransition(gap: unscrapedGap(row: row, since: since), change: .closed(end, after: now - since), at: now))
    rows[row].unscrapedSince = nil
    openGapCount -= 1
  }

  // MARK: Reading

  func row(of reference: ContainerReference) -> Int? { roll.entries.index(of: reference) }

  func uncollectedGap(row: Int, since: Moment) -> Gap {
    var reason = rows[row].miss ?? .unknown
    if reason == .unknown, !roll.nodeReady { reason = .nodeNotReady }
    return gap(row: row, kind: .uncollected, reason: reason, detail: details[Int32(row)] ?? "", since: since)
  }

  func unscrapedGap(row: Int, since: Moment) -> Gap {
    gap(
      row: row, kind: .unscraped, reason: .notScraped, detail: "collected, but Prometheus has not scraped node \(roll.node)",
      since: since)
  }

  private func gap(row: Int, kind: GapKind, reason: Reason, detail: String, since: Moment) -> Gap {
    Gap(
      container: roll.entries.reference(at: row), node: roll.node, source: roll.source, kind: kind, reason: reason, detail: detail,
      since: since)
  }
}
