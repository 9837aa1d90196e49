import Roll

// What a pass over all containers needs: values without texts, which are made only for the containers that are shown.

/// Whether a container is covered now.
enum ContainerState: Hashable, Sendable {
  /// Collected within the threshold, and no gap is open.
  case collected
  /// A collection is due, and neither is there one within the threshold nor a gap.
  case waiting
  case gap(GapKind)
  case exempt(Exemption)
}

/// An open gap without its texts.
struct GapHead: Hashable, Sendable {
  var kind: GapKind
  var reason: Reason
  var since: Moment
}

/// What is known of one container on a roll.
struct ContainerStanding: Hashable, Sendable {
  var container: ContainerReference
  var state: ContainerState
  /// `nil` if nothing is due.
  var due: Moment?
  /// `nil` if never.
  var lastCollected: Moment?
  /// The reason of the gap, or of the last miss.
  var reason: Reason?
  /// What was tried and how it failed. May be empty.
  var detail: String
  /// `nil` unless a gap is open.
  var gapSince: Moment?
}

extension NodeLedger {
  /// - Parameter threshold: that of the settings.
  func state(at row: Int, now: Moment, threshold: Duration) -> ContainerState {
    let record = rows[row]
    if record.uncollectedSince != nil { return .gap(.uncollected) }
    if record.unscrapedSince != nil { return .gap(.unscraped) }
    if let exemption = record.currentExemption { return .exempt(exemption) }
    return record.lastCollected.map { now - $0 <= self.threshold(row: row, threshold) } ?? false ? .collected : .waiting
  }

  /// `nil` unless a gap is open.
  func gapHead(at row: Int) -> GapHead? {
    if let since = rows[row].uncollectedSince {
      return GapHead(kind: .uncollected, reason: uncollectedReason(row: row), since: since)
    }
    return rows[row].unscrapedSince.map { GapHead(kind: .unscraped, reason: troubles[Int32(row)]?.reason ?? .notScraped, since: $0) }
  }

  /// `nil` unless a gap is open.
  func gap(at row: Int) -> Gap? {
    if let since = rows[row].uncollectedSince { return uncollectedGap(row: row, since: since) }
    return rows[row].unscrapedSince.map { unscrapedGap(row: row, since: $0) }
  }

  func standing(at row: Int, now: Moment, threshold: Duration) -> ContainerStanding {
    let record = rows[row]
    let gap = gap(at: row)
    let trouble = troubles[Int32(row)]
    return ContainerStanding(
      container: roll.entries.reference(at: row), state: state(at: row, now: now, threshold: threshold), due: record.due,
      lastCollected: record.lastCollected, reason: gap?.reason ?? record.miss ?? trouble?.reason,
      detail: gap?.detail ?? (record.miss == nil ? trouble?.detail ?? "" : detail(of: row)), gapSince: gap?.since)
  }
}
