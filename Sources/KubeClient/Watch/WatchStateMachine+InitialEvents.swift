internal import Primitives

// A watch that starts with initial events (R14), and the fallback to a paged list (R15).
//
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists

extension WatchStateMachine {
  mutating func watchInitially(random: inout some RandomNumberGenerator) -> Action {
    state = .openingInitial
    initialEvents = InitialEvents()
    return .watchInitially(timeoutSeconds: Int.random(in: policy.watchSeconds, using: &random), within: policy.initialEventsPause)
  }

  mutating func initialWatchOpened(at now: Duration) -> Action {
    state = .receivingInitial(since: now)
    return .read(within: policy.initialEventsPause)
  }

  mutating func initialEventsReceived(_ changes: [RecordChange<Value>], since openedAt: Duration, at now: Duration) -> Action {
    initialEvents.append(changes)
    let rest = openedAt + policy.initialEventsDeadline - now
    guard rest > .zero else { return initialEventsRefused("they did not end in \(policy.initialEventsDeadline)", at: now) }
    return .read(within: min(rest, policy.initialEventsPause))
  }

  mutating func initialEventsEnded(_ changes: [RecordChange<Value>], at version: String, _ now: Duration) -> Action {
    guard !version.isEmpty else { return initialEventsRefused("the bookmark at their end has no version", at: now) }
    backoff.succeeded(at: now)
    initialEvents.append(changes)
    let records = initialEvents.records
    initialEvents = InitialEvents()
    state = .publishingInitial(Watch(version: version, openedAt: now, isConfirmed: true, hasAdvanced: true))
    return .publish(.all(records))
  }

  mutating func initialEventsPublished(_ watch: Watch) -> Action {
    statistics.lists += 1
    statistics.initialEvents += 1
    statistics.watches += 1
    status = .synced
    return read(watch)
  }

  /// The watch could not be opened, or failed before the end of its initial events.
  mutating func initialWatchFailed(_ failure: WatchFailure, at now: Duration, random: inout some RandomNumberGenerator) -> Action {
    initialEvents = InitialEvents()
    switch (failure, state) {
    case (.unreachable, .openingInitial):
      return wait(for: failure, then: .relist, now, &random)
    case (.unreachable, _):
      return initialEventsRefused(failure.reason, at: now)
    case (.unreadable, _):
      // A retry would deliver the same event (R12). A list has other limits.
      suspendInitialEvents(failure.reason, at: now)
      return wait(for: failure, then: .list(Listing()), now, &random)
    case (.status(let refusal), .openingInitial) where refusal.code == 401:
      return wait(for: failure, then: .relist, now, &random)
    case (.status(let refusal), .openingInitial) where refusal.isTransient:
      // Not about initial events. But a server that keeps responding with it must be listed, too.
      return wait(for: failure, then: .list(Listing()), now, &random)
    case (.status(let refusal), .openingInitial) where refusal.code == 403 || refusal.code == 404:
      // R16: about the resource, not about initial events. They are tried again once the permission or the resource exists.
      statistics.initialEventsRefused += 1
      return list(Listing())
    case (.status, _):
      return initialEventsRefused(failure.reason, at: now)
    }
  }

  /// R15: falls back to a paged list at once.
  mutating func initialEventsRefused(_ reason: String, at now: Duration) -> Action {
    initialEvents = InitialEvents()
    suspendInitialEvents(reason, at: now)
    return list(Listing())
  }

  private mutating func suspendInitialEvents(_ reason: String, at now: Duration) {
    statistics.initialEventsRefused += 1
    initialEventsRefusal = (reason, now + policy.initialEventsRetry)
  }
}

/// Collects the initial events of a watch.
///
/// They are ADDED events, but the API server may report changes before the bookmark that ends them.
struct InitialEvents<Value: Record> {
  /// May hold several records of one object, the newest last.
  private var received: [Value] = []
  /// For each removed object, the count of `received` at its removal. Its records before that index are void.
  private var removals: [ObjectKey: Int] = [:]

  mutating func append(_ changes: [RecordChange<Value>]) {
    for change in changes {
      switch change {
      case .put(let record): received.append(record)
      case .remove(let key): removals[key] = received.count
      }
    }
  }

  /// The existing objects. An object that changed has several records, the newest last.
  var records: [Value] {
    guard !removals.isEmpty else { return received }
    return received.enumerated().filter { index, record in index >= removals[record.key] ?? 0 }.map(\.element)
  }
}
