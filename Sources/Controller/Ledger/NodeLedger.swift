package import Roll

/// The ledger's page for one node: its roll, and a row for each entry.
package struct NodeLedger: Sendable {
  package private(set) var roll: NodeRoll
  /// One for each entry of the roll, in its order.
  private(set) var rows: [LedgerRow]
  /// The details of misses, by row, where there is one. Few rows have a miss, and those of a node often the same one.
  private var details: [Int32: String] = [:]
  /// How many gaps are open: most nodes have none, and need not be searched for them.
  private(set) var openGapCount = 0
  /// When this node's data was last scraped, where its source has told us so.
  private(set) var lastScrape: Moment?
  /// The source has said that it sees scrapes. A failed call says nothing, so this stays until the source changes.
  private(set) var seesScrapes = false
  /// No gap can open before this moment, whatever does not happen until then.
  private(set) var quietUntil: Moment

  init(roll: NodeRoll, at now: Moment, threshold: Duration) {
    self.roll = roll
    rows = Array(repeating: LedgerRow(due: now), count: roll.entries.count)
    quietUntil = now + threshold
  }

  // MARK: Changes

  /// Takes on a new roll: rows of containers that stay are kept, new ones are due from `now`, the gaps of the others close.
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
    quietUntil = now  // a new row is reviewed at once, and the review says until when it is quiet
    return transitions
  }

  /// Gives each entry of the new roll its row. Both rolls are in one order.
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

  /// Carries an open gap over from before a restart. Says whether the container is on the roll.
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
    func outcome(_ index: Int) -> Answer {
      guard index < call.answers.count else {
        return .missed(.unknown, detail: "the collector answered for \(call.answers.count) containers of \(called.entries.count)")
      }
      return call.answers[index]
    }
    if called.hash == roll.hash, called.entries.count == rows.count {
      for row in rows.indices { record(outcome(row), row: row, at: now, threshold: threshold) }
    } else {
      for (index, entry) in called.entries.enumerated() {
        guard let row = row(of: entry.reference), roll.entries[row].isSameInstance(as: entry) else { continue }
        record(outcome(index), row: row, at: now, threshold: threshold)
      }
    }
    return review(at: now, threshold: threshold)
  }

  private mutating func record(_ outcome: Answer, row: Int, at now: Moment, threshold: Duration) {
    switch outcome {
    case .collected(let age):
      let age = max(age, .zero)
      rows[row].collected(at: now - age, now: now)
      if age > threshold {
        miss(row: row, .staleData, detail: "the newest data is older than the threshold of \(threshold.text)")
      } else if rows[row].uncollectedSince == nil {
        forgetMiss(row: row)  // while a gap is open, its end is still to be told with its reason
      }
    case .missed(let reason, let detail):
      if rows[row].exemption == nil { miss(row: row, reason, detail: detail) }
    case .exempt(let exemption):
      rows[row].exemption = exemption
    }
  }

  /// Opens what is overdue and closes what has been seen again.
  mutating func review(at now: Moment, threshold: Duration) -> [GapTransition] {
    var transitions: [GapTransition] = []
    quietUntil = Moment(milliseconds: .max)
    for row in rows.indices {
      if let exemption = rows[row].exemption {
        close(row: row, because: .exempt(exemption), at: now, into: &transitions)
        forgetMiss(row: row)
        continue
      }
      reviewCollection(row: row, at: now, threshold: threshold, into: &transitions)
      if seesScrapes || rows[row].unscrapedSince != nil { reviewScrape(row: row, at: now, threshold: threshold, into: &transitions) }
    }
    return transitions
  }

  /// The node is gone.
  mutating func closeAll(at now: Moment) -> [GapTransition] {
    var transitions: [GapTransition] = []
    guard openGapCount > 0 else { return [] }
    for row in rows.indices { close(row: row, because: .leftRoll, at: now, into: &transitions) }
    return transitions
  }

  private mutating func reviewCollection(row: Int, at now: Moment, threshold: Duration, into transitions: inout [GapTransition]) {
    let base = rows[row].collectionBase
    if rows[row].uncollectedSince != nil {
      // Only a fresh collection closes it. A row that was carried over from before a restart has none yet.
      guard let collected = rows[row].lastCollected, now - collected <= threshold else { return }
      closeUncollected(row: row, because: .recovered, at: now, into: &transitions)
      forgetMiss(row: row)
    } else if now - base > threshold {
      closeUnscraped(row: row, because: .superseded, at: now, into: &transitions)
      rows[row].openUncollected(since: base)
      openGapCount += 1
      transitions.append(GapTransition(gap: uncollectedGap(row: row, since: base), change: .opened, at: now))
      return
    }
    quietUntil = min(quietUntil, base + threshold)
  }

  private mutating func reviewScrape(row: Int, at now: Moment, threshold: Duration, into transitions: inout [GapTransition]) {
    if rows[row].unscrapedSince != nil {
      guard let lastScrape, now - lastScrape <= threshold else { return }
      closeUnscraped(row: row, because: .recovered, at: now, into: &transitions)
    }
    // As of the last collection, not as of now: of what is not collected any more nobody can tell whether it is scraped.
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

  private mutating func forgetMiss(row: Int) {
    guard rows[row].miss != nil else { return }
    rows[row].miss = nil
    details[Int32(row)] = nil
  }

  // MARK: Closing

  private mutating func close(row: Int, because end: GapEnd, at now: Moment, into transitions: inout [GapTransition]) {
    closeUncollected(row: row, because: end, at: now, into: &transitions)
    closeUnscraped(row: row, because: end, at: now, into: &transitions)
  }

  /// Of a container that is not among the entries of the new roll.
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
      row: row, kind: .unscraped, reason: .notScraped, detail: "collected, and not fetched from node \(roll.node) by Prometheus",
      since: since)
  }

  private func gap(row: Int, kind: GapKind, reason: Reason, detail: String, since: Moment) -> Gap {
    Gap(
      container: roll.entries.reference(at: row), node: roll.node, source: roll.source, kind: kind, reason: reason, detail: detail,
      since: since)
  }
}
