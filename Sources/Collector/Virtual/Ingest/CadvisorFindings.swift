internal import Roll

/// What a cAdvisor page says about the containers that it should have.
///
/// A container is collected if a `container_*` series carries its name in `container` (old kubelets: `container_name`), and the pod's own
/// name and namespace wherever the series names any. Series that carry a time have to be fresh.
struct CadvisorFindings: Sendable {
  private struct Container: Sendable {
    var isThere = false
    /// Milliseconds since 1970, of the newest sample that carries a time. cAdvisor gives none to limits and start times, so samples
    /// without a time say nothing about freshness.
    var newest: Int64?
  }

  private var containers: [Container]
  var hasContainerSeries = false
  var hasScrapeError = false

  init(containers: Int) {
    self.containers = Array(repeating: Container(), count: containers)
  }

  @inline(__always)
  mutating func saw(_ container: Int, at timestamp: Int64?) {
    containers[container].isThere = true
    if let timestamp { containers[container].newest = max(containers[container].newest ?? timestamp, timestamp) }
  }

  /// - Parameter place: the container's among those that the page should have.
  func outcome(of place: Int, named name: String, _ freshness: Freshness) -> Answer {
    let container = containers[place]
    guard container.isThere else {
      if hasScrapeError {
        return .missed(.notInResponse, detail: "the page says container_scrape_error 1 and has no series of the container")
      }
      return .missed(
        .notInResponse,
        detail: hasContainerSeries
          ? "the page has container series, and none of container \(name)" : "the page has no container series at all")
    }
    if hasScrapeError {
      return .missed(.staleData, detail: "the page says container_scrape_error 1: its numbers are of an earlier time")
    }
    return freshness.outcome(newest: container.newest)
  }
}
