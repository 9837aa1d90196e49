import Roll

// What policies say about the containers on the roll, and what a change of it closes.

extension NodeLedger {
  /// Maximum age of a container's collection or scrape.
  /// - Parameter standard: that of the settings.
  func threshold(row: Int, _ standard: Duration) -> Duration {
    // Most rolls have no terms.
    roll.terms.isEmpty ? standard : roll.terms[row]?.threshold ?? standard
  }

  /// Whether a missing scrape of the container may be a gap.
  func expectsScrapes(row: Int) -> Bool {
    roll.terms.isEmpty || roll.terms[row]?.scraping != .notRequired
  }

  /// Closes the gaps that the new terms do not allow. A gap that they begin is opened by the next review.
  /// - Parameter old: the roll before.
  mutating func applyTerms(insteadOf old: NodeRoll, threshold standard: Duration, at now: Moment, into transitions: inout [GapTransition]) {
    guard openGapCount > 0, roll.terms != old.terms else { return }
    for row in rows.indices where rows[row].isOpen {
      let before = old.entries.index(of: roll.entries.reference(at: row)).flatMap { old.terms[$0] }
      if !expectsScrapes(row: row), before?.scraping != .notRequired {
        closeUnscraped(row: row, because: .superseded, at: now, into: &transitions)
      }
      let limit = threshold(row: row, standard)
      // A gap of an earlier leader may be younger than the threshold, and stays open.
      guard limit > before?.threshold ?? standard, let since = rows[row].uncollectedSince ?? rows[row].unscrapedSince,
        now - since <= limit
      else { continue }
      close(row: row, because: .relaxed, at: now, into: &transitions)
    }
  }
}
