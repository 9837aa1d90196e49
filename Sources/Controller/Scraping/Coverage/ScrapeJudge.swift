internal import KubeClient
internal import Primitives
internal import Roll

/// Judges expectations, and remembers since when each is not met. Pure.
struct ScrapeJudge: Sendable {
  /// Since when an expectation that is not met has been as it is, by its hash. Expectations that are met are not kept, and they are the many.
  private var unmet: [Int: Moment] = [:]
  /// Those of the pass.
  private var next: [Int: Moment] = [:]

  /// Starts a pass over all expectations.
  mutating func beginPass() { next = [:] }

  /// Forgets expectations that were not judged in the pass.
  mutating func endPass() {
    unmet = next
    next = [:]
  }

  /// The verdict, and since when the expectation is not met.
  mutating func judge(_ expectation: ScrapeExpectation, _ pod: PodRecord, _ view: ScrapeView, at now: Moment) -> (ScrapeAsk, since: Moment)
  {
    guard case .target = expectation.outcome else { return (ask(expectation, pod, view, age: .zero), now) }
    let key = expectation.hashValue
    let since = unmet[key] ?? now
    let ask = ask(expectation, pod, view, age: now - since)
    switch ask.verdict {
    case .waiting, .broken: next[key] = since
    // What is not known now may be met.
    case .unknown: if unmet[key] != nil { next[key] = since }
    case .scraped: break
    }
    return (ask, since)
  }

  /// The verdict at this moment, without a change.
  func ask(_ expectation: ScrapeExpectation, _ pod: PodRecord, _ view: ScrapeView, at now: Moment) -> ScrapeAsk {
    ask(expectation, pod, view, age: unmet[expectation.hashValue].map { now - $0 } ?? .zero)
  }

  private func ask(_ expectation: ScrapeExpectation, _ pod: PodRecord, _ view: ScrapeView, age: Duration) -> ScrapeAsk {
    ScrapeAsk(expectation, ScrapeChain.verdict(on: expectation, view.observation(of: expectation, pod, age: age)))
  }
}
