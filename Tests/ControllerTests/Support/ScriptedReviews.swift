import KubeClient
import Synchronization

@testable import Controller

/// The API server's reviews, as a test wants them: each token belongs to the user of the same name, and nobody may anything.
final class ScriptedReviews: Sendable {
  private struct State {
    var users: [String: ReviewedUser] = [:]
    var allowed: Set<AccessQuestion> = []
    var failure: KubeError?
    var tokens: [String] = []
    var questions: [AccessQuestion] = []
  }

  private let state = Mutex(State())
  /// Awaited by every review.
  private let pause: @Sendable () async -> Void

  init(pause: @escaping @Sendable () async -> Void = {}) {
    self.pause = pause
  }

  func accept(_ token: String, of name: String) {
    state.withLock { $0.users[token] = ReviewedUser(name: name) }
  }

  func allow(_ name: String, _ verb: String, _ path: String) {
    _ = state.withLock { $0.allowed.insert(AccessQuestion(user: ReviewedUser(name: name), verb: verb, path: path)) }
  }

  func revoke() {
    state.withLock { ($0.users, $0.allowed) = ([:], []) }
  }

  var failure: KubeError? {
    get { state.withLock { $0.failure } }
    set { state.withLock { $0.failure = newValue } }
  }

  /// The tokens that were reviewed, in order.
  var tokens: [String] { state.withLock { $0.tokens } }
  var questions: [AccessQuestion] { state.withLock { $0.questions } }

  var reviews: AccessReviews {
    AccessReviews(
      user: { token async throws(KubeError) in
        self.state.withLock { $0.tokens.append(token) }
        await self.pause()
        return try self.answer { $0.users[token] }
      },
      allows: { question async throws(KubeError) in
        self.state.withLock { $0.questions.append(question) }
        await self.pause()
        return try self.answer { $0.allowed.contains(question) }
      })
  }

  private func answer<Value: Sendable>(_ value: (State) -> Value) throws(KubeError) -> Value {
    let (failure, value) = state.withLock { ($0.failure, value($0)) }
    if let failure { throw failure }
    return value
  }
}

extension PortAccessSettings {
  /// As in the demo.
  static let open = PortAccessSettings(wantsAuthorization: false, wantsTLS: false, trustsLoopback: true, openPaths: [])

  /// Everybody is a stranger, also on this machine.
  static let closed = PortAccessSettings(wantsAuthorization: true, wantsTLS: false, trustsLoopback: false, openPaths: [.livez, .readyz])
}
