internal import Primitives

// How the state machine recovers from each kind of failure.

extension WatchStateMachine {
  /// A page could not be fetched.
  mutating func listFailed(
    _ failure: WatchFailure, in listing: Listing, at now: Duration, random: inout some RandomNumberGenerator
  ) -> Action {
    guard case .status(let refusal) = failure else {
      if case .unreadable = failure { return wait(for: failure, then: .relist, now, &random) }
      return wait(for: failure, then: .list(listing), now, &random)
    }
    if refusal.isExpired {
      statistics.expirations += 1
      // The continue token expired, and the pages so far are of a version that is gone. A list without pages cannot expire (R03).
      if listing.token != nil { return list(Listing(isWhole: true)) }
    }
    let canContinue = refusal.isTransient && !refusal.isTooLargeResourceVersion
    return wait(for: failure, then: canContinue ? .list(listing) : .relist, now, &random)
  }

  /// A watch could not be opened, or ended with an error.
  mutating func watchFailed(
    _ failure: WatchFailure, from version: String, at now: Duration, random: inout some RandomNumberGenerator
  ) -> Action {
    switch failure {
    case .unreachable:
      return wait(for: failure, then: .watch(from: version), now, &random)
    case .unreadable:
      // A watch from this version would deliver the same event again (R12).
      return wait(for: failure, then: .relist, now, &random)
    case .status(let refusal) where refusal.isExpired || refusal.isTooLargeResourceVersion:
      // R06, R07: the missed changes are only in a list.
      statistics.expirations += 1
      guard !relistedForExpiry else { return wait(for: failure, then: .relist, now, &random) }
      relistedForExpiry = true
      return relist(at: now, random: &random)
    case .status(let refusal) where refusal.code == 500:
      // R09
      let since = internalErrorsSince ?? now
      guard now - since < policy.internalErrorPatience else {
        internalErrorsSince = nil
        return wait(for: failure, then: .relist, now, &random)
      }
      internalErrorsSince = since
      return wait(for: failure, then: .watch(from: version), now, &random)
    case .status(let refusal) where refusal.isTransient || refusal.code == 401 || refusal.code == 403:
      // R08, and R16 for revoked permissions: the version is still valid; if it has expired by then, the server responds 410.
      return wait(for: failure, then: .watch(from: version), now, &random)
    case .status:
      // R16: a resource that was removed lists as empty once it is back. Any other refusal of this watch is resolved by a new list.
      return wait(for: failure, then: .relist, now, &random)
    }
  }

  /// Records the failure and waits: for the back-off, or for the server's `Retry-After` if that is longer.
  mutating func wait(
    for failure: WatchFailure, then next: Next, _ now: Duration, _ random: inout some RandomNumberGenerator
  ) -> Action {
    statistics.failures += 1
    if case .unreadable = failure { statistics.unreadable += 1 }
    status = .waiting(reason: failure.reason)
    refusal = if case .status(let status) = failure { status.code } else { nil }
    state = .waiting(then: next)
    let delay = backoff.failed(at: now, random: &random)
    guard case .status(let refusal) = failure, let retryAfter = refusal.retryAfter else { return .wait(delay) }
    // Up to 10 % jitter: clients that were refused together must not return together (R08).
    let jittered = min(retryAfter, policy.longestRetryAfter) * Double.random(in: 1...1.1, using: &random)
    return .wait(max(delay, jittered))
  }

  /// An event that the last action cannot have: a bug in the loop that performs the actions. A new list is correct from any state.
  mutating func unexpected(_ event: Event, at now: Duration, random: inout some RandomNumberGenerator) -> Action {
    assertionFailure("\(event) in state \(state)")
    return wait(for: .unreachable("internal error: unexpected event"), then: .relist, now, &random)
  }
}

/// Why a list or a watch failed, as far as recovery depends on it.
enum WatchFailure: Equatable, Sendable {
  /// The server refused, by the response's status or by an ERROR event.
  case status(APIStatus)
  /// No connection, no credentials, or no response in time.
  case unreachable(String)
  /// A response arrived but could not be decoded, or was too large (R12).
  case unreadable(String)

  var reason: String {
    switch self {
    case .status(let status): status.description
    case .unreachable(let text), .unreadable(let text): text
    }
  }
}

extension WatchFailure {
  init(_ error: KubeError) {
    switch error {
    case .status(let status): self = .status(status)
    case .decode(let text): self = .unreadable(text)
    case .transport(let failure) where failure.kind == .tooLarge: self = .unreadable(failure.description)
    case .configuration, .credentials, .request, .transport, .cancelled: self = .unreachable(error.description)
    }
  }
}

extension APIStatus {
  /// Whether a retry may succeed: the server is busy or starting, or a proxy cannot reach it.
  var isTransient: Bool {
    switch code {
    case 408, 429, 500, 502, 503, 504: true
    default: false
    }
  }
}
