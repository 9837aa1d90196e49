internal import KubeClient
internal import Primitives
internal import Roll

/// What is known of all scrapers at one moment, arranged by expectation. A value: it is read without locks and without requests.
struct ScrapeView: Sendable {
  /// A scraper, and what it was last read to say.
  struct Seen: Sendable {
    var scraper: Scraper
    var reading: ScraperReading
  }

  private let now: Moment
  /// Of Prometheus objects.
  private let ofObjects: [PrometheusID: [Seen]]
  /// Of the settings. They are not divided into shards of one whole: a target on one of them is a target.
  private let ofSettings: [Seen]
  private let knowledge: ScrapeKnowledge
  private let obstacles: [PrometheusID: ReconcileObstacle]

  var all: [Seen] { ofObjects.values.flatMap { $0 } + ofSettings }

  init(
    _ seen: [Seen], knowledge: ScrapeKnowledge = ScrapeKnowledge(), obstacles: [PrometheusID: ReconcileObstacle] = [:], now: Moment
  ) {
    self.now = now
    self.knowledge = knowledge
    self.obstacles = obstacles
    ofSettings = seen.filter { $0.scraper.prometheus == nil }
    ofObjects = Dictionary(grouping: seen.filter { $0.scraper.prometheus != nil }) { $0.scraper.prometheus.unsafelyUnwrapped }
  }

  /// The scrapers that may have the expected target, by Prometheus object, or one by one for those of the settings.
  func candidates(for adoption: Adoption) -> [(prometheus: PrometheusID?, scrapers: [Seen])] {
    guard ofSettings.isEmpty else { return ofSettings.map { (nil, [$0]) } }
    let objects: [PrometheusID] =
      switch adoption {
      case .adopted(let adopters): adopters.map(\.prometheus)
      case .unknown(.unmanaged(let objects)): objects
      case .unknown: ofObjects.keys.sorted()
      }
    var last: PrometheusID?
    return objects.compactMap { object in
      // Adopters are sorted, and may be there once for each role.
      defer { last = object }
      return object == last ? nil : (object, ofObjects[object] ?? [])
    }
  }

  /// - Parameters:
  ///   - pod: whose expectation it is.
  ///   - age: how long the expectation has been as it is.
  func observation(of expectation: ScrapeExpectation, _ pod: PodRecord, age: Duration) -> ScrapeObservation {
    guard case .target(_, let adoption) = expectation.outcome else { return ScrapeObservation(candidates: [], age: age) }
    return ScrapeObservation(
      candidates: candidates(for: adoption).map { prometheus, scrapers in
        PrometheusObservation(
          name: prometheus.map { "\($0)" } ?? scrapers.first?.scraper.name ?? "",
          rejection: prometheus.flatMap { knowledge.rejection(of: expectation.request, by: $0) },
          obstacle: prometheus.flatMap { obstacles[$0] },
          forbidden: prometheus.map { knowledge.forbidden(to: $0, in: expectation, adoption) } ?? [],
          scrapers: scrapers.map { seen in
            ScraperObservation(name: seen.scraper.name, shard: seen.scraper.shard, answer: answer(of: seen, expectation, pod))
          })
      }, age: age)
  }

  private func answer(of seen: Seen, _ expectation: ScrapeExpectation, _ pod: PodRecord) -> ScraperObservation.Answer {
    let reading = seen.reading
    if let error = reading.error { return .unreachable(error) }
    guard let name = expectation.request.scrapePool else { return anyPool(of: reading, expectation) }
    let key: String
    var isLoaded: Bool?
    switch reading.pools {
    case .untold: key = ScraperReading.wholeKey
    case .named(let names):
      guard names.contains(name) else {
        return .pool(
          PoolObservation(isLoaded: false, configurationAge: reading.configuredAt.map { now - $0 }, readAge: now - reading.readAt))
      }
      key = name
      isLoaded = true
    }
    if let error = reading.failures[key] { return .unreachable(error) }
    guard let pool = reading.tables[key] else {
      return .unreachable(ScraperError(.unsent, url: seen.scraper.name, "the scrape pool \(name) has not been read yet"))
    }
    let targets = expectation.targets(in: pool.table)
    return .pool(
      PoolObservation(
        isLoaded: isLoaded, configurationAge: reading.configuredAt.map { now - $0 }, readAge: now - pool.readAt, targets: targets,
        verdict: targets.isEmpty ? knowledge.verdict(on: RelabelQuestion(seen.scraper, name, expectation, pod)) : nil,
        droppedCount: reading.droppedCounts?[name], samples: targets.isEmpty || !reading.dropsAllSamples(of: expectation) ? nil : 0))
  }

  /// Where no object determines the pool, any may have the target.
  private func anyPool(of reading: ScraperReading, _ expectation: ScrapeExpectation) -> ScraperObservation.Answer {
    var readAge: Duration = .zero
    var targets: [ObservedTarget] = []
    for pool in reading.tables.values {
      let found = expectation.targets(in: pool.table)
      if !found.isEmpty { readAge = max(readAge, now - pool.readAt) }
      targets += found
    }
    return .pool(PoolObservation(isLoaded: nil, readAge: readAge, targets: targets))
  }
}

extension ScraperReading {
  /// Whether metric relabelling drops every sample of the expected target, however many scrape pools have it.
  fileprivate func dropsAllSamples(of expectation: ScrapeExpectation) -> Bool {
    guard let emptyScrapes, !emptyScrapes.isEmpty, case .target(let target, _) = expectation.outcome else { return false }
    let pod = expectation.pod
    return emptyScrapes.contains(
      ScrapedInstance(instance: target.hostAndPort, namespace: pod.namespace.description, pod: pod.name))
  }
}

extension ScrapeView {
  /// Adds whether the scraper that scrapes the target was asked for targets without samples.
  func completed(_ ask: ScrapeAsk) -> ScrapeAsk {
    guard case .scraped(let name, _, _) = ask.verdict else { return ask }
    var ask = ask
    ask.samplesAreKnown = all.contains { $0.scraper.name == name && $0.reading.emptyScrapes != nil }
    return ask
  }

  /// Where a question finds what it takes to ask it.
  struct Facts: Sendable {
    var client: @Sendable (Scraper) -> ScraperClient?
    var service: @Sendable (ObjectKey) -> ServiceRecord?
    /// The service account of a Prometheus object's processes.
    var account: @Sendable (PrometheusID) -> String?
  }

  /// The questions whose answers tell why a link is broken.
  /// - Parameter isWanted: prepares only these.
  func inquiries(
    about ask: ScrapeAsk, _ pod: PodRecord, _ facts: Facts, where isWanted: (ScrapeInquiry.Subject) -> Bool = { _ in true }
  ) -> [ScrapeInquiry] {
    guard case .target(let target, let adoption) = ask.expectation.outcome else { return [] }
    switch ask.verdict {
    case .waiting(for: .loaded), .broken(.notLoaded), .broken(.rejected): return isWanted(.rejections) ? [.rejections] : []
    case .waiting(for: .active), .broken(.dropped), .broken(.notDiscovered): break
    default: return []
    }
    guard let pool = ask.expectation.request.scrapePool else { return [] }
    return candidates(for: adoption).flatMap { prometheus, scrapers -> [ScrapeInquiry] in
      let role = role(of: prometheus, adoption, ask.expectation.request)
      var inquiries: [ScrapeInquiry] = []
      if let prometheus {
        let right = ScrapeKnowledge.Right(prometheus: prometheus, namespace: pod.namespace, role: role)
        if isWanted(.right(right)), let account = facts.account(prometheus) { inquiries.append(.right(right, serviceAccount: account)) }
      }
      for seen in scrapers {
        guard seen.reading.error == nil, case .named(let names) = seen.reading.pools, names.contains(pool) else { continue }
        let question = RelabelQuestion(seen.scraper, pool, ask.expectation, pod)
        guard isWanted(.rule(question)), let client = facts.client(seen.scraper) else { continue }
        var service: ServiceRecord?
        if case .monitor(_, _, let name?) = ask.expectation.request {
          service = facts.service(ObjectKey(namespace: pod.namespace, name: name))
        }
        let labels = DiscoveredLabels(
          pod: pod, container: ask.expectation.container, target: target, role: role, service: service, pool: pool)
        inquiries.append(.rule(question, client, labels: labels.dictionary))
      }
      return inquiries
    }
  }

  private func role(of prometheus: PrometheusID?, _ adoption: Adoption, _ request: ScrapeRequest) -> DiscoveryRole {
    if case .adopted(let adopters) = adoption, let adopter = adopters.first(where: { prometheus == nil || $0.prometheus == prometheus }) {
      return adopter.role
    }
    if case .monitor(_, _, .some) = request { return .endpoints }
    return .pod
  }
}

/// What was found out about missing targets by asking for them.
struct ScrapeKnowledge: Sendable {
  struct Rejections: Hashable, Sendable {
    var monitor: MonitorID
    var prometheus: PrometheusID
  }

  struct Right: Hashable, Sendable {
    var prometheus: PrometheusID
    var namespace: String
    var role: DiscoveryRole
  }

  var verdicts: [RelabelQuestion: (verdict: RelabelVerdict?, at: Moment)] = [:]
  var rejections: [Rejections: MonitorRejection] = [:]
  /// The resources that a Prometheus object's service account may not list.
  var forbidden: [Right: (resources: [String], at: Moment)] = [:]

  func verdict(on question: RelabelQuestion) -> RelabelVerdict? { verdicts[question]?.verdict }

  func rejection(of request: ScrapeRequest, by prometheus: PrometheusID) -> MonitorRejection? {
    guard !rejections.isEmpty, case .monitor(let monitor, _, _) = request else { return nil }
    return rejections[Rejections(monitor: monitor, prometheus: prometheus)]
  }

  func forbidden(to prometheus: PrometheusID, in expectation: ScrapeExpectation, _ adoption: Adoption) -> [String] {
    guard !forbidden.isEmpty, case .adopted(let adopters) = adoption,
      let role = adopters.first(where: { $0.prometheus == prometheus })?.role
    else { return [] }
    return forbidden[Right(prometheus: prometheus, namespace: expectation.pod.namespace.description, role: role)]?.resources ?? []
  }
}

/// What a scrape pool's rules make of the targets of a workload. Its Pods have labels and ports in common, so one answer is for all of them;
/// a person who asks for one Pod gets an answer for that one.
struct RelabelQuestion: Hashable, Sendable {
  var scraper: String
  var pool: String
  private var namespace: Name
  private var common: Name?
  private var container: String?
  private var port: UInt16?

  init(_ scraper: Scraper, _ pool: String, _ expectation: ScrapeExpectation, _ pod: PodRecord) {
    self.scraper = scraper.name
    self.pool = pool
    namespace = expectation.pod.namespace
    common = pod.common
    container = expectation.container
    if case .target(let target, _) = expectation.outcome { port = target.port }
  }
}
