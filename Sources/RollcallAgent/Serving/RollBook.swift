import LinuxCollector
import Roll
import Synchronization

/// What the agent remembers of the controller's calls and of who fetched its page. It outlives every outage of the controller.
final class RollBook: Sendable {
  /// The kubelet's own limit is 110 pods a node by default; large nodes run 500. With a dozen containers each there is room to spare.
  static let maximumEntries = 20_000

  private struct State {
    var hash: String?
    var entries: [RollEntry] = []
    var answers = AnswerCounts()
    var scrapedAt: Moment?
  }

  private let state = Mutex(State())

  /// The last roll; empty before the first call.
  var entries: [RollEntry] {
    state.withLock { $0.entries }
  }

  var answers: AnswerCounts {
    state.withLock { $0.answers }
  }

  enum Refusal: Error, Hashable {
    /// The request names a roll that we do not hold, and does not bring it.
    case unknownRoll
    case tooManyEntries(Int)
  }

  /// The entries that the request is about: those that it brings, from now on the roll that we hold, or those that we hold already.
  func entries(for request: RollRequest) throws(Refusal) -> [RollEntry] {
    if let entries = request.entries, entries.count > Self.maximumEntries { throw .tooManyEntries(entries.count) }
    let entries: [RollEntry]? = state.withLock { state in
      if let entries = request.entries {
        state.entries = entries
        state.hash = request.hash
      }
      return state.hash == request.hash ? state.entries : nil
    }
    guard let entries else { throw .unknownRoll }
    return entries
  }

  /// Counts the answers, and returns how long ago the page was last served in full.
  func record(_ answers: [AgentAnswer], at now: Moment) -> Duration? {
    state.withLock { state in
      state.answers.add(answers)
      return state.scrapedAt.map { now - $0 }
    }
  }

  func recordScrape(at now: Moment) {
    state.withLock { $0.scrapedAt = now }
  }
}
