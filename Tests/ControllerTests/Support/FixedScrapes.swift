import Controller
import KubeClient
import Synchronization

/// Scrapes as a test sets them.
final class FixedScrapes: ScrapeReport {
  struct Content: Sendable {
    var status = ScrapeCoverageStatus(mode: .off)
    var summary = ScrapeSummary()
    /// By `namespace/name` of the Pod.
    var explanations: [String: ScrapeExplanation] = [:]
  }

  private let content = Mutex(Content())

  func set(_ change: (inout Content) -> Void) { content.withLock { change(&$0) } }

  var status: ScrapeCoverageStatus { content.withLock { $0.status } }
  var summary: ScrapeSummary { content.withLock { $0.summary } }
  var clients: [(name: String, client: ScraperClient)] { [] }

  func asks(of pod: PodRecord) -> [ScrapeAsk] { known(pod).asks }
  func explanation(of pod: PodRecord) async -> ScrapeExplanation { known(pod) }

  private func known(_ pod: PodRecord) -> ScrapeExplanation {
    content.withLock { $0.explanations["\(pod.namespace)/\(pod.name)"] } ?? ScrapeExplanation(asks: [])
  }
}
