internal import Roll
internal import Synchronization

/// One call of a node while its pods are asked: who is next, and what they said.
///
/// Pods that were slow to fail the last time are suspects, and asked beside the others, a few at once: however many hang, most of the
/// transfers are for those that do not.
final class CallRound: Sendable {
  enum Lane {
    case sound, suspect
  }

  struct Due: Sendable {
    var request: ScrapeRequest
    /// When it is to be asked.
    var at: ContinuousClock.Instant
  }

  private struct State {
    var sound: ArraySlice<Due>
    var suspects: ArraySlice<Due>
    var answers: [Answer]
    /// By place: when the outcome came.
    var arrivals: [ContinuousClock.Instant]
    var slowFailures: [VirtualScrapeCache.Key] = []
  }

  /// A failure that took longer costs others its place.
  private static let slowness: Duration = .seconds(1)

  private let suspectsEnd: ContinuousClock.Instant?
  private let state: Mutex<State>

  /// - Parameters:
  ///   - suspects: who was slow to fail the last time, those first who have waited longest.
  ///   - askingTime: see `VirtualSettings.askingTime`.
  init(
    _ requests: [ScrapeRequest], suspects: [VirtualScrapeCache.Key], askingTime: Duration?, containers: Int,
    start: ContinuousClock.Instant = .now
  ) {
    let ranks = Dictionary(suspects.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var sound: [Due] = []
    var suspected: [(rank: Int, due: Due)] = []
    for request in requests {
      if let rank = ranks[request.key] {
        suspected.append((rank, Due(request: request, at: start)))
      } else {
        sound.append(Due(request: request, at: start + (askingTime ?? .zero) * request.key.phase))
      }
    }
    if askingTime != nil { sound.sort { $0.at < $1.at } }
    suspected.sort { $0.rank < $1.rank }
    suspectsEnd = askingTime.map { start + $0 }
    state = Mutex(
      State(
        sound: sound[...], suspects: suspected.map(\.due)[...],
        // Every place is written, because every entry is in one request; suspects whose turn does not come are not.
        answers: Array(
          repeating: .missed(
            .endpointTimeout,
            detail: "not asked this time: it failed slowly before, and so did more pods of the node than there was time for"),
          count: containers),
        arrivals: Array(repeating: start, count: containers)))
  }

  func next(_ lane: Lane) -> Due? {
    state.withLock { state in
      switch lane {
      case .sound: return state.sound.popFirst()
      case .suspect:
        if let suspectsEnd, .now > suspectsEnd { return nil }
        return state.suspects.popFirst()
      }
    }
  }

  func note(_ answers: [Answer], to request: ScrapeRequest, after duration: Duration) {
    state.withLock { state in
      let now = ContinuousClock.now
      for (place, answer) in zip(request.places, answers) {
        state.answers[place] = answer
        state.arrivals[place] = now
      }
      if duration >= Self.slowness, answers.contains(where: \.isMissed) { state.slowFailures.append(request.key) }
    }
  }

  /// The round has ended.
  /// - Returns: what everyone said, as old as it is now, and who is to be suspected the next time.
  func end(at now: ContinuousClock.Instant = .now) -> (answers: [Answer], suspects: [VirtualScrapeCache.Key]) {
    state.withLock { state in
      for place in state.answers.indices {
        guard case .collected(let age) = state.answers[place] else { continue }
        state.answers[place] = .collected(age: age + (now - state.arrivals[place]))
      }
      return (state.answers, state.suspects.map(\.request.key) + state.slowFailures)
    }
  }
}

/// Whose pods were slow to fail the last time, by node; those come first who have waited longest for their turn.
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
  /// Where in a period the pod has its moment, from 0 to 1: spread evenly over pods, and the same for a pod in every process.
  /// The hash is FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), and a finalizer that spreads what differs at the end of names.
  var phase: Double {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for text in [namespace, "/", pod] {
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }
    hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
    return Double((hash ^ hash >> 33) >> 11) / Double(1 << 53 as UInt64)
  }
}

extension Answer {
  fileprivate var isMissed: Bool {
    if case .missed = self { true } else { false }
  }
}
