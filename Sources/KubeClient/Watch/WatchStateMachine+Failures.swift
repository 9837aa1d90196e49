// What the state machine does about each kind of failure.

extension WatchStateMachine {
  /// A page did not come.
  mutating func failed(
    _ problem: WatchFailure, in listing: Listing, at now: Duration, random: inout some RandomNumberGenerator
  ) -> Action {
    guard case .status(let refusal) = problem else {
      if case .unreadable = problem { return wait(for: problem, then: .relist, now, &random) }
      return wait(for: problem, then: .list(listing), now, &random)
    }
    if refusal.isExpired {
      statistics.expirations += 1
      // The token is too old: what came is of a moment that is gone. One list in one piece cannot expire half-way (R03).
      if listing.token != nil { return list(Listing(isWhole: true)) }
    }
    let isWorthMore = refusal.isTransient && !refusal.isTooLargeResourceVersion
    return wait(for: problem, then: isWorthMore ? .list(listing) : .relist, now, &random)
  }

  /// A watch was not opened, or ended with an error.
  mutating func failed(
    _ problem: WatchFailure, watchingFrom version: String, at now: Duration, random: inout some RandomNumberGenerator
  ) -> Action {
    switch problem {
    case .unreachable:
      return wait(for: problem, then: .watch(from: version), now, &random)
    case .unreadable:
      // Watching again at this version would bring the same event again (R12).
      return wait(for: problem, then: .relist, now, &random)
    case .status(let refusal) where refusal.isExpired || refusal.isTooLargeResourceVersion:
      // R06, R07: only a list tells what happened meanwhile.
      statistics.expirations += 1
      guard !hasJustExpired else { return wait(for: problem, then: .relist, now, &random) }
      hasJustExpired = true
      return relist(at: now, random: &random)
    case .status(let refusal) where refusal.code == 500:
      // R09
      let since = internalErrorsSince ?? now
      guard now - since < policy.internalErrorPatience else {
        internalErrorsSince = nil
        return wait(for: problem, then: .relist, now, &random)
      }
      internalErrorsSince = since
      return wait(for: problem, then: .watch(from: version), now, &random)
    case .status(let refusal) where refusal.isTransient || refusal.code == 401 || refusal.code == 403:
      // R08, and R16 for rights that were taken away: the version is as good as before, and if it is not, the server will say so.
      return wait(for: problem, then: .watch(from: version), now, &random)
    case .status:
      // R16: a resource that is gone comes back empty. And whatever else the server has against this watch, a list makes a new one.
      return wait(for: problem, then: .relist, now, &random)
    }
  }

  /// Notes the failure and waits for as long as the back-off, or the server, says.
  mutating func wait(
    for problem: WatchFailure, then next: Next, _ now: Duration, _ random: inout some RandomNumberGenerator
  ) -> Action {
    statistics.failures += 1
    if case .unreadable = problem { statistics.unreadable += 1 }
    status = .waiting(reason: problem.reason)
    state = .waiting(then: next)
    let delay = backoff.failed(at: now, random: &random)
    guard case .status(let refusal) = problem, let asked = refusal.retryAfter else { return .wait(delay) }
    // A tenth more at random: all that were sent away together must not return together (R08).
    let spread = min(asked, policy.longestRetryAfter) * Double.random(in: 1...1.1, using: &random)
    return .wait(max(delay, spread))
  }

  /// A fact that the last action cannot lead to: a mistake in the loop that performs the actions. Starting over is right after anything.
  mutating func outOfStep(_ fact: Fact, at now: Duration, random: inout some RandomNumberGenerator) -> Action {
    assertionFailure("\(fact) in state \(state)")
    return wait(for: .unreachable("the reflector lost its place"), then: .relist, now, &random)
  }
}

extension APIStatus {
  /// Whether the same request may well be answered later: the server is busy, starting, or behind a proxy that cannot reach it.
  var isTransient: Bool {
    switch code {
    case 408, 429, 500, 502, 503, 504: true
    default: false
    }
  }
}

/// Why a list or a watch did not go on, as far as it decides what to do next.
enum WatchFailure: Equatable, Sendable {
  /// The server said so: as the status of the answer, or as an ERROR event.
  case status(APIStatus)
  /// No connection, no credentials, no answer in time: nothing is known of the server's mind.
  case unreachable(String)
  /// The answer came and cannot be used: not decoded, or too large (R12).
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
