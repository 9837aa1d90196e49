internal import Primitives

/// What is known from scrapers about one expectation. A value: reading is done elsewhere.
package struct ScrapeObservation: Hashable, Sendable {
  /// One for each Prometheus object that has the monitor. Where it is unknown who has it: one for each Prometheus object and each scraper
  /// of the settings that may.
  package var candidates: [PrometheusObservation]
  /// The time since the expectation last changed, by our clock.
  package var age: Duration

  package init(candidates: [PrometheusObservation], age: Duration) {
    self.candidates = candidates
    self.age = age
  }
}

/// What the processes of one Prometheus object say, or one scraper from the settings.
package struct PrometheusObservation: Hashable, Sendable {
  /// The object, or the URL of a scraper from the settings.
  package var name: String
  /// The operator's Event that it refuses the monitor for this object.
  package var rejection: MonitorRejection?
  package var obstacle: ReconcileObstacle?
  /// The resources that its service account may not list in the Pod's namespace, by SubjectAccessReview. For its service discovery the
  /// namespace is empty.
  package var forbidden: [String]
  /// Every known replica of every shard, reached or not.
  package var scrapers: [ScraperObservation]

  package init(
    name: String, rejection: MonitorRejection? = nil, obstacle: ReconcileObstacle? = nil, forbidden: [String] = [],
    scrapers: [ScraperObservation]
  ) {
    self.name = name
    self.rejection = rejection
    self.obstacle = obstacle
    self.forbidden = forbidden
    self.scrapers = scrapers
  }
}

/// An Event of the Prometheus Operator with the reason `InvalidConfiguration`.
package struct MonitorRejection: Hashable, Sendable {
  /// The operator's words.
  package var message: String

  package init(message: String) {
    self.message = message
  }
}

/// What one process says. A target is active on one shard and dropped on all others, so only all shards together show that it is missing.
package struct ScraperObservation: Hashable, Sendable {
  package enum Answer: Hashable, Sendable {
    case unreachable(ScraperError)
    case pool(PoolObservation)
  }

  /// The Pod's name, or the URL.
  package var name: String
  package var shard: Int
  package var answer: Answer

  package init(name: String, shard: Int = 0, answer: Answer) {
    self.name = name
    self.shard = shard
    self.answer = answer
  }

  /// `nil` if it was not reached.
  var pool: PoolObservation? {
    guard case .pool(let pool) = answer else { return nil }
    return pool
  }
}

/// A scrape pool, as far as it concerns one expectation.
package struct PoolObservation: Hashable, Sendable {
  /// Whether the pool exists; `nil` if unknown.
  package var isLoaded: Bool?
  /// How long ago the scraper loaded its configuration; `nil` if unknown.
  package var configurationAge: Duration?
  /// How long ago the targets were read.
  package var readAge: Duration
  /// The active targets of the Pod at the expected address. See `ScrapeExpectation.targets(in:)`.
  package var targets: [ObservedTarget]
  /// What the pool's relabel rules make of the expected target; `nil` if it was not asked, because there is a target, or cannot be told.
  package var verdict: RelabelVerdict?
  /// The number of targets that the pool has dropped, for display: most belong to others.
  package var droppedCount: Int?
  /// Samples of the last scrape that are left after metric relabelling; `nil` if that is not known.
  package var samples: Int?

  package init(
    isLoaded: Bool? = true, configurationAge: Duration? = nil, readAge: Duration = .zero, targets: [ObservedTarget] = [],
    verdict: RelabelVerdict? = nil, droppedCount: Int? = nil, samples: Int? = nil
  ) {
    self.isLoaded = isLoaded
    self.configurationAge = configurationAge
    self.readAge = readAge
    self.targets = targets
    self.verdict = verdict
    self.droppedCount = droppedCount
    self.samples = samples
  }
}

extension ScrapeExpectation {
  /// The active targets of the Pod at the expected address.
  ///
  /// A target of another Pod, such as one of another cluster with the same addresses, is none. A target without labels of a Pod is one: it
  /// is of the expected scrape pool.
  func targets(in table: TargetTable) -> [ObservedTarget] {
    guard case .target(let target, _) = outcome, case .address(let address) = target.address else { return [] }
    return table.targets(at: address, port: target.port).filter { observed in
      // vmagent: the pool is the label `job`.
      switch observed.pod {
      case nil, .node: observed.pool == request.scrapePool
      case .uid(let uid): uid == pod.uid
      case .named(let name, let namespace): name == pod.name && namespace == pod.namespace.description
      }
    }
  }
}
