import Roll

/// What the ledger holds for one container on the roll.
struct LedgerRow: Sendable {
  /// The newest miss since the last collection.
  struct Miss: Sendable {
    var reason: Reason
    var detail: String
  }

  /// When the container came onto the roll, as far as we know: collection is owed from here.
  var due: Moment
  var lastCollected: Moment?
  /// Since when it has been collected without an `uncollected` gap in between. Prometheus cannot fetch what was not there, so the
  /// clock of a scrape starts here at the earliest.
  var collectedSince: Moment?
  var miss: Miss?
  /// Set while the gap is open: where it begins.
  var uncollectedSince: Moment?
  var unscrapedSince: Moment?

  init(due: Moment) {
    self.due = due
  }

  /// The last collection, or the moment when it was due.
  var collectionBase: Moment {
    guard let lastCollected else { return due }
    return max(due, lastCollected)
  }

  /// Where a scrape is owed from; `nil` while there is nothing to scrape.
  func scrapeBase(lastScrape: Moment?) -> Moment? {
    guard let collectedSince, uncollectedSince == nil else { return nil }
    let base = max(due, collectedSince)
    guard let lastScrape else { return base }
    return max(base, lastScrape)
  }

  mutating func collected(at moment: Moment) {
    lastCollected = lastCollected.map { max($0, moment) } ?? moment
  }
}
