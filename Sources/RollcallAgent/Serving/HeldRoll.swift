import LinuxCollector
import Roll
import Synchronization

/// The controller's last roll, which the agent keeps through outages of the controller, and the time of the last scrape.
final class HeldRoll: Sendable {
  /// Far more than a large node has: 500 pods with a dozen containers each. The kubelet's default limit is 110 pods.
  static let maximumEntries = 20_000

  private struct State {
    var hash: String?
    var entries: [RollEntry] = []
    var answers = AnswerCounts()
    var scrapedAt: Moment?
  }

  private let state = Mutex(State())

  /// Empty before the first call.
  var entries: [RollEntry] {
    state.withLock { $0.entries }
  }

  var answers: AnswerCounts {
    state.withLock { $0.answers }
  }

  enum Refusal: Error, Hashable {
    /// The request refers by hash to a roll that the agent does not hold.
    case unknownRoll
    case tooManyEntries(Int)
  }

  /// The request's entries, which replace the held roll, or the held entries if the request only has their hash.
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

  /// Counts the answers, and returns the time since the last complete scrape.
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
