internal import KubeClient
internal import Logging

/// What the log says about scrape coverage: one line for each change.
struct ScrapeCoverageReport: Hashable {
  private let mode: ScrapeCoverageMode
  /// The resources that we may not list and watch.
  private let forbidden: [String]

  /// `nil` while the API server has not answered for every resource.
  init?(_ mode: ScrapeCoverageMode, _ watches: MonitorWatches) {
    // Services and EndpointSlices are watched only while it is on.
    let states = watches.status.filter { mode != .off || $0.resource != .services && $0.resource != .endpointSlices }
    let isAnswered = states.allSatisfy { status in
      if case .waiting = status.state { false } else { true }
    }
    guard isAnswered else { return nil }
    self.mode = mode
    forbidden = states.filter { $0.state == .forbidden }.map(\.resource.plural)
  }

  func log(_ logger: Logger) {
    let metadata: Logger.Metadata = forbidden.isEmpty ? [:] : ["forbidden": "\(forbidden.joined(separator: ", "))"]
    switch (mode, forbidden.isEmpty) {
    case (.off, true): logger.notice("scrape coverage is off: the cluster has no monitoring resources")
    case (.off, false):
      logger.notice(
        "scrape coverage is off: no permission to list and watch monitoring resources; the component manifests/scrape-coverage has it",
        metadata: metadata)
    case (_, true): logger.notice("scrape coverage is on", metadata: ["mode": "\(mode.rawValue)"])
    case (_, false):
      logger.warning(
        "scrape coverage is incomplete: no permission to list and watch some resources; the component manifests/scrape-coverage has it",
        metadata: metadata)
    }
  }
}
