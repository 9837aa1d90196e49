internal import Roll

/// What a cAdvisor response says about the containers of a roll.
///
/// A container is collected if a `container_*` series has its name in `container` (old kubelets: `container_name`), and the pod's name and
/// namespace in the labels that contain any, and is not of another instance of the container: one that has ended, or is not in the Pod's
/// status yet. Series with a timestamp must be fresh.
struct CadvisorFindings: Sendable {
  private struct Container: Sendable {
    var isFound = false
    var hasOtherInstance = false
    /// The newest timestamp, in milliseconds since 1970. cAdvisor writes limits and start times without one, so samples without a timestamp
    /// do not affect freshness.
    var newest: Int64?
  }

  private var containers: [Container]
  var hasContainerSeries = false
  var hasScrapeError = false

  init(containers: Int) {
    self.containers = Array(repeating: Container(), count: containers)
  }

  @inline(__always)
  mutating func recordSample(of container: Int, at timestamp: Int64?) {
    containers[container].isFound = true
    if let timestamp { containers[container].newest = max(containers[container].newest ?? timestamp, timestamp) }
  }

  mutating func recordOtherInstance(of container: Int) {
    containers[container].hasOtherInstance = true
  }

  /// - Parameter index: the container's index in `PodLabels.containers`.
  func answer(for index: Int, named name: String, _ freshness: Freshness) -> Answer {
    let container = containers[index]
    guard container.isFound else {
      if container.hasOtherInstance {
        return .missed(
          .notInResponse,
          detail: "the response has series of another instance of container \(name), and none of the one in the Pod's status")
      }
      if hasScrapeError {
        return .missed(.notInResponse, detail: "the response has container_scrape_error 1 and no series of this container")
      }
      return .missed(
        .notInResponse,
        detail: hasContainerSeries
          ? "the response has container series, but none of container \(name)" : "the response has no container series")
    }
    // cAdvisor also reports an error when all values are current but it could not read its version, for example.
    if hasScrapeError, container.newest.map(freshness.covers) != true {
      return .missed(.staleData, detail: "the response has container_scrape_error 1: its values are from an earlier time")
    }
    return freshness.answer(newest: container.newest)
  }
}
