package import KubeClient
package import Roll

/// One way in which a container asks to be scraped, judged.
package struct ScrapeAsk: Hashable, Sendable {
  package var expectation: ScrapeExpectation
  package var verdict: ScrapeChain.Verdict
  /// Whether the scraper that scrapes it was asked for targets without samples.
  package var samplesAreKnown = false

  package init(_ expectation: ScrapeExpectation, _ verdict: ScrapeChain.Verdict) {
    self.expectation = expectation
    self.verdict = verdict
  }

  /// The first broken link; `nil` if none is known to be broken.
  package var broken: ScrapeBreak? {
    if case .broken(let cause) = verdict { cause } else { nil }
  }

  /// One of `Reason.ofScrapes`.
  package var reason: Reason? { broken?.reason }

  /// Every link, in order.
  package var links: [(link: ScrapeLink, state: ScrapeChain.LinkState)] { ScrapeChain.links(verdict) }

  /// Whether the container has a gap if nothing changes within the threshold.
  ///
  /// Annotations and names of ports promise no target, so that its absence is none, unless the settings demand that declared ports are scraped.
  /// - Parameter term: what a policy says, which counts more.
  package func isGap(in mode: ScrapeCoverageMode, _ term: ScrapingTerm? = nil) -> Bool {
    guard let broken, term != .notRequired else { return false }
    if term == .required { return mode != .off }
    return switch (expectation.request, broken) {
    case (.portName, _): mode == .all
    case (.annotations, .objects): false
    default: mode != .off
    }
  }
}

/// What is known of the scrapes of all containers. On the leader only; empty elsewhere.
package protocol ScrapeReport: Sendable {
  /// Whether scrapes are judged, and what is missing for it.
  var status: ScrapeCoverageStatus { get }
  /// The result of the last pass over all Pods.
  var summary: ScrapeSummary { get }
  /// Every way in which the Pod's containers ask to be scraped, judged by what was last read.
  func asks(of pod: PodRecord) -> [ScrapeAsk]
  /// As `asks(of:)`, but scrapers are asked now why they do not have a target.
  func explanation(of pod: PodRecord) async -> ScrapeExplanation
  /// The scrapers that were reached.
  var clients: [(name: String, client: ScraperClient)] { get }
}

/// What a person is told about a Pod.
package struct ScrapeExplanation: Sendable {
  package var asks: [ScrapeAsk]
  /// If no monitor selects the Pod: the one that comes closest.
  package var nearest: NearestMonitor?

  package init(asks: [ScrapeAsk], nearest: NearestMonitor? = nil) {
    self.asks = asks
    self.nearest = nearest
  }
}

/// The result of one pass over all Pods.
package struct ScrapeSummary: Sendable {
  /// When the pass ended; `nil` before the first.
  package var time: Moment?
  /// One for each workload, request and state, sorted by namespace, workload and request.
  package var groups: [ScrapeGroup] = []
  /// Sorted by name.
  package var scrapers: [ScraperStatus] = []

  package init() {}
}

/// The containers of a workload for which one request has one outcome.
package struct ScrapeGroup: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    case scraped, waiting, unknown
    /// One of `Reason.ofScrapes`.
    case broken(Reason)
  }

  package var namespace: String
  /// Of kind `Pod` for a Pod without one.
  package var workload: Workload
  /// Without the Service.
  package var request: ScrapeRequest
  package var state: State
  /// The number of containers.
  package var count: Int
  /// The container is empty where only the Pod can be told.
  package var example: ContainerReference
  /// Of the example; empty if it is scraped.
  package var detail: String
}

/// A scraper, as it was last read.
package struct ScraperStatus: Hashable, Sendable {
  package var name: String
  /// `nil` for one of the settings.
  package var prometheus: PrometheusID?
  package var shard: Int
  /// Without user and password; `nil` if it cannot be asked at all.
  package var url: String?
  /// Why it was not reached; `nil` if it was.
  package var error: ScraperError?
  /// The number of its scrape pools; 0 if it does not tell.
  package var pools: Int
  /// The number of its active targets.
  package var targets: Int

  package var isReached: Bool { error == nil }
}

/// Whether scrapes are judged, and what is missing for it.
package struct ScrapeCoverageStatus: Hashable, Sendable {
  /// What is in force.
  package var mode: ScrapeCoverageMode
  package var watches: [MonitorWatchStatus]

  package init(mode: ScrapeCoverageMode, watches: [MonitorWatchStatus] = []) {
    self.mode = mode
    self.watches = watches
  }
}

extension ScrapeSummary {
  /// The number of requests for scrapes.
  var counts: [ChainExplanation.Outcome: Int] {
    groups.reduce(into: [:]) { $0[$1.state.outcome, default: 0] += $1.count }
  }
}

extension ScrapeGroup.State {
  var outcome: ChainExplanation.Outcome {
    switch self {
    case .scraped: .scraped
    case .waiting: .waiting
    case .unknown: .unknown
    case .broken: .broken
    }
  }

  var reason: Reason? {
    if case .broken(let reason) = self { reason } else { nil }
  }
}
