/// Follows the chain from a container that asks to be scraped to its samples, and finds the first broken link. Pure.
package enum ScrapeChain {
  /// What came out.
  package enum Verdict: Hashable, Sendable {
    /// - Parameters:
    ///   - by: the process that scrapes it.
    ///   - lagging: replicas of the same shard that do not, and why.
    case scraped(by: String, age: Duration, lagging: [Lagging])
    /// A link does not hold yet, which is too early to report.
    case waiting(for: ScrapeLink)
    /// Neither scraped nor a gap, as far as can be known.
    case unknown(UnknownScrape)
    case broken(ScrapeBreak)
  }

  /// A replica that does not scrape what another one of the same shard scrapes.
  package struct Lagging: Hashable, Sendable {
    package var scraper: String
    /// `nil` if the replica could not be reached.
    package var cause: ScrapeBreak?
  }

  /// How long a link may take. Seen with Prometheus Operator 0.87 and Prometheus 3.12.
  package struct Waits: Hashable, Sendable {
    /// From a monitor to its scrape pool. The kubelet's update of the Secret takes up to 90 s; then the configuration reloader, whose watch
    /// of the file is lost with the first update, looks every three minutes.
    package var loaded: Duration = .seconds(300)
    /// From a scrape pool or a Pod to its target: service discovery, 5 s for its updates, and our own reading, twice.
    package var active: Duration = .seconds(75)
    /// The time to the first scrape of a target with an unknown interval. For other targets it is two intervals.
    package var firstScrape: Duration = .seconds(300)

    package init() {}
  }

  /// The age at which a scrape is stale: it could have been repeated twice.
  static func staleAge(interval: Duration?) -> Duration {
    interval.map { $0 * 3 + .seconds(30) } ?? .seconds(330)
  }

  /// The verdict on one expectation.
  package static func verdict(on expectation: ScrapeExpectation, _ observation: ScrapeObservation, waits: Waits = Waits()) -> Verdict {
    switch expectation.outcome {
    case .broken(let link): .broken(.objects(link))
    case .target(_, let adoption):
      observation.candidates.map { verdict(on: expectation, adoption, $0, age: observation.age, waits: waits) }.max { $0.rank < $1.rank }
        ?? .unknown(.init(adoption))
    }
  }

  private static func verdict(
    on expectation: ScrapeExpectation, _ adoption: Adoption, _ prometheus: PrometheusObservation, age: Duration, waits: Waits
  ) -> Verdict {
    let reached = prometheus.scrapers.filter { $0.pool != nil }
    guard !reached.isEmpty else { return .unknown(.notReached(prometheus.name)) }
    let found = reached.compactMap { scraper in
      best(of: scraper, for: expectation, age: age, waits: waits).map { (scraper: scraper, verdict: $0) }
    }
    if let best = found.max(by: { $0.verdict.rank < $1.verdict.rank }) {
      guard case .scraped(let name, let scrapeAge, _) = best.verdict else { return best.verdict }
      let lagging = prometheus.scrapers.filter { $0.shard == best.scraper.shard && $0.name != name }.compactMap { replica in
        lag(of: replica, found.first { $0.scraper.name == replica.name }?.verdict, expectation, prometheus)
      }
      return .scraped(by: name, age: scrapeAge, lagging: lagging)
    }
    if let open = openQuestion(expectation, adoption) { return .unknown(open) }
    return absent(expectation, prometheus, reached, age: age, waits: waits)
  }

  /// Nothing says that these have a target, so a missing one is not a gap.
  private static func openQuestion(_ expectation: ScrapeExpectation, _ adoption: Adoption) -> UnknownScrape? {
    if case .unknown = adoption { return UnknownScrape(adoption) }
    if case .discovery(let monitor) = expectation.request { return .decidedByRelabelling(monitor) }
    return nil
  }

  // MARK: With a target

  /// The verdict of one process that has the target; `nil` without one.
  private static func best(of scraper: ScraperObservation, for expectation: ScrapeExpectation, age: Duration, waits: Waits) -> Verdict? {
    guard let pool = scraper.pool else { return nil }
    let own = pool.targets.filter { $0.container == expectation.container }
    // Without a target of its own the container shares one, unless a rule drops its own: of two containers behind one port of a Service,
    // and of twins after relabelling, there is one target, with the name of the other.
    if own.isEmpty, case .dropped = pool.verdict { return nil }
    let verdicts = (own.isEmpty ? pool.targets : own).map { verdict(on: $0, pool, of: scraper.name, age: age, waits: waits) }
    return verdicts.max { $0.rank < $1.rank }
  }

  private static func verdict(
    on target: ObservedTarget, _ pool: PoolObservation, of name: String, age: Duration, waits: Waits
  ) -> Verdict {
    guard let ageWhenRead = target.age, target.health != .unknown else {
      let wait = max(target.interval.map { $0 * 2 } ?? waits.firstScrape, waits.active)
      return age <= wait ? .waiting(for: .succeeding) : .broken(.staleScrape(age: nil, interval: target.interval, by: name))
    }
    if target.health == .down {
      return .broken(.scrapeFailing(target.failure ?? ScrapeFailure(message: ""), by: name))
    }
    let scrapeAge = ageWhenRead + pool.readAge
    // How often the scraper is read says nothing about its scrapes.
    if ageWhenRead > staleAge(interval: target.interval) {
      return .broken(.staleScrape(age: scrapeAge, interval: target.interval, by: name))
    }
    return pool.samples == 0 ? .broken(.noSamples(by: name)) : .scraped(by: name, age: scrapeAge, lagging: [])
  }

  /// - Parameter verdict: of the replica, if it has the target.
  private static func lag(
    of replica: ScraperObservation, _ verdict: Verdict?, _ expectation: ScrapeExpectation, _ prometheus: PrometheusObservation
  ) -> Lagging? {
    switch (replica.pool, verdict) {
    case (nil, _): return Lagging(scraper: replica.name, cause: nil)
    case (_, .broken(let cause)): return Lagging(scraper: replica.name, cause: cause)
    case (let pool?, nil):
      let cause: ScrapeBreak =
        pool.isLoaded == false
        ? notLoaded(expectation, prometheus, by: replica.name, [pool]) : missing(from: [pool], prometheus, by: replica.name)
      return Lagging(scraper: replica.name, cause: cause)
    case (_, .scraped), (_, .waiting), (_, .unknown): return nil
    }
  }

  // MARK: Without a target

  private static func absent(
    _ expectation: ScrapeExpectation, _ prometheus: PrometheusObservation, _ reached: [ScraperObservation], age: Duration, waits: Waits
  ) -> Verdict {
    let pools = reached.compactMap(\.pool)
    guard pools.contains(where: { $0.isLoaded != false }) else {
      if let rejection = prometheus.rejection { return .broken(.rejected(rejection, by: prometheus.name)) }
      return age <= waits.loaded ? .waiting(for: .loaded) : .broken(notLoaded(expectation, prometheus, by: prometheus.name, pools))
    }
    // Every shard drops the targets of the others.
    let missing = Set(prometheus.scrapers.map(\.shard)).subtracting(reached.map(\.shard))
    guard missing.isEmpty else { return .unknown(.shardsNotReached(prometheus.name, missing.sorted())) }
    let wait = pools.contains { $0.isLoaded == true } ? waits.active : waits.loaded
    return age <= wait ? .waiting(for: .active) : .broken(Self.missing(from: pools, prometheus, by: prometheus.name))
  }

  private static func notLoaded(
    _ expectation: ScrapeExpectation, _ prometheus: PrometheusObservation, by name: String, _ pools: [PoolObservation]
  ) -> ScrapeBreak {
    .notLoaded(
      by: name, pool: expectation.request.scrapePool ?? "", configurationAge: pools.compactMap(\.configurationAge).min(),
      obstacle: prometheus.obstacle)
  }

  /// - Parameter pools: of all shards.
  private static func missing(from pools: [PoolObservation], _ prometheus: PrometheusObservation, by name: String) -> ScrapeBreak {
    let dropped = pools.compactMap(\.droppedCount).max()
    guard prometheus.forbidden.isEmpty else {
      return .notDiscovered(MissingTarget(.forbidden(prometheus.forbidden), droppedCount: dropped), by: name)
    }
    let verdicts = pools.compactMap(\.verdict)
    if verdicts.contains(.kept) { return .notDiscovered(MissingTarget(.keptWithoutTarget, droppedCount: dropped), by: name) }
    let rules = verdicts.compactMap { verdict -> DroppingRule? in
      guard case .dropped(let rule) = verdict else { return nil }
      return rule
    }
    // The rules that divide the targets among the shards are the last ones. Where an earlier one drops the target, it does so on each
    // shard.
    guard let rule = rules.min(by: { $0.index < $1.index }) else {
      return .notDiscovered(MissingTarget(.untold, droppedCount: dropped), by: name)
    }
    return .dropped(rule, by: name)
  }
}

/// Why nothing can be said.
package enum UnknownScrape: Hashable, Sendable {
  /// No process of a Prometheus object could be asked. An alert of its own, and no gap of the containers that it scrapes.
  case notReached(String)
  /// Not all shards could be asked.
  case shardsNotReached(String, [Int])
  /// Nobody says which scraper should have the target.
  case adoption(UnknownAdoption)
  /// A ScrapeConfig discovers all Pods, and its relabelling decides which it wants.
  case decidedByRelabelling(MonitorID)
  /// No scraper is known of the Prometheus objects that have the monitor.
  case noScrapers

  fileprivate init(_ adoption: Adoption) {
    switch adoption {
    case .unknown(let cause): self = .adoption(cause)
    case .adopted: self = .noScrapers
    }
  }
}

extension ScrapeChain.Verdict {
  /// Of several Prometheus objects, and of several processes, the best verdict counts: being scraped by one is enough, and what is not
  /// known of one may be good. Of broken chains the one that holds longest.
  fileprivate var rank: Int {
    switch self {
    case .scraped: 1000
    case .waiting: 500
    case .unknown: 400
    case .broken(let cause): cause.link.index
    }
  }
}

// MARK: Every link

extension ScrapeChain {
  package enum LinkState: Hashable, Sendable {
    case holds
    /// It has not been checked, or cannot be.
    case unknown
    case waiting
    case broken(ScrapeBreak)
  }

  /// The state of every link, in order: it holds, it is broken, or it is unknown because an earlier one is broken.
  package static func links(_ verdict: Verdict, samplesAreKnown: Bool = false) -> [(link: ScrapeLink, state: LinkState)] {
    let (last, state): (ScrapeLink?, LinkState) =
      switch verdict {
      case .scraped: (nil, .holds)
      case .waiting(let link): (link, .waiting)
      case .broken(let cause): (cause.link, .broken(cause))
      case .unknown(.adoption): (.adopted, .unknown)
      case .unknown(.decidedByRelabelling), .unknown(.shardsNotReached): (.active, .unknown)
      case .unknown(.notReached), .unknown(.noScrapers): (.accepted, .unknown)
      }
    return ScrapeLink.allCases.map { link in
      guard let last else { return (link, link == .samples && !samplesAreKnown ? .unknown : .holds) }
      return (link, link < last ? .holds : link == last ? state : .unknown)
    }
  }
}
