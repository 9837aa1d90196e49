internal import Primitives

/// Keeps a store equal to one resource of the API server: by a watch that starts with initial events, or by a paged list and a watch after
/// it. Decides how to recover when either breaks.
///
/// It does no I/O. `Reflector` performs the returned action and passes its result to `handle`, with the time.
struct WatchStateMachine<Value: Record> {
  let policy: WatchPolicy
  var state = State.waiting(then: .relist)
  /// The pages of the current list. They are published together, after the last one. Not in `state`, so that the array has one owner and
  /// grows in place.
  private var pages: [Value] = []
  /// The initial events of the current watch, not yet published.
  var initialEvents = InitialEvents<Value>()
  /// Set after initial events failed: lists are paged until this time (R15).
  var initialEventsRefusal: (reason: String, until: Duration)?
  var backoff: Backoff
  /// Set when an expired version caused a relist, until a watch advances. The next expired version waits for the back-off.
  var relistedForExpiry = false
  /// Time of the first of the current internal errors of the server (R09).
  var internalErrorsSince: Duration?

  /// For readiness.
  var status = ReflectorStatus.waiting(reason: "the first list is under way")
  /// The HTTP status of the last failure, if it was a refusal.
  var refusal: Int?
  var statistics = WatchStatistics()

  init(policy: WatchPolicy) {
    self.policy = policy
    backoff = Backoff(policy.backoff, reset: policy.backoffReset)
  }

  /// Returns the first action.
  mutating func start(at now: Duration, random: inout some RandomNumberGenerator) -> Action { relist(at: now, random: &random) }

  /// Takes the result of the last action and returns the next one.
  /// - Parameter now: monotonic.
  mutating func handle(_ event: Event, at now: Duration, random: inout some RandomNumberGenerator) -> Action {
    switch (state, event) {
    case (.listing(let listing), .list(.page(let page))): pageReceived(page, of: listing, at: now)
    case (.listing(let listing), .list(.failed(let failure))): listFailed(failure, in: listing, at: now, random: &random)
    case (.publishingList(let version), .published): listPublished(version, random: &random)

    case (.openingInitial, .watch(.opened)): initialWatchOpened(at: now)
    case (.openingInitial, .watch(.failed(let failure))): initialWatchFailed(failure, at: now, random: &random)
    case (.openingInitial, .watch(.stalled)): initialEventsRefused("they stalled", at: now)
    case (.receivingInitial(let openedAt), .read(.changes(let changes, _))): initialEventsReceived(changes, since: openedAt, at: now)
    case (.receivingInitial, .read(.initialEventsEnd(let changes, let version))): initialEventsEnded(changes, at: version, now)
    case (.receivingInitial, .read(.failed(let failure))): initialWatchFailed(failure, at: now, random: &random)
    case (.receivingInitial, .read(.stalled)): initialEventsRefused("they stalled", at: now)
    case (.receivingInitial, .read(.streamEnded)): initialEventsRefused("the stream ended before them", at: now)
    case (.publishingInitial(let watch), .published): initialEventsPublished(watch)

    case (.opening(let version, let isConfirmed), .watch(.opened)): watchOpened(at: version, isConfirmed: isConfirmed, now)
    case (.opening(let version, _), .watch(.failed(let failure))): watchFailed(failure, from: version, at: now, random: &random)
    case (.watching(let watch), .read(.changes(let changes, let version))): changesReceived(changes, upTo: version, of: watch)
    case (.watching(let watch), .read(.initialEventsEnd(let changes, let version))): changesReceived(changes, upTo: version, of: watch)
    case (.publishingChanges(let watch), .published): read(watch)
    case (.watching(let watch), .read(.streamEnded)): streamEnded(watch, at: now, random: &random)
    case (.watching(let watch), .read(.failed(let failure))): watchFailed(failure, from: watch.version, at: now, random: &random)
    case (.watching(let watch), .read(.filesChanged)): self.watch(from: watch.version, isConfirmed: watch.isConfirmed, random: &random)
    case (.watching(let watch), .read(.stalled)): check(watch.version)
    case (.checking(let version), .check(.reached)): watch(from: version, isConfirmed: true, random: &random)
    case (.checking(let version), .check(.failed(let failure))): watchFailed(failure, from: version, at: now, random: &random)

    case (.waiting(.relist), .waited): relist(at: now, random: &random)
    case (.waiting(.list(let listing)), .waited): list(listing)
    case (.waiting(.watch(let version)), .waited): watch(from: version, random: &random)

    default: unexpected(event, at: now, random: &random)
    }
  }
}

extension WatchStateMachine {
  /// What to do next. The result of each action is the event of the same name.
  enum Action {
    /// Fetch one page, or the whole list if there is no limit.
    case list(continue: String?, limit: Int?)
    /// Open a watch with initial events; its event is `watch`.
    case watchInitially(timeoutSeconds: Int, within: Duration)
    /// Open a watch for the changes after a version.
    case watch(from: String, timeoutSeconds: Int)
    /// Read the next changes of the open watch. It stalls only if there is a limit.
    case read(within: Duration?)
    /// Ask whether the server has reached a version.
    case check(version: String)
    /// Write to the store; its event is `published`.
    case publish(Publication)
    /// Sleep; its event is `waited`.
    case wait(Duration)
  }

  /// The result of the last action.
  enum Event {
    case list(ListResult)
    case watch(WatchResult)
    case read(ReadResult)
    case check(CheckResult)
    case published
    case waited
  }

  enum ListResult {
    case page(RecordPage<Value>)
    case failed(WatchFailure)
  }

  enum WatchResult {
    /// The server accepted the watch.
    case opened
    /// No response within the action's limit.
    case stalled
    case failed(WatchFailure)
  }

  enum ReadResult {
    /// Changes in order, and the version of the last change or bookmark.
    case changes([RecordChange<Value>], resourceVersion: String)
    /// As `changes`; these complete the initial events.
    case initialEventsEnd([RecordChange<Value>], resourceVersion: String)
    /// The stream was closed or cut, possibly within an event. An incomplete event is dropped (R11).
    case streamEnded
    /// Nothing arrived within the action's limit.
    case stalled
    /// We ended the stream because the certificate files of its connection changed (R21).
    case filesChanged
    case failed(WatchFailure)
  }

  enum CheckResult {
    case reached
    case failed(WatchFailure)
  }

  enum Publication {
    /// Replaces all records.
    case all([Value])
    case changes([RecordChange<Value>])
  }
}

extension WatchStateMachine {
  struct Listing {
    /// `nil` for the first page.
    var token: String?
    /// Whether the list is fetched without pages, after a token expired (R03).
    var isWhole = false
  }

  struct Watch {
    var version: String
    var openedAt: Duration
    /// Whether the server is known to have reached the version (R07).
    var isConfirmed: Bool
    /// Whether the stream delivered a newer version.
    var hasAdvanced = false
  }

  /// What to do after a wait.
  enum Next {
    /// A new list, by initial events or by pages.
    case relist
    case list(Listing)
    case watch(from: String)
  }

  enum State {
    case listing(Listing)
    case publishingList(version: String)
    case openingInitial
    /// Initial events are collected in `initialEvents` until the bookmark that ends them (R14).
    case receivingInitial(since: Duration)
    case publishingInitial(Watch)
    case opening(version: String, isConfirmed: Bool)
    case watching(Watch)
    case checking(version: String)
    case publishingChanges(Watch)
    case waiting(then: Next)
  }
}

// MARK: Transitions without failures

extension WatchStateMachine {
  /// Starts a new list: by initial events, unless they were refused lately.
  mutating func relist(at now: Duration, random: inout some RandomNumberGenerator) -> Action {
    if let refusal = initialEventsRefusal, refusal.until <= now { initialEventsRefusal = nil }
    guard policy.usesInitialEvents, initialEventsRefusal == nil else { return list(Listing()) }
    return watchInitially(random: &random)
  }

  mutating func list(_ listing: Listing) -> Action {
    state = .listing(listing)
    if listing.token == nil { pages = [] }
    return .list(continue: listing.token, limit: listing.isWhole ? nil : policy.pageSize)
  }

  /// - Parameter isConfirmed: whether the server is known to have reached the version.
  mutating func watch(from version: String, isConfirmed: Bool = false, random: inout some RandomNumberGenerator) -> Action {
    state = .opening(version: version, isConfirmed: isConfirmed)
    return .watch(from: version, timeoutSeconds: Int.random(in: policy.watchSeconds, using: &random))
  }

  mutating func read(_ watch: Watch) -> Action {
    state = .watching(watch)
    return .read(within: watch.isConfirmed ? nil : policy.unconfirmedSilence)
  }

  /// R07: an API server accepts a watch from a version ahead of its own, e.g. after a restore of etcd, and then silently omits every event
  /// up to that version. A silent unconfirmed watch is therefore checked.
  private mutating func check(_ version: String) -> Action {
    state = .checking(version: version)
    return .check(version: version)
  }

  private mutating func pageReceived(_ page: RecordPage<Value>, of listing: Listing, at now: Duration) -> Action {
    backoff.succeeded(at: now)
    pages += page.records
    if let token = page.continueToken { return list(Listing(token: token, isWhole: listing.isWhole)) }
    state = .publishingList(version: page.resourceVersion)
    defer { pages = [] }
    return .publish(.all(pages))
  }

  private mutating func listPublished(_ version: String, random: inout some RandomNumberGenerator) -> Action {
    statistics.lists += 1
    status = .synced
    return watch(from: version, isConfirmed: true, random: &random)
  }

  private mutating func watchOpened(at version: String, isConfirmed: Bool, _ now: Duration) -> Action {
    backoff.succeeded(at: now)
    statistics.watches += 1
    status = .synced
    return read(Watch(version: version, openedAt: now, isConfirmed: isConfirmed))
  }

  private mutating func changesReceived(_ changes: [RecordChange<Value>], upTo version: String, of watch: Watch) -> Action {
    var watch = watch
    if !version.isEmpty, version != watch.version {
      watch.version = version
      watch.isConfirmed = true
      watch.hasAdvanced = true
      resetFailureState()
    }
    statistics.changes += changes.count
    guard !changes.isEmpty else { return read(watch) }
    state = .publishingChanges(watch)
    return .publish(.changes(changes))
  }

  private mutating func streamEnded(_ watch: Watch, at now: Duration, random: inout some RandomNumberGenerator) -> Action {
    let lasted = now - watch.openedAt
    guard watch.hasAdvanced || lasted >= policy.shortestHealthyWatch else {
      return wait(for: .unreachable("the watch ended after \(lasted) without an event"), then: .watch(from: watch.version), now, &random)
    }
    resetFailureState()
    return self.watch(from: watch.version, random: &random)
  }

  private mutating func resetFailureState() {
    relistedForExpiry = false
    internalErrorsSince = nil
  }
}
