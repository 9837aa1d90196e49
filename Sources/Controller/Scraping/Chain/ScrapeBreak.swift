package import Roll

/// A broken link of the chain, with its details as values.
package enum ScrapeBreak: Hashable, Sendable {
  /// Before any scraper: no monitor, no port, no endpoint, or no Prometheus object.
  case objects(BrokenLink)
  /// The operator refuses the monitor.
  case rejected(MonitorRejection, by: String)
  /// No process of the Prometheus object has the scrape pool.
  /// - Parameter configurationAge: of the latest configuration. Less than the age of the expectation: it was loaded since, and without the
  ///   pool.
  case notLoaded(by: String, pool: String, configurationAge: Duration?, obstacle: ReconcileObstacle? = nil)
  /// A relabel rule drops the target.
  case dropped(DroppingRule, by: String)
  case notDiscovered(MissingTarget, by: String)
  case scrapeFailing(ScrapeFailure, by: String)
  /// - Parameters:
  ///   - age: of the last scrape; `nil` if there never was one.
  ///   - interval: `nil` if unknown.
  case staleScrape(age: Duration?, interval: Duration?, by: String)
  /// The scrape succeeds, and its metric relabelling drops every sample.
  case noSamples(by: String)
}

/// Why there is no target although no relabel rule is known to drop it.
package struct MissingTarget: Hashable, Sendable {
  package enum Cause: Hashable, Sendable {
    /// The rules keep it, but the scraper rejects it: the address, the scheme or the interval is invalid, or the interval is
    /// shorter than the timeout. Only the scraper's log and `prometheus_target_sync_failed_total` show it.
    case keptWithoutTarget
    /// The scraper's service account may not list these resources in the Pod's namespace.
    case forbidden([String])
    /// It may not have been discovered, or may have been dropped: the scraper does not show dropped targets, and its rules were not
    /// evaluated.
    case untold
  }

  package var cause: Cause
  /// How many targets the pool has dropped.
  package var droppedCount: Int?

  package init(_ cause: Cause, droppedCount: Int? = nil) {
    self.cause = cause
    self.droppedCount = droppedCount
  }
}

extension ScrapeBreak {
  /// One of `Reason.ofScrapes`.
  package var reason: Reason {
    switch self {
    case .objects(.noMonitor): .noMonitor
    case .objects(.portNotFound): .portNotFound
    case .objects(.noEndpoint): .noEndpoint
    case .objects(.monitorNotAdopted): .monitorNotAdopted
    case .rejected: .rejected
    case .notLoaded: .notLoaded
    case .dropped: .dropped
    case .notDiscovered: .notDiscovered
    case .scrapeFailing: .scrapeFailing
    case .staleScrape: .staleScrape
    case .noSamples: .noSamples
    }
  }

  /// The link that is broken.
  package var link: ScrapeLink {
    switch self {
    case .objects(.noMonitor): .asked
    case .objects(.portNotFound): .port
    case .objects(.noEndpoint): .endpoint
    case .objects(.monitorNotAdopted): .adopted
    case .rejected: .accepted
    case .notLoaded: .loaded
    case .dropped, .notDiscovered: .active
    case .scrapeFailing: .succeeding
    case .staleScrape: .recent
    case .noSamples: .samples
    }
  }
}

/// The links of the chain from a container to its samples, in order.
package enum ScrapeLink: String, CaseIterable, Comparable, Hashable, Sendable {
  /// A monitor selects it, or annotations ask for a scrape.
  case asked
  /// The port exists.
  case port
  /// The Service has the Pod as an endpoint.
  case endpoint
  /// A Prometheus object selects the monitor.
  case adopted
  /// The operator takes the monitor.
  case accepted
  /// A scraper has the scrape pool.
  case loaded
  /// The target is active on one shard.
  case active
  case succeeding
  case recent
  case samples

  package static func < (left: ScrapeLink, right: ScrapeLink) -> Bool { left.index < right.index }

  var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
