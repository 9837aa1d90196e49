import Roll

/// The ledger's record of one container on the roll. 40 bytes, since there may be 300,000 rows. Miss details are rare, so `NodeLedger`
/// stores them separately.
struct LedgerRow: Sendable {
  /// Whether the container is collected.
  private enum CollectionState {
    case neverCollected
    /// Collected without an `uncollected` gap since this moment. Prometheus cannot scrape data that did not exist, so a scrape is due from
    /// here at the earliest.
    case collected(since: Moment)
    /// The `uncollected` gap is open and began at this moment.
    case missing(since: Moment)
  }

  /// The moment from which a collection is due: when the container came onto the roll, or the beginning of a restored gap.
  var due: Moment
  // `Moment.none` instead of an optional, which would take eight more bytes.
  private var lastCollection = Moment.none
  private var unscraped = Moment.none
  private var collection = CollectionState.neverCollected
  /// The reason of the latest miss since the last collection.
  var miss: Reason?
  /// Set if a call found that the container, though on the roll, cannot be collected. Nothing is due then.
  var exemption: Exemption?

  init(due: Moment) {
    self.due = due
  }

  var lastCollected: Moment? { lastCollection.unlessNone }

  /// The beginning of the `uncollected` gap; `nil` unless it is open.
  var uncollectedSince: Moment? {
    if case .missing(let since) = collection { since } else { nil }
  }

  /// The beginning of the `unscraped` gap; `nil` unless it is open.
  var unscrapedSince: Moment? {
    get { unscraped.unlessNone }
    set { unscraped = newValue ?? .none }
  }

  var openGaps: Int { (uncollectedSince == nil ? 0 : 1) + (unscrapedSince == nil ? 0 : 1) }

  /// The last collection, or the moment from which one is due.
  var collectionBase: Moment { max(due, lastCollection) }

  /// The last scrape, or the moment from which one is due; `nil` while there is nothing to scrape.
  func scrapeBase(lastScrape: Moment?) -> Moment? {
    guard case .collected(let since) = collection else { return nil }
    let base = max(due, since)
    guard let lastScrape else { return base }
    return max(base, lastScrape)
  }

  /// Records a collection, received `now`, with data as of `moment`. An open gap stays open, as the data may be old.
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
