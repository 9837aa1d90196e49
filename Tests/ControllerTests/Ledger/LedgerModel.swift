import Controller
import Roll

/// A simple model of the ledger: a dictionary of rows by container, all of which are reviewed every time. The real ledger, with packed rows
/// and shortcuts, must give the same results.
struct LedgerModel {
  struct Row {
    var entry: RollEntry
    /// `nil` while nothing is due.
    var due: Moment?
    var lastCollected: Moment?
    var collectedSince: Moment?
    var miss: (reason: Reason, detail: String)?
    var uncollectedSince: Moment?
    /// Hidden while `uncollectedSince` is set.
    var unscrapedSince: Moment?
    var exemption: Exemption?
    var isCollectedInRun = false

    var isOutstanding: Bool { miss != nil || !isCollectedInRun || uncollectedSince != nil }
    var noGap: Exemption? {
      exemption ?? (entry.notDue == .terminating || entry.notDue == .terminationOverdue ? entry.notDue : nil)
    }
  }

  struct Node {
    var roll: NodeRoll
    var rows: [ContainerReference: Row] = [:]
    var lastScrape: Moment?
    var seesScrapes = false
  }

  let threshold: Duration
  /// No gap opens in this time after a pause without a call or an evaluation that is longer than half the threshold.
  let catchUp: Duration
  var lastRun: Moment
  var catchesUpUntil: Moment?
  var isToldStale = false
  var nodes: [String: Node] = [:]

  mutating func update(_ roll: NodeRoll, at now: Moment) -> [GapTransition] {
    let old = nodes[roll.node]
    var node = old ?? Node(roll: roll)
    var transitions: [GapTransition] = []
    var rows: [ContainerReference: Row] = [:]
    for entry in roll.entries {
      guard var row = node.rows[entry.reference], row.entry.podUID == entry.podUID else {
        if let row = node.rows[entry.reference] { transitions += closings(of: row, in: node, .replaced, at: now) }
        rows[entry.reference] = Row(entry: entry, due: entry.notDue == nil ? now : nil, isCollectedInRun: old == nil)
        continue
      }
      if entry.containerID != row.entry.containerID { row.isCollectedInRun = false }
      if entry.containerID != row.entry.containerID || entry.notDue != row.entry.notDue, let miss = row.miss,
        miss.reason.dependsOnRoll(node.roll.source), row.uncollectedSince == nil
      {
        if miss.reason == .rollStale {
          if entry.containerID != row.entry.containerID, entry.notDue == .restarting { row.isCollectedInRun = true }
          if row.due != nil { row.due = now }
        }
        row.miss = nil
      }
      if entry.containerID != row.entry.containerID, row.exemption != nil {
        row.exemption = nil
        row.due = row.entry.notDue == nil ? now : nil
        if row.collectedSince != nil { row.collectedSince = now }
      }
      if entry.notDue != row.entry.notDue {
        if entry.notDue == nil {
          row.due = row.due ?? now
          if row.entry.notDue == .starting, row.collectedSince != nil { row.collectedSince = now }
          if row.entry.notDue == .restarting { row.isCollectedInRun = false }
        } else if entry.notDue != .restarting || !row.isOutstanding {
          row.due = nil
        }
      }
      row.entry = entry
      rows[entry.reference] = row
    }
    for (reference, row) in node.rows where rows[reference] == nil {
      let exemption = roll.exempt.first { $0.reference == reference }?.exemption
      transitions += closings(of: row, in: node, exemption.map { .exempt($0) } ?? .leftRoll, at: now)
    }
    let sourceChanged = node.roll.source != roll.source
    node.roll = roll
    node.rows = rows
    if sourceChanged {
      node.lastScrape = nil
      node.seesScrapes = false
      for (reference, row) in rows {
        transitions += closings(of: row, in: node, .superseded, at: now).filter { $0.gap.kind == .unscraped }
        node.rows[reference]?.unscrapedSince = nil
      }
    }
    nodes[roll.node] = node
    return transitions
  }

  mutating func remove(node name: String, at now: Moment) -> [GapTransition] {
    guard let node = nodes.removeValue(forKey: name) else { return [] }
    return node.rows.values.flatMap { closings(of: $0, in: node, .leftRoll, at: now) }
  }

  /// Notices that the process did not run until `now`.
  private mutating func run(at now: Moment) {
    if now - lastRun > threshold / 2 { catchesUpUntil = now + catchUp }
    if let end = catchesUpUntil, now > end { catchesUpUntil = nil }
    lastRun = now
  }

  private var isRollStale: Bool { isToldStale || catchesUpUntil != nil }

  mutating func record(_ call: RollCall, of called: NodeRoll, at now: Moment) -> [GapTransition] {
    run(at: now)
    guard var node = nodes[called.node] else { return [] }
    if call.lastScrape != .notObservable { node.seesScrapes = true }
    if case .ago(let age) = call.lastScrape { node.lastScrape = max(node.lastScrape ?? now - age, now - age) }
    for (entry, outcome) in zip(called.entries, call.answers) {
      guard var row = node.rows[entry.reference], isSame(row.entry, entry) else { continue }
      switch outcome {
      case .missed(let reason, let detail):
        guard row.exemption == nil, row.due != nil else { break }
        let dependsOnRoll = reason.dependsOnRoll(node.roll.source)
        if dependsOnRoll, row.entry.notDue == .restarting { break }
        row.miss = (
          isRollStale && (dependsOnRoll || row.miss?.reason.dependsOnRoll(node.roll.source) ?? false) ? .rollStale : reason, detail
        )
      case .exempt(.sandboxedRuntime) where isRollStale && row.exemption == nil:
        if row.due != nil { row.miss = (.rollStale, "") }
      case .exempt(let exemption): row.exemption = exemption
      case .collected(let age):
        if row.exemption != nil {
          row.exemption = nil
          row.due = now
          if row.collectedSince != nil { row.collectedSince = now }
        }
        row.lastCollected = max(row.lastCollected ?? now - age, now - age)
        row.isCollectedInRun = true
        if row.entry.notDue != nil, row.uncollectedSince == nil { row.due = nil }
        if age > threshold {
          row.miss = (.staleData, "the newest data is older than the threshold of 5m")
        } else if row.uncollectedSince == nil {
          row.miss = nil
        }
        if row.uncollectedSince == nil { row.collectedSince = row.collectedSince ?? now }
      }
      node.rows[entry.reference] = row
    }
    nodes[called.node] = node
    return review(called.node, at: now)
  }

  mutating func evaluate(at now: Moment) -> [GapTransition] {
    run(at: now)
    return nodes.keys.sorted().flatMap { review($0, at: now) }
  }

  private mutating func review(_ name: String, at now: Moment) -> [GapTransition] {
    guard var node = nodes[name] else { return [] }
    var transitions: [GapTransition] = []
    for var row in node.rows.values {
      defer { node.rows[row.entry.reference] = row }
      func change(_ kind: GapKind, since: Moment, _ change: GapTransition.Change) {
        transitions.append(GapTransition(gap: gap(row, kind, since, in: node), change: change, at: now))
      }
      if let exemption = row.noGap {
        transitions += closings(of: row, in: node, .exempt(exemption), at: now)
        if row.uncollectedSince != nil {
          row.collectedSince = now
          if row.entry.notDue != nil { row.due = nil }
        }
        (row.uncollectedSince, row.unscrapedSince, row.miss) = (nil, nil, nil)
        continue
      }
      if let since = row.uncollectedSince, let collected = row.lastCollected, now - collected <= threshold {
        change(.uncollected, since: since, .closed(.recovered, after: now - since))
        row.uncollectedSince = nil
        row.collectedSince = now
        row.miss = nil
        if row.entry.notDue != nil { row.due = nil }
        if let since = row.unscrapedSince { change(.unscraped, since: since, .opened) }
      }
      if row.uncollectedSince == nil, let due = row.due, now - max(due, row.lastCollected ?? due) > threshold {
        let isWithheld = row.miss.map { $0.reason == .rollStale || isRollStale && $0.reason.dependsOnRoll(node.roll.source) } ?? false
        if !isWithheld, catchesUpUntil == nil {
          let base = max(due, row.lastCollected ?? due)
          if let since = row.unscrapedSince { change(.unscraped, since: since, .closed(.superseded, after: now - since)) }
          row.uncollectedSince = base
          row.collectedSince = nil
          change(.uncollected, since: base, .opened)
        }
      }
      guard row.uncollectedSince == nil else { continue }
      if let since = row.unscrapedSince, let scraped = node.lastScrape, now - scraped <= threshold {
        change(.unscraped, since: since, .closed(.recovered, after: now - since))
        row.unscrapedSince = nil
      }
      if row.unscrapedSince == nil, node.seesScrapes, let collectedSince = row.collectedSince, let collected = row.lastCollected {
        let owed = max(collectedSince, node.lastScrape ?? collectedSince)
        if collected - owed > threshold {
          row.unscrapedSince = owed
          change(.unscraped, since: owed, .opened)
        }
      }
    }
    nodes[name] = node
    return transitions
  }

  func gaps() -> [Gap] {
    nodes.values.flatMap { node in node.rows.values.flatMap { gaps(of: $0, in: node) } }
  }

  private func gaps(of row: Row, in node: Node) -> [Gap] {
    if let since = row.uncollectedSince { return [gap(row, .uncollected, since, in: node)] }
    return row.unscrapedSince.map { [gap(row, .unscraped, $0, in: node)] } ?? []
  }

  private func closings(of row: Row, in node: Node, _ end: GapEnd, at now: Moment) -> [GapTransition] {
    gaps(of: row, in: node).map { GapTransition(gap: $0, change: .closed(end, after: now - $0.since), at: now) }
  }

  private func gap(_ row: Row, _ kind: GapKind, _ since: Moment, in node: Node) -> Gap {
    guard kind == .uncollected else {
      return Gap(
        container: row.entry.reference, node: node.roll.node, source: node.roll.source, kind: kind, reason: .notScraped,
        detail: "collected, but Prometheus has not scraped node \(node.roll.node)", since: since)
    }
    var reason = row.miss?.reason ?? (row.entry.notDue == .restarting ? .restarting : .unknown)
    if reason == .unknown, !node.roll.nodeReady { reason = .nodeNotReady }
    return Gap(
      container: row.entry.reference, node: node.roll.node, source: node.roll.source, kind: kind, reason: reason,
      detail: row.miss?.detail ?? "", since: since)
  }

  private func isSame(_ left: RollEntry, _ right: RollEntry) -> Bool {
    left.podUID == right.podUID
      && (left.containerID == right.containerID || left.containerID.isEmpty || right.containerID.isEmpty)
  }
}
