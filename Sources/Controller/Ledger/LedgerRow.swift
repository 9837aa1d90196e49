import Roll

/// The ledger's record of one container on the roll. It belongs to the container of a pod, not to one instance of it: a restart changes
/// neither the time from which a collection is due nor an open gap. What the roll says (`notDue`) starts and stops the clock:
///
/// - `nil`: a collection is due, from the moment when the clock started.
/// - `starting`: the clock has not started; misses do not count.
/// - `restarting`: the clock stops if the container was collected in its last run, and runs on otherwise.
/// - `terminating`, `terminationOverdue`: the clock stops, and open gaps close.
///
/// An `exemption` is what a call found out; it ends with a collection or a restart.
///
/// 40 bytes, since there may be 300,000 rows. Miss details are rare, so `NodeLedger` stores them separately.
struct LedgerRow: Sendable {
  /// Whether the container is collected.
  private enum CollectionState {
    case neverCollected
    /// Collected without an `uncollected` gap since this moment. Prometheus cannot scrape data that did not exist, so a scrape is due from
    /// no earlier moment.
    case collected(since: Moment)
    /// The `uncollected` gap is open and began at this moment.
    case missing(since: Moment)
  }

  /// `Moment.never` while the clock is stopped: nothing is due, however long that takes.
  private var dueMoment: Moment
  // `Moment.none` instead of an optional, which would take eight more bytes.
  private var lastCollection = Moment.none
  private var unscraped = Moment.none
  private var collection = CollectionState.neverCollected
  /// The reason of the latest miss since the last collection.
  var miss: Reason?
  /// Set if a call found that the container, though on the roll, cannot be collected. Nothing is due then.
  var exemption: Exemption?
  /// Why nothing is due from the container at present, by the roll.
  private(set) var notDue: Exemption?
  /// Whether it was collected since it last waited for a restart.
  private(set) var isCollectedInRun: Bool

  init(notDue: Exemption?, isCollectedInRun: Bool = false, now: Moment) {
    self.notDue = notDue
    self.isCollectedInRun = isCollectedInRun
    dueMoment = notDue == nil ? now : .never
  }

  /// The moment from which a collection is due: when the container first became due, or the beginning of a restored gap; `nil` if nothing
  /// is due.
  var due: Moment? { dueMoment == .never ? nil : dueMoment }

  var lastCollected: Moment? { lastCollection.unlessNone }

  /// The beginning of the `uncollected` gap; `nil` unless it is open.
  var uncollectedSince: Moment? {
    if case .missing(let since) = collection { since } else { nil }
  }

  /// The beginning of the `unscraped` gap; `nil` unless it is open. While the `uncollected` gap is open it takes precedence.
  var unscrapedSince: Moment? { uncollectedSince == nil ? unscraped.unlessNone : nil }

  /// The beginning of the `unscraped` gap that continues after the `uncollected` gap; `nil` without one.
  var supersededUnscrapedSince: Moment? { uncollectedSince == nil ? nil : unscraped.unlessNone }

  /// Whether a gap of either kind is open. Never both.
  var isOpen: Bool { uncollectedSince != nil || unscraped != .none }

  /// Whether a collection is due.
  var isExpected: Bool { exemption == nil && due != nil }

  /// Why no collection is due; `nil` if one is.
  var currentExemption: Exemption? { isExpected ? nil : exemption ?? notDue }

  /// Why the container cannot have a gap; `nil` if it can.
  var gapExemption: Exemption? {
    switch notDue {
    case .terminating, .terminationOverdue: exemption ?? notDue
    default: exemption
    }
  }

  /// The last collection, or the moment from which one is due; `nil` if nothing is due.
  var collectionBase: Moment? { due.map { max($0, lastCollection) } }

  /// Whether the container was missed, or has not been collected in its last run, so that a restart does not end its age.
  var isOutstanding: Bool { miss != nil || !isCollectedInRun || uncollectedSince != nil }

  /// The last scrape, or the moment from which one is due; `nil` while there is nothing to scrape.
  func scrapeBase(lastScrape: Moment?) -> Moment? {
    guard case .collected(let since) = collection else { return nil }
    guard let lastScrape else { return since }
    return max(since, lastScrape)
  }

  /// Takes over what the roll says.
  mutating func update(notDue new: Exemption?, at now: Moment) {
    guard new != notDue else { return }
    let old = notDue
    notDue = new
    switch new {
    case nil:
      if dueMoment == .never { dueMoment = now }
      if old == .starting { restartScrapes(at: now) }
      if old == .restarting { isCollectedInRun = false }
    case .restarting where isOutstanding: break  // Only a collection ends its age.
    default: stopClock()
    }
  }

  /// Records a collection, received `now`, with data as of `moment`. An open gap stays open, as the data may be old.
  mutating func collected(at moment: Moment, now: Moment) {
    if exemption != nil {
      exemption = nil
      dueMoment = now
      restartScrapes(at: now)
    }
    lastCollection = max(lastCollection, moment)
    isCollectedInRun = true
    if case .neverCollected = collection { collection = .collected(since: now) }
    if notDue != nil, uncollectedSince == nil { stopClock() }
  }

  mutating func openUncollected(since: Moment) {
    collection = .missing(since: since)
  }

  mutating func closeUncollected(at now: Moment) {
    collection = .collected(since: now)
    if notDue != nil { stopClock() }
  }

  mutating func openUnscraped(since: Moment) { unscraped = since }
  mutating func closeUnscraped() { unscraped = .none }

  /// Another instance of the container runs. What a call found out about the last one may not hold for it.
  mutating func restarted(at now: Moment) {
    isCollectedInRun = false
    guard exemption != nil else { return }
    exemption = nil
    dueMoment = notDue == nil ? now : .never
    restartScrapes(at: now)
  }

  /// Starts the age over: all misses were about an instance that was gone.
  /// - Parameter hasUnseenRun: whether an instance has started and stopped unseen. It counts as collected, since no call could find it.
  mutating func forgive(at now: Moment, hasUnseenRun: Bool) {
    if hasUnseenRun { isCollectedInRun = true }
    if dueMoment != .never { dueMoment = now }
  }

  /// Continues the age from before a restart of the controller.
  mutating func restore(due since: Moment, isCollectedInRun: Bool) {
    dueMoment = min(dueMoment, since)
    if lastCollected == nil { self.isCollectedInRun = isCollectedInRun }
  }

  /// Continues the time without a scrape from before a restart.
  mutating func restore(scrapeDue since: Moment) {
    switch collection {
    case .neverCollected: collection = .collected(since: since)
    case .collected(let later): collection = .collected(since: min(later, since))
    case .missing: break
    }
  }

  /// A scrape is due from now on.
  private mutating func restartScrapes(at now: Moment) {
    if case .collected = collection { collection = .collected(since: now) }
  }

  private mutating func stopClock() { dueMoment = .never }
}

extension Moment {
  fileprivate static let none = Moment(milliseconds: .min)
  fileprivate static let never = Moment(milliseconds: .max)
  fileprivate var unlessNone: Moment? { milliseconds == .min ? nil : self }
}
