import Roll

/// What the ledger holds for one container on the roll: 40 bytes, since there may be 300,000. What is there of few containers, the
/// detail of a miss, stands beside the rows in `NodeLedger`.
struct LedgerRow: Sendable {
  /// How it stands with the container's collection.
  private enum CollectionState {
    case neverCollected
    /// Collected without an `uncollected` gap in between. Prometheus cannot fetch what was not there, so the clock of a scrape starts
    /// here at the earliest.
    case collected(since: Moment)
    /// The `uncollected` gap is open, and begins here.
    case missing(since: Moment)
  }

  /// When the container came onto the roll, as far as we know: collection is owed from here.
  var due: Moment
  // A moment that cannot be takes the place of `nil`, which would take eight bytes more.
  private var lastCollection = Moment.none
  private var unscraped = Moment.none
  private var collection = CollectionState.neverCollected
  /// The reason of the newest miss since the last collection.
  var miss: Reason?
  /// Why the container, though on the roll, turned out to be one that cannot be collected: nothing is owed of it.
  var exemption: Exemption?

  init(due: Moment) {
    self.due = due
  }

  var lastCollected: Moment? { lastCollection.unlessNone }

  /// Set while the `uncollected` gap is open: where it begins.
  var uncollectedSince: Moment? {
    if case .missing(let since) = collection { since } else { nil }
  }

  /// Set while the `unscraped` gap is open: where it begins.
  var unscrapedSince: Moment? {
    get { unscraped.unlessNone }
    set { unscraped = newValue ?? .none }
  }

  var openGaps: Int { (uncollectedSince == nil ? 0 : 1) + (unscrapedSince == nil ? 0 : 1) }

  /// The last collection, or the moment when it was due.
  var collectionBase: Moment { max(due, lastCollection) }

  /// Where a scrape is owed from; `nil` while there is nothing to scrape.
  func scrapeBase(lastScrape: Moment?) -> Moment? {
    guard case .collected(let since) = collection else { return nil }
    let base = max(due, since)
    guard let lastScrape else { return base }
    return max(base, lastScrape)
  }

  /// Collected, with data as of `moment`; known since `now`. An open gap stays open: the data may be old.
  mutating func collected(at moment: Moment, now: Moment) {
    if exemption != nil {
      exemption = nil
      due = now
    }
    lastCollection = max(lastCollection, moment)
    if case .neverCollected = collection { collection = .collected(since: now) }
  }

  mutating func openUncollected(since: Moment) {
    collection = .missing(since: since)
  }

  mutating func closeUncollected(at now: Moment) {
    collection = .collected(since: now)
  }
}

extension Moment {
  fileprivate static let none = Moment(milliseconds: .min)
  fileprivate var unlessNone: Moment? { milliseconds == .min ? nil : self }
}
