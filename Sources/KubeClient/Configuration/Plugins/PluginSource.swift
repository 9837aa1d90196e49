internal import HTTPTransport
internal import Synchronization

/// The credential of a plugin, kept until it expires or is refused. However many requests want one at once, the plugin runs once, and all
/// of them get what it gave, be it a credential or an error. A server that refuses whatever the plugin gives has it run with a back-off.
final class PluginSource: Sendable {
  typealias Outcome = Result<PluginCredential, ConfigurationError>

  private enum Turn: Sendable {
    /// Somebody has run the plugin.
    case done(Outcome)
    /// Nobody does; it is the caller's to run now.
    case run
    /// Who ran it was cancelled.
    case again
  }

  private struct State {
    var credential: PluginCredential?
    var refusals = RefreshBackoff()
    var isRunning = false
    var waiting: [CheckedContinuation<Turn, Never>] = []
  }

  private let run: @Sendable () async throws(ConfigurationError) -> PluginCredential
  private let now: @Sendable () -> Int64
  private let elapsed: @Sendable () -> Duration
  private let state = Mutex(State())

  /// - Parameters:
  ///   - now: the time of day that credentials expire at, in milliseconds since 1970.
  ///   - elapsed: time on a monotonic clock, from any beginning, for the back-off.
  ///   - run: one run of the plugin.
  init(
    now: @escaping @Sendable () -> Int64, elapsed: @escaping @Sendable () -> Duration,
    run: @escaping @Sendable () async throws(ConfigurationError) -> PluginCredential
  ) {
    self.now = now
    self.elapsed = elapsed
    self.run = run
  }

  /// The credential to send now; runs the plugin where there is none, or none that lasts.
  ///
  /// When the caller whose task runs the plugin is cancelled, that run ends, and another caller that waits begins anew. A caller that only
  /// waits and is cancelled returns when the run ends, which the plugin's deadline sees to.
  func current() async throws(ConfigurationError) -> PluginCredential {
    while !Task.isCancelled {
      switch await turn() {
      case .done(let outcome): return try outcome.get()
      case .run: return try await runForAll()
      case .again: continue
      }
    }
    throw .cancelled
  }

  /// Has the next `current()` run the plugin, unless that has happened since the request was prepared, or too short a time ago for yet
  /// another refusal: then the credential stays.
  func refuse(_ request: HTTPRequest) {
    state.withLock { state in
      guard state.credential?.wasSent(in: request) == true, state.refusals.isRefreshDue(at: elapsed()) else { return }
      state.credential = nil
    }
  }

  /// How many wait for a run to end.
  var waitingCount: Int { state.withLock { $0.waiting.count } }

  private func turn() async -> Turn {
    await withCheckedContinuation { continuation in
      let turn: Turn? = state.withLock { state in
        if let credential = state.credential, !credential.isDue(at: now()) { return .done(.success(credential)) }
        if state.isRunning {
          state.waiting.append(continuation)
          return nil
        }
        state.isRunning = true
        return .run
      }
      if let turn { continuation.resume(returning: turn) }
    }
  }

  private func runForAll() async throws(ConfigurationError) -> PluginCredential {
    let outcome: Outcome
    do throws(ConfigurationError) {
      outcome = .success(try await run())
    } catch {
      outcome = .failure(error)
    }
    let waiting = state.withLock { state in
      // One that is due already, as with a clock that is ahead, is for those who wait now and for nobody else.
      state.credential = try? outcome.get()
      state.isRunning = false
      defer { state.waiting = [] }
      return state.waiting
    }
    let turn: Turn = outcome == .failure(.cancelled) ? .again : .done(outcome)
    for continuation in waiting { continuation.resume(returning: turn) }
    return try outcome.get()
  }
}

/// When a refused credential is worth fetching anew (R22): at once the first time, and then with a back-off, since a server that refuses one
/// fresh credential after the other is not helped by a program run for every request.
struct RefreshBackoff {
  /// The shortest and the longest time between two refreshes; each is twice the one before. Plugins often ask a service of the cloud
  /// provider's, which counts; a minute at most, as for a token in a file (R20).
  static let pauses: ClosedRange<Duration> = .seconds(5) ... .seconds(60)
  /// A credential that was good for so long is refused for another reason than the one before.
  static let reset: Duration = .seconds(180)

  private var refreshedAt: Duration?
  private var pause: Duration = .zero

  /// - Parameter now: on a monotonic clock.
  /// - Returns: Whether a refusal now is to be followed by a refresh; it is then counted as one.
  mutating func isRefreshDue(at now: Duration) -> Bool {
    let since = refreshedAt.map { now - $0 } ?? Self.reset
    guard since >= pause else { return false }
    pause = since >= Self.reset ? Self.pauses.lowerBound : min(max(pause * 2, Self.pauses.lowerBound), Self.pauses.upperBound)
    refreshedAt = now
    return true
  }
}
