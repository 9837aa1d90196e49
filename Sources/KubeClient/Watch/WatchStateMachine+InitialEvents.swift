// A watch that begins with what is there (R14), and what to do where there is none to be had (R15).
//
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists

extension WatchStateMachine {
  mutating func watchInitially(random: inout some RandomNumberGenerator) -> Action {
    state = .openingInitial
    initialEvents = InitialEvents()
    return .watchInitially(timeoutSeconds: Int.random(in: policy.watchSeconds, using: &random), within: policy.initialEventsPause)
  }

  mutating func openedInitial(at now: Duration) -> Action {
    state = .receivingInitial(since: now)
    return .read(within: policy.initialEventsPause)
  }

  mutating func receivedInitial(_ changes: [RecordChange<Value>], since openedAt: Duration, at now: Duration) -> Action {
    initialEvents.append(changes)
    let rest = openedAt + policy.initialEventsDeadline - now
    guard rest > .zero else { return refusedInitial("they did not end in \(policy.initialEventsDeadline)", at: now) }
    return .read(within: min(rest, policy.initialEventsPause))
  }

  mutating func endedInitial(_ changes: [RecordChange<Value>], at version: String, _ now: Duration) -> Action {
    guard !version.isEmpty else { return refusedInitial("the mark at their end has no version", at: now) }
    backoff.succeeded(at: now)
    initialEvents.append(changes)
    let records = initialEvents.records
    initialEvents = InitialEvents()
    state = .publishingInitial(Watch(version: version, openedAt: now, isConfirmed: true, hasMoved: true))
    return .publish(.all(records))
  }

  mutating func listedInitially(_ watch: Watch) -> Action {
    statistics.lists += 1
    statistics.initialEvents += 1
    statistics.watches += 1
    status = .synced
    return read(watch)
  }

  /// The watch with initial events was not opened, or ended with an error before the mark.
  mutating func failedInitial(_ problem: WatchFailure, at now: Duration, random: inout some RandomNumberGenerator) -> Action {
    initialEvents = InitialEvents()
    switch (problem, state) {
    case (.unreachable, .openingInitial):
      return wait(for: problem, then: .relist, now, &random)
    case (.unreachable, _):
      return refusedInitial(problem.reason, at: now)
    case (.unreadable, _):
      // The same would come again (R12); a list has other limits.
      refuseInitial(problem.reason, at: now)
      return wait(for: problem, then: .list(Listing()), now, &random)
    case (.status(let refusal), .openingInitial) where refusal.code == 401:
      return wait(for: problem, then: .relist, now, &random)
    case (.status(let refusal), .openingInitial) where refusal.isTransient:
      // It says nothing against initial events, but a server that says so for ever must be listed, too.
      return wait(for: problem, then: .list(Listing()), now, &random)
    case (.status(let refusal), .openingInitial) where refusal.code == 403 || refusal.code == 404:
      // R16: it is about the resource. Initial events are asked for again when the rights, or the resource, are there.
      statistics.initialEventsRefused += 1
      return list(Listing())
    case (.status, _):
      return refusedInitial(problem.reason, at: now)
    }
  }

  /// R15: a plain list in the same pass.
  mutating func refusedInitial(_ reason: String, at now: Duration) -> Action {
    initialEvents = InitialEvents()
    refuseInitial(reason, at: now)
    return list(Listing())
  }

  private mutating func refuseInitial(_ reason: String, at now: Duration) {
    statistics.initialEventsRefused += 1
    initialEventsRefusal = (reason, now + policy.initialEventsRetry)
  }
}

/// The objects that a watch begins with, while they come in.
///
/// They come as ADDED events; but the API server may report changes of them before it marks their end.
struct InitialEvents<Value: Record> {
  /// Of two records of one object the later one counts.
  private var received: [Value] = []
  /// How many records had been received when an object was last removed: those of it among them no longer count.
  private var removals: [ObjectKey: Int] = [:]

  mutating func append(_ changes: [RecordChange<Value>]) {
    for change in changes {
      switch change {
      case .put(let record): received.append(record)
      case .remove(let key): removals[key] = received.count
      }
    }
  }

  /// What there is; of an object that changed, also its older records, before the newest.
  var records: [Value] {
    guard !removals.isEmpty else { return received }
    return received.enumerated().filter { index, record in index >= removals[record.key] ?? 0 }.map(\.element)
  }
}
