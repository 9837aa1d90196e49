internal import Roll

/// What a cAdvisor page says about the containers that it should have.
///
/// A container is collected if a `container_*` series carries its name in `container` (old kubelets: `container_name`), and the pod's own
/// name and namespace wherever the series names any. Series that carry a time have to be fresh by the clock of the server that sent them:
/// ours need not agree with it.
struct PageFacts: Sendable {
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

  /// - Parameters:
  ///   - place: the container's place among those that the page should have.
  ///   - sent: when the page was sent by the sender's own clock, in milliseconds since 1970; without it ages are not judged.
  ///   - stalenessLimit: how old the newest sample of a container may be, and how far ahead of its sender's clock.
  func outcome(of place: Int, named name: String, sent: Int64?, stalenessLimit: Duration) -> Outcome {
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
    guard let sent, let newest = container.newest else { return .collected(age: .zero) }
    let age = Duration.milliseconds(sent - newest)
    if age > stalenessLimit {
      return .missed(
        .staleData,
        detail: "the newest sample was \(age.wholeSeconds) s old when it was sent; more than \(stalenessLimit.wholeSeconds) s is stale")
    }
    if age < .zero - stalenessLimit {
      return .missed(.badExposition, detail: "the newest sample is dated \((.zero - age).wholeSeconds) s ahead of its sender's own clock")
    }
    return .collected(age: max(age, .zero))
  }
}

extension Duration {
  fileprivate var wholeSeconds: Int64 { components.seconds }
}
