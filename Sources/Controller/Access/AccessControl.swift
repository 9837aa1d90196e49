internal import Crypto
internal import FoundationEssentials
internal import KubeClient
internal import Logging
internal import Primitives
internal import Roll
internal import Synchronization

/// Whether a request is answered.
enum AccessDecision: Hashable, Sendable {
  case allowed
  /// No bearer token, or none that the API server accepts.
  case unauthenticated
  case forbidden(user: String)
  /// The client has tried too many tokens.
  case limited
  /// The API server does not say. Nobody is let in without its word, and a client with a good token should not take it for a bad one.
  case unavailable
}

/// What a decision depends on.
struct AccessAttempt: Sendable {
  /// The client's address; `nil` if unknown.
  var client: IPAddress?
  /// The bearer token; `nil` if the request has none.
  var token: String?
  /// The method in lower case.
  var verb: String
  var path: String
}

/// Lets the API server decide who may read what on this port: TokenReview says who asks, SubjectAccessReview whether the user may.
/// kube-rbac-proxy and controller-runtime do the same.
package final class AccessControl: Sendable {
  private struct TokenHash: Hashable, Sendable {
    private let bytes: [UInt8]

    /// Tokens are not kept in memory.
    init(_ token: String) {
      bytes = Array(SHA256.hash(data: Array(token.utf8)))
    }
  }

  private struct State {
    var limiter = AttemptLimiter()
    /// The last logged problem of a kind of review, while it persists.
    var problems: [String: String] = [:]
    var refusals: [AccessRefusal: UInt64] = [:]
  }

  private let reviews: AccessReviews
  private let time: any TimeSource
  private let logger: Logger
  private let users: SharedReviews<TokenHash, ReviewedUser?>
  private let permissions: SharedReviews<AccessQuestion, Bool>
  private let state = Mutex(State())

  init(reviews: AccessReviews, time: any TimeSource, logger: Logger) {
    self.reviews = reviews
    self.time = time
    self.logger = logger
    users = SharedReviews(time: time) { $0 != nil }
    permissions = SharedReviews(time: time) { $0 }
  }

  func decision(on attempt: AccessAttempt) async -> AccessDecision {
    let decision = await decide(attempt)
    if let refusal = AccessRefusal(decision) { state.withLock { $0.refusals[refusal, default: 0] += 1 } }
    return decision
  }

  private func decide(_ attempt: AccessAttempt) async -> AccessDecision {
    guard let token = attempt.token else { return .unauthenticated }
    let user: ReviewedUser
    let now = time.now
    switch await users.answer(
      to: TokenHash(token), admits: { self.state.withLock { $0.limiter.admits(attempt.client, at: now) } },
      asking: { _ async throws(KubeError) in
        try await self.ask("TokenReview") { () async throws(KubeError) in try await self.reviews.user(token) }
      })
    {
    case .answer(nil): return .unauthenticated
    case .answer(let reviewed?): user = reviewed
    case .tooMany: return .limited
    case .failed: return .unavailable
    }
    switch await permissions.answer(
      to: AccessQuestion(user: user, verb: attempt.verb, path: attempt.path), admits: { true },
      asking: { question async throws(KubeError) in
        try await self.ask("SubjectAccessReview") { () async throws(KubeError) in try await self.reviews.allows(question) }
      })
    {
    case .answer(true): return .allowed
    case .answer(false): return .forbidden(user: user.name)
    case .tooMany: return .limited
    case .failed: return .unavailable
    }
  }

  /// Logs once when a kind of review fails, and once when it works again.
  private func ask<Answer>(_ review: String, _ request: () async throws(KubeError) -> Answer) async throws(KubeError) -> Answer {
    let answer: Answer
    do throws(KubeError) {
      answer = try await request()
    } catch {
      if case .cancelled = error { throw error }
      let isNew = state.withLock { $0.problems.updateValue("\(error)", forKey: review) } != "\(error)"
      if isNew {
        logger.warning(
          "cannot ask the API server who may read this port; requests that it has not allowed lately get 503",
          metadata: ["review": "\(review)", "error": "\(error)"])
      }
      throw error
    }
    let hadProblem = state.withLock { $0.problems.removeValue(forKey: review) } != nil
    if hadProblem { logger.notice("the API server says again who may read this port", metadata: ["review": "\(review)"]) }
    return answer
  }
}

/// Why a request was refused.
package enum AccessRefusal: String, CaseIterable, Sendable {
  case unauthenticated = "Unauthenticated"
  case forbidden = "Forbidden"
  case limited = "TooManyAttempts"
  case unavailable = "ReviewFailed"

  init?(_ decision: AccessDecision) {
    switch decision {
    case .allowed: return nil
    case .unauthenticated: self = .unauthenticated
    case .forbidden: self = .forbidden
    case .limited: self = .limited
    case .unavailable: self = .unavailable
    }
  }
}

extension AccessControl: StatusSource {
  /// Requests refused since the start.
  package var status: [AccessRefusal: UInt64] { state.withLock { $0.refusals } }
}
