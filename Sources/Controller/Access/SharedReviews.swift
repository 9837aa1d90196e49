internal import AsyncPrimitives
internal import KubeClient
internal import Roll
internal import Synchronization

/// Asks the API server, at most once at a time for equal questions, and remembers answers for some seconds.
///
/// Strangers can ask about as many made-up tokens as they like. So refusals are remembered apart from acceptances, which they cannot
/// displace; only some questions that were not accepted lately run at the same time; and the others are turned away at once.
final class SharedReviews<Question: Hashable & Sendable, Answer: Sendable>: Sendable {
  enum Outcome: Sendable {
    case answer(Answer)
    /// Turned away, to be asked again later.
    case tooMany
    case failed(KubeError)
  }

  /// How long a decision stays after the API server would decide otherwise: a token that was deleted, a role that was taken away.
  static var acceptedFor: Duration { .seconds(30) }
  /// Shorter: somebody has just made the token or the role, and tries again.
  static var refusedFor: Duration { .seconds(10) }
  /// How long the question of an accepted caller takes precedence over questions of unknown ones.
  private static var knownFor: Duration { .seconds(900) }
  /// Questions at the same time that were not accepted lately.
  static var maximumUnknown: Int { 32 }
  private static var capacity: Int { 4096 }

  private struct State {
    var accepted = ExpiringTable<Question, Answer>(
      capacity: SharedReviews.capacity, freshFor: SharedReviews.acceptedFor, knownFor: SharedReviews.knownFor)
    var refused = ExpiringTable<Question, Answer>(
      capacity: SharedReviews.capacity, freshFor: SharedReviews.refusedFor, knownFor: SharedReviews.refusedFor)
    var running: [Question: Promise<Outcome>] = [:]
    var unknown = 0
  }

  private enum Step {
    case end(Outcome)
    case share(Promise<Outcome>)
    case ask(Promise<Outcome>, isKnown: Bool)
  }

  private let isAccepted: @Sendable (Answer) -> Bool
  private let time: any TimeSource
  private let state = Mutex(State())

  init(time: any TimeSource, isAccepted: @escaping @Sendable (Answer) -> Bool) {
    self.time = time
    self.isAccepted = isAccepted
  }

  /// - Parameters:
  ///   - admits: asked before the first request about a question that was not accepted lately.
  ///   - ask: asks the API server.
  func answer(
    to question: Question, admits: @Sendable () -> Bool, asking ask: @Sendable (Question) async throws(KubeError) -> Answer
  ) async -> Outcome {
    while true {
      switch nextStep(question, admits) {
      case .end(let outcome):
        return outcome
      case .share(let promise):
        guard let outcome = await promise.valueUnlessCancelled() else { return .failed(.cancelled) }
        // The client that asked has gone, and this one asks itself.
        if case .failed(.cancelled) = outcome { continue }
        return outcome
      case .ask(let promise, let isKnown):
        let outcome: Outcome
        do throws(KubeError) {
          outcome = .answer(try await ask(question))
        } catch {
          outcome = .failed(error)
        }
        remember(outcome, of: question, wasKnown: isKnown)
        promise.fulfill(outcome)
        return outcome
      }
    }
  }

  private func nextStep(_ question: Question, _ admits: () -> Bool) -> Step {
    let now = time.now
    return state.withLock { state in
      let accepted = state.accepted[question, at: now]
      if case .fresh(let answer)? = accepted { return .end(.answer(answer)) }
      if case .fresh(let answer)? = state.refused[question, at: now] { return .end(.answer(answer)) }
      if let promise = state.running[question] { return .share(promise) }
      let isKnown = accepted != nil
      if !isKnown {
        guard state.unknown < Self.maximumUnknown, admits() else { return .end(.tooMany) }
        state.unknown += 1
      }
      let promise = Promise<Outcome>()
      state.running[question] = promise
      return .ask(promise, isKnown: isKnown)
    }
  }

  private func remember(_ outcome: Outcome, of question: Question, wasKnown: Bool) {
    let now = time.now
    state.withLock { state in
      state.running[question] = nil
      if !wasKnown { state.unknown -= 1 }
      guard case .answer(let answer) = outcome else { return }
      if isAccepted(answer) {
        state.accepted.insert(answer, for: question, at: now)
      } else {
        state.accepted.remove(question)
        state.refused.insert(answer, for: question, at: now)
      }
    }
  }
}
