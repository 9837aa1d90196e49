/// Decides how a store is kept equal to what the API server has: by a watch that begins with what is there, or by a list in pages and a
/// watch after it; and what to do when either breaks.
///
/// It is pure: a fact goes in with the time at which it became known, and one action comes out, whose outcome is the next fact.
/// `Reflector` performs the actions. The facts that each action may lead to are named at the action.
struct WatchStateMachine<Value: Record> {
  let policy: WatchPolicy
  var state = State.waiting(then: .relist)
  /// The pages of the list that is under way; readers see nothing of them before the last. Here and not in the state, so that they have one
  /// owner and grow in place.
  private var pages: [Value] = []
  /// The same for the initial events of a watch.
  var initialEvents = InitialEvents<Value>()
  /// Until when initial events are not asked for, after they were refused (R15).
  var initialEventsRefusal: (reason: String, until: Duration)?
  var backoff: Backoff
  /// Set by a relist that an expired version asked for, until a watch has gone on after it: a second one waits.
  var hasJustExpired = false
  /// When internal errors of the server began (R09).
  var internalErrorsSince: Duration?

  /// How things stand, for readiness.
  var status = ReflectorStatus.waiting(reason: "the first list is under way")
  var statistics = WatchStatistics()

  init(policy: WatchPolicy) {
    self.policy = policy
    backoff = Backoff(policy)
  }

  /// The first action.
  mutating func start(at now: Duration, random: inout some RandomNumberGenerator) -> Action { relist(at: now, random: &random) }

  /// - Parameters:
  ///   - fact: what the last action led to.
  ///   - now: on any clock that only goes forward.
  mutating func handle(_ fact: Fact, at now: Duration, random: inout some RandomNumberGenerator) -> Action {
    switch (state, fact) {
    case (.listing(let listing), .pageReceived(let page)): received(page, of: listing, at: now)
    case (.listing(let listing), .failed(let problem)): failed(problem, in: listing, at: now, random: &random)
    case (.publishingList(let version), .published): listed(version, random: &random)

    case (.openingInitial, .watchOpened): openedInitial(at: now)
    case (.receivingInitial(let openedAt), .changes(let changes, _)): receivedInitial(changes, since: openedAt, at: now)
    case (.receivingInitial, .initialEventsEnded(let changes, let version)): endedInitial(changes, at: version, now)
    case (.publishingInitial(let watch), .published): listedInitially(watch)
    case (.openingInitial, .failed(let problem)), (.receivingInitial, .failed(let problem)):
      failedInitial(problem, at: now, random: &random)
    case (.openingInitial, .stalled), (.receivingInitial, .stalled): refusedInitial("they stalled", at: now)
    case (.receivingInitial, .streamEnded): refusedInitial("the stream ended before them", at: now)

    case (.opening(let version, let isConfirmed), .watchOpened): opened(at: version, isConfirmed: isConfirmed, now)
    case (.opening(let version, _), .failed(let problem)): failed(problem, watchingFrom: version, at: now, random: &random)
    case (.watching(let watch), .changes(let changes, let version)), (.watching(let watch), .initialEventsEnded(let changes, let version)):
      received(changes, upTo: version, of: watch)
    case (.publishingChanges(let watch), .published): read(watch)
    case (.watching(let watch), .streamEnded): ended(watch, at: now, random: &random)
    case (.watching(let watch), .failed(let problem)): failed(problem, watchingFrom: watch.version, at: now, random: &random)
    case (.watching(let watch), .stalled): check(watch.version)
    case (.watching(let watch), .outdated): self.watch(from: watch.version, isConfirmed: watch.isConfirmed, random: &random)
    case (.checking(let version), .versionReached): watch(from: version, isConfirmed: true, random: &random)
    case (.checking(let version), .failed(let problem)): failed(problem, watchingFrom: version, at: now, random: &random)

    case (.waiting(.relist), .waited): relist(at: now, random: &random)
    case (.waiting(.list(let listing)), .waited): list(listing)
    case (.waiting(.watch(let version)), .waited): watch(from: version, random: &random)

    default: outOfStep(fact, at: now, random: &random)
    }
  }
}

extension WatchStateMachine {
  /// What became known.
  enum Fact {
    case pageReceived(RecordPage<Value>)
    /// The server accepted the watch.
    case watchOpened
    /// Changes in order, and the version that they or a bookmark lead to.
    case changes([RecordChange<Value>], resourceVersion: String)
    /// As `changes`, and with them what was there when the watch was asked for is complete.
    case initialEventsEnded([RecordChange<Value>], resourceVersion: String)
    /// Nothing came in the time that the action gave.
    case stalled
    /// The stream is over without a word: closed, or cut, in the middle of an event or not. Half an event is dropped (R11).
    case streamEnded
    case failed(WatchFailure)
    /// The stream was ended by us, since its connection was made by files that have changed (R21).
    case outdated
    /// The server is not behind the version that was asked about.
    case versionReached
    case published
    case waited
  }

  /// What to do next.
  enum Action {
    /// Fetch a page, → `pageReceived` or `failed`. Without a limit, the whole list.
    case list(continue: String?, limit: Int?)
    /// Ask for a watch that begins with what is there, → `watchOpened`, `failed` or `stalled`.
    case watchInitially(timeoutSeconds: Int, within: Duration)
    /// Ask for the changes after a version, → `watchOpened` or `failed`.
    case watch(from: String, timeoutSeconds: Int)
    /// Read on in the open stream, → `changes`, `initialEventsEnded`, `streamEnded`, `failed`, `outdated`, or `stalled` where there is a limit.
    case read(within: Duration?)
    /// Ask whether the server has reached a version, → `versionReached` or `failed`.
    case check(version: String)
    /// Give this to the readers, → `published`.
    case publish(Publication)
    /// Do nothing for so long, → `waited`.
    case wait(Duration)
  }

  enum Publication {
    /// Put these in place of everything.
    case all([Value])
    case changes([RecordChange<Value>])
  }

  struct Listing {
    /// `nil` for the first page.
    var token: String?
    /// Whether the list is fetched in one piece, after a token expired (R03).
    var isWhole = false
  }

  struct Watch {
    var version: String
    var openedAt: Duration
    /// Whether the server is known to have reached the version (R07).
    var isConfirmed: Bool
    /// Whether the stream brought anything new.
    var hasMoved = false
  }

  enum Next {
    /// A whole list anew, in whichever way.
    case relist
    case list(Listing)
    case watch(from: String)
  }

  enum State {
    case listing(Listing)
    case publishingList(version: String)
    case openingInitial
    /// Until the mark at their end, initial events go into `initialEvents` and not to readers (R14).
    case receivingInitial(since: Duration)
    case publishingInitial(Watch)
    case opening(version: String, isConfirmed: Bool)
    case watching(Watch)
    case checking(version: String)
    case publishingChanges(Watch)
    case waiting(then: Next)
  }
}

// MARK: What goes well

extension WatchStateMachine {
  /// Begins a whole list: by initial events unless they are known not to come.
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

  /// R07: an API server accepts a watch from a version that is ahead of it, as after a restore of etcd, and then leaves out in silence every
  /// event up to that version. So one that says nothing is asked.
  private mutating func check(_ version: String) -> Action {
    state = .checking(version: version)
    return .check(version: version)
  }

  private mutating func received(_ page: RecordPage<Value>, of listing: Listing, at now: Duration) -> Action {
    backoff.succeeded(at: now)
    pages += page.records
    if let token = page.continueToken { return list(Listing(token: token, isWhole: listing.isWhole)) }
    state = .publishingList(version: page.resourceVersion)
    defer { pages = [] }
    return .publish(.all(pages))
  }

  private mutating func listed(_ version: String, random: inout some RandomNumberGenerator) -> Action {
    statistics.lists += 1
    status = .synced
    return watch(from: version, isConfirmed: true, random: &random)
  }

  private mutating func opened(at version: String, isConfirmed: Bool, _ now: Duration) -> Action {
    backoff.succeeded(at: now)
    statistics.watches += 1
    status = .synced
    return read(Watch(version: version, openedAt: now, isConfirmed: isConfirmed))
  }

  private mutating func received(_ changes: [RecordChange<Value>], upTo version: String, of watch: Watch) -> Action {
    var watch = watch
    if !version.isEmpty, version != watch.version {
      watch.version = version
      watch.isConfirmed = true
      watch.hasMoved = true
      isWellAgain()
    }
    statistics.changes += changes.count
    guard !changes.isEmpty else { return read(watch) }
    state = .publishingChanges(watch)
    return .publish(.changes(changes))
  }

  private mutating func ended(_ watch: Watch, at now: Duration, random: inout some RandomNumberGenerator) -> Action {
    let lasted = now - watch.openedAt
    guard watch.hasMoved || lasted >= policy.shortestHealthyWatch else {
      return wait(for: .unreachable("the watch ended after \(lasted) without an event"), then: .watch(from: watch.version), now, &random)
    }
    isWellAgain()
    return self.watch(from: watch.version, random: &random)
  }

  mutating func isWellAgain() {
    hasJustExpired = false
    internalErrorsSince = nil
  }
}
