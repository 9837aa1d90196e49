internal import AsyncPrimitives
internal import HTTPTransport
internal import Primitives
internal import Synchronization

/// Caches a plugin's credential until it expires or is refused. Concurrent callers share one run of the plugin and its result, a credential
/// or an error. If the server refuses every credential, the plugin runs with a back-off.
///
/// The plugin runs in the task of one caller, so that cancellation ends it. A task of its own to share would outlive its callers.
final class PluginSource: Sendable {
  typealias Outcome = Result<PluginCredential, ConfigurationError>

  private enum Turn {
    case cached(PluginCredential)
    /// The caller must run the plugin.
    case run(Promise<Outcome>)
    /// Another caller runs the plugin.
    case wait(Promise<Outcome>)
  }

  private struct State {
    var credential: PluginCredential?
    var refusals = RefreshBackoff()
    /// The outcome of the current run.
    var outcome: Promise<Outcome>?
  }

  private let run: @Sendable () async throws(ConfigurationError) -> PluginCredential
  private let now: @Sendable () -> Int64
  private let elapsed: @Sendable () -> Duration
  private let state = Mutex(State())

  /// - Parameters:
  ///   - now: milliseconds since 1970, for the expiry of credentials.
  ///   - elapsed: a monotonic clock with any origin, for the back-off.
  ///   - run: runs the plugin.
  init(
    now: @escaping @Sendable () -> Int64, elapsed: @escaping @Sendable () -> Duration,
    run: @escaping @Sendable () async throws(ConfigurationError) -> PluginCredential
  ) {
    self.now = now
    self.elapsed = elapsed
    self.run = run
  }

  /// Returns the credential to send now. Runs the plugin if there is none, or if it is about to expire.
  ///
  /// If the caller that runs the plugin is cancelled, the run is cancelled and a waiting caller starts another. A cancelled waiting caller
  /// returns when the run ends, no later than the plugin's deadline.
  func current() async throws(ConfigurationError) -> PluginCredential {
    while !Task.isCancelled {
      switch turn() {
      case .cached(let credential): return credential
      case .run(let promise): return try await run(fulfilling: promise)
      case .wait(let promise):
        let outcome = await promise.value()
        if outcome != .failure(.cancelled) { return try outcome.get() }
      }
    }
    throw .cancelled
  }

  /// Makes the next `current()` run the plugin, unless the credential changed after the request was prepared, or the back-off of repeated
  /// refusals has not passed. The credential is kept then.
  func refuse(_ request: HTTPRequest) {
    state.withLock { state in
      guard state.credential?.wasSent(in: request) == true, state.refusals.isRefreshDue(at: elapsed()) else { return }
      state.credential = nil
    }
  }

  /// The number of callers that wait for a run to end.
  var waitingCount: Int { state.withLock { $0.outcome?.waiting ?? 0 } }

  private func turn() -> Turn {
    state.withLock { state in
      if let credential = state.credential, !credential.isDue(at: now()) { return .cached(credential) }
      if let outcome = state.outcome { return .wait(outcome) }
      let outcome = Promise<Outcome>()
      state.outcome = outcome
      return .run(outcome)
    }
  }

  private func run(fulfilling promise: Promise<Outcome>) async throws(ConfigurationError) -> PluginCredential {
    let outcome: Outcome
    do throws(ConfigurationError) {
      outcome = .success(try await run())
    } catch {
      outcome = .failure(error)
    }
    state.withLock { state in
      // A credential that has already expired, e.g. by a fast clock, is used once by the waiting callers and then replaced.
      state.credential = try? outcome.get()
      state.outcome = nil
    }
    promise.fulfill(outcome)
    return try outcome.get()
  }
}

/// Limits the refreshes after refusals (R22): the first refusal refreshes at once, later ones with a back-off, so that a server that
/// refuses every credential does not cause a plugin run per request.
struct RefreshBackoff {
  /// The shortest and longest pause between two refreshes; each is twice the last. Plugins often call a rate-limited cloud service.
  /// The longest is a minute, as for a token file (R20).
  static let pauses: ClosedRange<Duration> = .seconds(5) ... .seconds(60)
  /// A refusal after this time is unrelated to the last one.
  static let reset: Duration = .seconds(180)

  private var refreshedAt: Duration?
  private var pause: Duration = .zero

  /// - Parameter now: monotonic.
  /// - Returns: Whether to refresh now; if so, the refresh is recorded.
  mutating func isRefreshDue(at now: Duration) -> Bool {
    let since = refreshedAt.map { now - $0 } ?? Self.reset
    guard since >= pause else { return false }
    pause = since >= Self.reset ? Self.pauses.lowerBound : min(max(pause * 2, Self.pauses.lowerBound), Self.pauses.upperBound)
    refreshedAt = now
    return true
  }
}
