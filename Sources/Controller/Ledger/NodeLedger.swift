package import Roll

/// The part of the ledger for one node: its roll, and a row for each entry.
package struct NodeLedger: Sendable {
  package private(set) var roll: NodeRoll
  /// One for each entry of the roll, in roll order.
  var rows: [LedgerRow]
  /// Number of containers that would be gaps if the roll were known to be current.
  private(set) var withheldGapCount = 0
  /// The details of misses by row. Sparse: few rows have a miss, and the misses of one node often share one string.
  private var details: [Int32: String] = [:]
  /// What is wrong with the scrapes of containers that ask for them, by row. Sparse.
  var troubles: [Int32: ScrapeTrouble] = [:]
  /// Number of open gaps. Most nodes have none and need not be searched.
  var openGapCount = 0
  /// When this node's data was last scraped, if its source reports that.
  private(set) var lastScrape: Moment?
  /// Whether the source observes scrapes. A failed call does not show it, so this holds until the source changes.
  private(set) var seesScrapes = false
  /// When the node was added.
  private let added: Moment
  /// Whether the node has been called.
  private(set) var wasCalled = false
  /// Time between two reviews of a withheld gap.
  private static let withheldReview: Duration = .seconds(1)
  /// The next review is due after this moment. No gap can open by time alone before it.
  var reviewDue: Moment

  init(roll: NodeRoll, at now: Moment, threshold: Duration) {
    self.roll = roll
    // An earlier leader may have collected the containers that run already.
    rows = roll.entries.map { LedgerRow(notDue: $0.notDue, isCollectedInRun: true, now: now) }
    added = now
    reviewDue = now + min(threshold, roll.terms.leastThreshold ?? threshold)
  }

  // MARK: Changes

  /// Replaces the roll. Rows of remaining containers are kept, new containers are due from `now`, and gaps of removed ones close.
  mutating func update(to new: NodeRoll, threshold: Duration, at now: Moment) -> [GapTransition] {
    var transitions: [GapTransition] = []
    if roll.entries != new.entries { match(new, at: now, into: &transitions) }

    let old = roll
    roll = new
    applyTerms(insteadOf: old, threshold: threshold, at: now, into: &transitions)
    if old.source != new.source {
      lastScrape = nil
      seesScrapes = false
      closeNotScraped(at: now, into: &transitions)
    }
    reviewDue = now  // Review new rows at once; the review sets the next moment.
    return transitions
  }

  /// Assigns a row to each entry of the new roll. Both rolls are sorted alike.
  private mutating func match(_ new: NodeRoll, at now: Moment, into transitions: inout [GapTransition]) {
    var kept: [LedgerRow] = []
    kept.reserveCapacity(new.entries.count)
    var keptDetails: [Int32: String] = [:]
    var keptTroubles: [Int32: ScrapeTrouble] = [:]
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
        kept.append(LedgerRow(notDue: entry.notDue, now: now))
        continue
      }
      if candidate.podUID == entry.podUID {
        let isOtherInstance = candidate.containerID != entry.containerID
        if isOtherInstance { rows[row].restarted(at: now) }
        if isOtherInstance || candidate.notDue != entry.notDue, let miss = rows[row].miss, miss.dependsOnRoll(roll.source),
          rows[row].uncollectedSince == nil
        {
          // The new roll explains the miss: there was no such instance any more.
          if miss == .rollStale { rows[row].forgive(at: now, hasUnseenRun: isOtherInstance && entry.notDue == .restarting) }
          clearMiss(row: row)
        }
        if let detail = details[Int32(row)] { keptDetails[Int32(kept.count)] = detail }
        if let trouble = troubles[Int32(row)] { keptTroubles[Int32(kept.count)] = trouble }
        rows[row].update(notDue: entry.notDue, at: now)
        kept.append(rows[row])
      } else {
        close(row: row, because: .replaced, at: now, into: &transitions)
        kept.append(LedgerRow(notDue: entry.notDue, now: now))
      }
      advance()
    }
    while old != nil {
      closeGone(row: row, in: new, at: now, into: &transitions)
      advance()
    }
    rows = kept
    details = keptDetails
    troubles = keptTroubles
  }

  /// Continues an age from before a restart, and reopens its gap if it was open.
  /// - Returns: whether the container is on the roll.
  mutating func restore(_ archived: ArchivedAge, since: Moment) -> Bool {
    guard let row = row(of: archived.container), roll.entries[row].podUID == archived.podUID else { return false }
    // An open gap of a terminating pod is closed by the next review. A miss before the news of a restart does not count, as in `match`.
    let isVoid =
      rows[row].gapExemption != nil
      || rows[row].notDue == .restarting && archived.isCollectedInRun && archived.reason.dependsOnRoll(roll.source)
    guard archived.isOpen || archived.kind == .unscraped || !isVoid else { return true }
    let wasOpen = rows[row].isOpen
    switch archived.kind {
    case .uncollected:
      // A collection since the restart has ended the age, and closes the gap in the next review.
      if archived.isOpen || rows[row].lastCollected == nil { rows[row].restore(due: since, isCollectedInRun: archived.isCollectedInRun) }
      if archived.isOpen { rows[row].openUncollected(since: since) }
      if rows[row].miss == nil, rows[row].lastCollected == nil || archived.isOpen { rows[row].miss = archived.reason }
    case .unscraped:
      if archived.reason.isOfScrapes {
        troubles[Int32(row)] = ScrapeTrouble(reason: archived.reason, detail: "", since: since, isKnown: false)
      } else {
        rows[row].restore(scrapeDue: since)
      }
      if archived.isOpen { rows[row].openUnscraped(since: since) }
    }
    if !wasOpen, rows[row].isOpen { openGapCount += 1 }
    reviewDue = min(reviewDue, since)
    return true
  }

  /// Records the result of calling `called`, which may be an older roll than the current one.
  mutating func record(_ call: RollCall, of called: NodeRoll, at now: Moment, policy: LedgerPolicy) -> [GapTransition] {
    var transitions: [GapTransition] = []
    wasCalled = true
    switch call.lastScrape {
    case .notObservable: break
    case .notExpected:
      seesScrapes = false
      closeNotScraped(at: now, into: &transitions)
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
      for row in rows.indices { record(answer(row), row: row, at: now, policy: policy) }
    } else {
      for (index, entry) in called.entries.enumerated() {
        guard let row = row(of: entry.reference), roll.entries[row].isSameInstance(as: entry) else { continue }
        record(answer(index), row: row, at: now, policy: policy)
      }
    }
    return transitions + review(at: now, policy: policy)
  }

  private mutating func record(_ answer: Answer, row: Int, at now: Moment, policy: LedgerPolicy) {
    switch answer {
    case .collected(let age):
      let age = max(age, .zero)
      rows[row].collected(at: now - age, now: now)
      let threshold = threshold(row: row, policy.threshold)
      if age > threshold {
        miss(row: row, .staleData, detail: "the newest data is older than the threshold of \(threshold.text)")
      } else if rows[row].uncollectedSince == nil {
        clearMiss(row: row)  // The end of an open gap is still reported with its reason.
      }
    case .missed(let reason, let detail):
      guard rows[row].exemption == nil, rows[row].due != nil else { return }
      let dependsOnRoll = reason.dependsOnRoll(roll.source)
      // Without a running instance this says nothing new.
      if dependsOnRoll, rows[row].notDue == .restarting { return }
      // A container that may be gone stays so when its agent becomes unreachable as well.
      let isStale = policy.isRollStale && (dependsOnRoll || rows[row].miss?.dependsOnRoll(roll.source) ?? false)
      miss(row: row, isStale ? .rollStale : reason, detail: detail)
    case .exempt(.sandboxedRuntime) where policy.isRollStale && rows[row].exemption == nil:
      // A process that an old roll does not have looks like that of a sandbox.
      if rows[row].due != nil { miss(row: row, .rollStale, detail: "") }
    case .exempt(let exemption):
      rows[row].exemption = exemption
    }
  }

  /// Opens overdue gaps and closes gaps that have recovered.
  mutating func review(at now: Moment, policy: LedgerPolicy) -> [GapTransition] {
    var transitions: [GapTransition] = []
    reviewDue = Moment(milliseconds: .max)
    withheldGapCount = 0
    for row in rows.indices {
      if let exemption = rows[row].gapExemption {
        close(row: row, because: .exempt(exemption), at: now, into: &transitions)
        clearMiss(row: row)
        continue
      }
      reviewCollection(row: row, at: now, policy: policy, into: &transitions)
      if seesScrapes || !troubles.isEmpty || rows[row].unscrapedSince != nil {
        reviewScrape(row: row, at: now, policy: policy, into: &transitions)
      }
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

  private mutating func reviewCollection(row: Int, at now: Moment, policy: LedgerPolicy, into transitions: inout [GapTransition]) {
    let threshold = threshold(row: row, policy.threshold)
    if rows[row].uncollectedSince != nil {
      // Only a recent collection closes it. A restored row has none yet.
      guard let collected = rows[row].lastCollected, now - collected <= threshold else { return }
      closeUncollected(row: row, because: .recovered, at: now, into: &transitions)
      clearMiss(row: row)
      if let since = rows[row].unscrapedSince {
        openGapCount += 1
        transitions.append(GapTransition(gap: unscrapedGap(row: row, since: since), change: .opened, at: now))
      }
    }
    guard let base = rows[row].collectionBase else { return }
    guard now - base > threshold else {
      reviewDue = min(reviewDue, base + threshold)
      return
    }
    if let miss = rows[row].miss, miss == .rollStale || policy.isRollStale && miss.dependsOnRoll(roll.source) {
      withheldGapCount += 1
      reviewDue = min(reviewDue, now + Self.withheldReview)
      return
    }
    // An age from before a restart may have ended before the first call.
    let opensAfter = wasCalled ? policy.opensAfter : max(policy.opensAfter, added + threshold)
    guard now > opensAfter else {
      reviewDue = min(reviewDue, opensAfter)
      return
    }
    if let unscraped = rows[row].unscrapedSince {
      openGapCount -= 1
      transitions.append(
        GapTransition(gap: unscrapedGap(row: row, since: unscraped), change: .closed(.superseded, after: now - unscraped), at: now))
    }
    rows[row].openUncollected(since: base)
    openGapCount += 1
    transitions.append(GapTransition(gap: uncollectedGap(row: row, since: base), change: .opened, at: now))
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

  mutating func close(row: Int, because end: GapEnd, at now: Moment, into transitions: inout [GapTransition]) {
    if rows[row].uncollectedSince == nil {
      closeUnscraped(row: row, because: end, at: now, into: &transitions)
    } else {
      rows[row].closeUnscraped()
      closeUncollected(row: row, because: end, at: now, into: &transitions)
    }
  }

  /// Closes the gaps of a container that is not on the new roll.
  private mutating func closeGone(row: Int, in new: NodeRoll, at now: Moment, into transitions: inout [GapTransition]) {
    guard rows[row].isOpen else { return }
    let exemption = new.exemption(of: roll.entries.reference(at: row))
    close(row: row, because: exemption.map { .exempt($0) } ?? .leftRoll, at: now, into: &transitions)
  }

  private mutating func closeUncollected(row: Int, because end: GapEnd, at now: Moment, into transitions: inout [GapTransition]) {
    guard let since = rows[row].uncollectedSince else { return }
    transitions.append(GapTransition(gap: uncollectedGap(row: row, since: since), change: .closed(end, after: now - since), at: now))
    rows[row].closeUncollected(at: now)
    openGapCount -= 1
  }

  // MARK: Reading

  func row(of reference: ContainerReference) -> Int? { roll.entries.index(of: reference) }

  func uncollectedGap(row: Int, since: Moment) -> Gap {
    gap(row: row, kind: .uncollected, reason: uncollectedReason(row: row), detail: detail(of: row), since: since)
  }

  func uncollectedReason(row: Int) -> Reason {
    let reason = rows[row].miss ?? (rows[row].notDue == .restarting ? .restarting : .unknown)
    return reason == .unknown && !roll.nodeReady ? .nodeNotReady : reason
  }

  /// What was tried and how it failed at the last miss. May be empty.
  func detail(of row: Int) -> String { details[Int32(row)] ?? "" }

  func gap(row: Int, kind: GapKind, reason: Reason, detail: String, since: Moment) -> Gap {
    Gap(
      container: roll.entries.reference(at: row), node: roll.node, source: roll.source, kind: kind, reason: reason, detail: detail,
      since: since, terms: roll.terms[row])
  }
}
