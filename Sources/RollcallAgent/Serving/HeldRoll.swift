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
    var sandboxed = SandboxedPods()
    var answers = AnswerCounts()
    var scrapers = Scrapers.common
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

  struct TooManyEntries: Error {
    var count: Int
  }

  /// The request's entries, which replace the held roll, or the held entries if the request only has their hash; `nil` if that is the hash
  /// of another roll.
  func entries(for request: RollRequest) throws(TooManyEntries) -> [RollEntry]? {
    if let entries = request.entries, entries.count > Self.maximumEntries { throw TooManyEntries(count: entries.count) }
    return state.withLock { state in
      if let entries = request.entries {
        state.entries = entries
        state.hash = request.hash
      }
      state.scrapers = request.scrapers.map { .named($0) } ?? .common
      return state.hash == request.hash ? state.entries : nil
    }
  }

  /// The pods on the roll that were found to be sandboxed at the last call.
  var sandboxed: SandboxedPods {
    state.withLock { $0.sandboxed }
  }

  /// Counts the answers, and returns the time since the last complete scrape.
  func record(_ answers: [AgentAnswer], sandboxed: SandboxedPods, at now: Moment) -> Duration? {
    state.withLock { state in
      state.sandboxed = sandboxed
      state.answers.add(answers)
      return state.scrapedAt.map { now - $0 }
    }
  }

  /// Records that a client has received `/metrics` to the end, if the client is a scraper.
  func recordScrape(userAgent: String?, announcesTimeout: Bool, at now: Moment) {
    state.withLock { state in
      if state.scrapers.include(userAgent: userAgent, announcesTimeout: announcesTimeout) { state.scrapedAt = now }
    }
  }
}
