import Controller
import Roll

/// A simple model of the ledger: a dictionary of rows by container, all of which are reviewed every time. The real ledger, with packed rows
/// and shortcuts, must give the same results.
struct LedgerModel {
  struct Row {
    var entry: RollEntry
    var due: Moment
    var lastCollected: Moment?
    var collectedSince: Moment?
    var miss: (reason: Reason, detail: String)?
    var uncollectedSince: Moment?
    var unscrapedSince: Moment?
    var exemption: Exemption?
  }

  struct Node {
    var roll: NodeRoll
    var rows: [ContainerReference: Row] = [:]
    var lastScrape: Moment?
    var seesScrapes = false
  }

  let threshold: Duration
  var nodes: [String: Node] = [:]

  mutating func update(_ roll: NodeRoll, at now: Moment) -> [GapTransition] {
    let old = nodes[roll.node]
    var node = old ?? Node(roll: roll)
    var transitions: [GapTransition] = []
    var rows: [ContainerReference: Row] = [:]
    for entry in roll.entries {
      if let row = node.rows[entry.reference], isSame(row.entry, entry) {
        rows[entry.reference] = row
        rows[entry.reference]?.entry = entry
      } else {
        if let row = node.rows[entry.reference] { transitions += closings(of: row, in: node, .replaced, at: now) }
        rows[entry.reference] = Row(entry: entry, due: now)
      }
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

  mutating func record(_ call: RollCall, of called: NodeRoll, at now: Moment) -> [GapTransition] {
    guard var node = nodes[called.node] else { return [] }
    if call.lastScrape != .notObservable { node.seesScrapes = true }
    if case .ago(let age) = call.lastScrape { node.lastScrape = max(node.lastScrape ?? now - age, now - age) }
    for (entry, outcome) in zip(called.entries, call.answers) {
      guard var row = node.rows[entry.reference], isSame(row.entry, entry) else { continue }
      switch outcome {
      case .missed(let reason, let detail):
        if row.exemption == nil { row.miss = (reason, detail) }
      case .exempt(let exemption): row.exemption = exemption
      case .collected(let age):
        if row.exemption != nil {
          row.exemption = nil
          row.due = now
        }
        row.lastCollected = max(row.lastCollected ?? now - age, now - age)
        if age > threshold {
          row.miss = (.staleData, "the newest data is older than the threshold of 5m")
        } else if row.uncollectedSince == nil {
          row.miss = nil
        }
        row.collectedSince = row.collectedSince ?? now
      }
      node.rows[entry.reference] = row
    }
    nodes[called.node] = node
    return review(called.node, at: now)
  }

  mutating func evaluate(at now: Moment) -> [GapTransition] {
    nodes.keys.sorted().flatMap { review($0, at: now) }
  }

  private mutating func review(_ name: String, at now: Moment) -> [GapTransition] {
    guard var node = nodes[name] else { return [] }
    var transitions: [GapTransition] = []
    for var row in node.rows.values {
      if let exemption = row.exemption {
        transitions += closings(of: row, in: node, .exempt(exemption), at: now)
        if row.uncollectedSince != nil { row.collectedSince = now }
        (row.uncollectedSince, row.unscrapedSince, row.miss) = (nil, nil, nil)
        node.rows[row.entry.reference] = row
        continue
      }
      let base = max(row.due, row.lastCollected ?? row.due)
      if let since = row.uncollectedSince {
        if let collected = row.lastCollected, now - collected <= threshold {
          transitions.append(
            GapTransition(gap: gap(row, .uncollected, since, in: node), change: .closed(.recovered, after: now - since), at: now))
          row.uncollectedSince = nil
          row.collectedSince = now
          row.miss = nil
        }
      } else if now - base > threshold {
        if let since = row.unscrapedSince {
          transitions.append(
            GapTransition(gap: gap(row, .unscraped, since, in: node), change: .closed(.superseded, after: now - since), at: now))
          row.unscrapedSince = nil
        }
        row.uncollectedSince = base
        row.collectedSince = nil
        transitions.append(GapTransition(gap: gap(row, .uncollected, base, in: node), change: .opened, at: now))
      }
      if let since = row.unscrapedSince, let scraped = node.lastScrape, now - scraped <= threshold {
        transitions.append(
          GapTransition(gap: gap(row, .unscraped, since, in: node), change: .closed(.recovered, after: now - since), at: now))
        row.unscrapedSince = nil
      }
      if row.unscrapedSince == nil, node.seesScrapes, row.uncollectedSince == nil, let collectedSince = row.collectedSince,
        let collected = row.lastCollected
      {
        let owed = [row.due, collectedSince, node.lastScrape].compactMap(\.self).max() ?? row.due
        if collected - owed > threshold {
          row.unscrapedSince = owed
          transitions.append(GapTransition(gap: gap(row, .unscraped, owed, in: node), change: .opened, at: now))
        }
      }
      node.rows[row.entry.reference] = row
    }
    nodes[name] = node
    return transitions
  }

  func gaps() -> [Gap] {
    nodes.values.flatMap { node in node.rows.values.flatMap { gaps(of: $0, in: node) } }
  }

  private func gaps(of row: Row, in node: Node) -> [Gap] {
    [
      row.uncollectedSince.map { gap(row, .uncollected, $0, in: node) },
      row.unscrapedSince.map { gap(row, .unscraped, $0, in: node) },
    ].compactMap(\.self)
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
    var reason = row.miss?.reason ?? .unknown
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
