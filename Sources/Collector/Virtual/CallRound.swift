internal import Primitives
internal import Roll
internal import Synchronization

/// The scrapes of one roll call of a node: which pod is next, and their answers.
///
/// Pods whose last scrape was slow to fail are suspects. They are scraped in a lane of their own with a few tasks, so that pods that hang
/// cannot occupy most of the transfers.
final class CallRound: Sendable {
  enum Lane {
    case healthy, suspect
  }

  struct Due: Sendable {
    var request: ScrapeRequest
    /// When to send the request.
    var at: ContinuousClock.Instant
  }

  private struct State {
    var healthy: ArraySlice<Due>
    var suspects: ArraySlice<Due>
    var answers: [Answer]
    /// By container, when its answer arrived.
    var arrivals: [ContinuousClock.Instant]
    var slowFailures: [VirtualScrapeCache.Key] = []
  }

  /// A failure that takes longer makes a pod a suspect.
  private static let slowFailure: Duration = .seconds(1)

  private let clock: CollectorClock
  private let suspectsEnd: ContinuousClock.Instant?
  private let state: Mutex<State>

  /// - Parameters:
  ///   - suspects: the pods that were slow to fail last time, the longest waiting ones first.
  ///   - scrapeWindow: see `VirtualSettings.scrapeWindow`.
  init(
    _ requests: [ScrapeRequest], suspects: [VirtualScrapeCache.Key], scrapeWindow: Duration?, containers: Int,
    clock: CollectorClock = .continuous
  ) {
    self.clock = clock
    let start = clock.now()
    let ranks = Dictionary(suspects.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var healthy: [Due] = []
    var suspected: [(rank: Int, due: Due)] = []
    for request in requests {
      if let rank = ranks[request.key] {
        suspected.append((rank, Due(request: request, at: start)))
      } else {
        healthy.append(Due(request: request, at: start + (scrapeWindow ?? .zero) * request.key.phase))
      }
    }
    if scrapeWindow != nil { healthy.sort { $0.at < $1.at } }
    suspected.sort { $0.rank < $1.rank }
    suspectsEnd = scrapeWindow.map { start + $0 }
    state = Mutex(
      State(
        healthy: healthy[...], suspects: suspected.map(\.due)[...],
        // Each entry belongs to a request and gets its answer, except for suspects that are not reached in time.
        answers: Array(
          repeating: .missed(
            .endpointTimeout, detail: "not asked this time: it was slow to fail before, and there was no time left for it"),
          count: containers),
        arrivals: Array(repeating: start, count: containers)))
  }

  func next(_ lane: Lane) -> Due? {
    state.withLock { state in
      switch lane {
      case .healthy: return state.healthy.popFirst()
      case .suspect:
        if let suspectsEnd, clock.now() > suspectsEnd { return nil }
        return state.suspects.popFirst()
      }
    }
  }

  func record(_ answers: [Answer], to request: ScrapeRequest, after duration: Duration) {
    state.withLock { state in
      let now = clock.now()
      for (index, answer) in zip(request.indices, answers) {
        state.answers[index] = answer
        state.arrivals[index] = now
      }
      if duration >= Self.slowFailure, answers.contains(where: \.isMissed) { state.slowFailures.append(request.key) }
    }
  }

  /// Ends the round.
  /// - Returns: the answers with their ages as of now, and the suspects of the next round.
  func end() -> (answers: [Answer], suspects: [VirtualScrapeCache.Key]) {
    state.withLock { state in
      let now = clock.now()
      for index in state.answers.indices {
        guard case .collected(let age) = state.answers[index] else { continue }
        state.answers[index] = .collected(age: age + (now - state.arrivals[index]))
      }
      return (state.answers, state.suspects.map(\.request.key) + state.slowFailures)
    }
  }
}

/// By node, the pods whose last scrape was slow to fail, the longest waiting ones first.
final class Suspects: Sendable {
  private let keys = Mutex<[String: [VirtualScrapeCache.Key]]>([:])

  func of(_ node: String) -> [VirtualScrapeCache.Key] {
    keys.withLock { $0[node] ?? [] }
  }

  func set(_ suspects: [VirtualScrapeCache.Key], of node: String) {
    keys.withLock { $0[node] = suspects.isEmpty ? nil : suspects }
  }
}

extension VirtualScrapeCache.Key {
  /// When in a period the pod is scraped, from 0 to 1: evenly distributed over pods, and the same for a pod in every process.
  /// The hash is FNV-1a with MurmurHash3's finalizer, which spreads differences at the end of names.
  var phase: Double {
    var hash = fnv1a(pod.utf8, after: fnv1a("/".utf8, after: fnv1a(namespace.utf8)))
    hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
    return Double((hash ^ hash >> 33) >> 11) / Double(1 << 53 as UInt64)
  }
}

extension Answer {
  fileprivate var isMissed: Bool {
    if case .missed = self { true } else { false }
  }
}
