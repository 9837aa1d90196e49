internal import AsyncPrimitives
internal import Collector
internal import HTTPTransport
package import KubeClient
internal import Logging
internal import Roll
internal import Synchronization

/// Judges for every container that asks to be scraped whether it is, and tells the ledger and people.
///
/// It works on the leader only. What decides are values: `ScrapeExpectations` (what is asked for), `ScrapeView` (what scrapers say),
/// `ScrapeChain` (the verdict).
package final class ScrapeCoverage: ScrapeReport {
  /// The least time between two passes over all Pods: that between two reads of a scraper.
  private static let period: Duration = .seconds(30)
  /// The wait before the first pass, and while the objects are not complete.
  private static let patience: Duration = .seconds(1)
  /// The number of Pods that are judged before others may use the thread.
  private static let podsAtOnce = 256

  private let settings: ScrapeCoverageSettings
  private let watches: MonitorWatches
  private let expectations: ExpectationUpdater
  private let readers: ScraperReaders
  private let inquiries: ScrapeInquiries
  private let pods: Store<PodRecord>
  private let rolls: RollStore
  private let ledger: LedgerStore
  private let targets: CurrentTargets
  private let time: any TimeSource
  private let logger: Logger

  private struct State {
    var judge = ScrapeJudge()
    var summary = ScrapeSummary()
    var mode = ScrapeCoverageMode.off
    var nodes = NodeScrapes()
  }

  private let state = Mutex(State())

  init(
    settings: ScrapeCoverageSettings, client: KubeClient, transport: HTTPTransport, pods: Store<PodRecord>,
    namespaces: Reflector<NamespaceRecord>, rolls: RollStore, ledger: LedgerStore, targets: CurrentTargets, time: any TimeSource,
    logger: Logger
  ) {
    self.settings = settings
    self.pods = pods
    self.rolls = rolls
    self.ledger = ledger
    self.targets = targets
    self.time = time
    self.logger = logger
    // Absent resources are usual here, and what is missing is logged as one line.
    var quiet = logger
    quiet.logLevel = max(.error, logger.logLevel)
    watches = MonitorWatches(client: client, logger: quiet)
    expectations = ExpectationUpdater(watches: watches, namespaces: namespaces, time: time)
    var requests = ScraperClient.Settings()
    requests.tls = settings.tls
    readers = ScraperReaders(
      transport: transport, client: requests, headers: settings.headersFile.map { HeadersFile(path: $0) }, time: time, logger: logger)
    inquiries = ScrapeInquiries(client: client, time: time, logger: logger)
  }

  // MARK: Reading

  package var status: ScrapeCoverageStatus {
    ScrapeCoverageStatus(mode: state.withLock { $0.mode }, watches: watches.status)
  }

  package var summary: ScrapeSummary {
    var summary = state.withLock { $0.summary }
    summary.scrapers = readers.all.map { ScraperStatus($0.scraper, $0.reading) }
    return summary
  }

  package var clients: [(name: String, client: ScraperClient)] {
    readers.all.compactMap { reader in
      guard let client = reader.client, reader.reading.error == nil else { return nil }
      return (reader.scraper.name, client)
    }
  }

  package func asks(of pod: PodRecord) -> [ScrapeAsk] {
    let view = view()
    return asks(of: pod, view)
  }

  private func asks(of pod: PodRecord, _ view: ScrapeView) -> [ScrapeAsk] {
    let found = expectations.expectations(of: pod)
    let judge = state.withLock { $0.judge }
    return found.map { view.completed(judge.ask($0, pod, view, at: time.now)) }
  }

  package func explanation(of pod: PodRecord) async -> ScrapeExplanation {
    let view = view()
    let asks = asks(of: pod, view)
    let questions = asks.flatMap { view.inquiries(about: $0, pod, facts) }
    var explanation = ScrapeExplanation(asks: asks)
    if !questions.isEmpty {
      let knowledge = await inquiries.answers(to: questions)
      explanation.asks = self.asks(of: pod, self.view(knowledge))
    }
    let isSelected = asks.contains { if case .monitor = $0.expectation.request { true } else { false } }
    if !isSelected { explanation.nearest = expectations.withExpectation { $0.nearestMonitor(to: pod) } }
    return explanation
  }

  /// When the data of a node was last scraped, as scrapers say; `nil` if none of them knows.
  func lastScrape(of roll: NodeRoll) -> LastScrape? {
    state.withLock { $0.nodes }.lastScrape(of: roll, at: time.now)
  }

  private func view(_ knowledge: ScrapeKnowledge? = nil) -> ScrapeView {
    ScrapeView(
      readers.all.map { ScrapeView.Seen(scraper: $0.scraper, reading: $0.reading) }, knowledge: knowledge ?? inquiries.knowledge,
      obstacles: obstacles, now: time.now)
  }

  private var obstacles: [PrometheusID: ReconcileObstacle] {
    let records = watches.prometheuses.values.flatMap { Array($0.store.snapshot()) }
    return Dictionary(records.compactMap { record in record.obstacle.map { (record.id, $0) } }) { first, _ in first }
  }

  /// Where questions find what it takes to ask them.
  private var facts: ScrapeView.Facts {
    ScrapeView.Facts(
      client: { [readers] in readers.client(of: $0) },
      service: { [expectations] key in expectations.withExpectation { $0.service(key) } },
      account: { [watches] in watches.prometheus($0)?.processes.serviceAccount })
  }

  // MARK: Running

  /// Runs until the task is cancelled.
  package func run() async {
    guard settings.mode != .off else { return await forgetWhileOff() }
    await withTaskGroup { group in
      group.addTask { [watches] in await watches.runDefinitions() }
      group.addTask { await self.report() }
      group.addTask { await self.forgetWhileOff() }
      while !Task.isCancelled {
        await waitWhile { self.wantedMode == .off }
        guard !Task.isCancelled else { break }
        await withTaskGroup { group in
          group.addTask { [watches] in await watches.runDiscovery() }
          group.addTask { [expectations] in await expectations.run() }
          group.addTask { [readers] in await readers.run() }
          group.addTask { [inquiries] in await inquiries.run() }
          group.addTask { await self.judge() }
          await waitWhile { self.wantedMode != .off }
          group.cancelAll()
        }
        state.withLock { $0 = State() }
      }
      group.cancelAll()
    }
  }

  private func waitWhile(_ condition: () -> Bool) async {
    while condition(), !Task.isCancelled { await time.pause(for: Self.patience) }
  }

  private var wantedMode: ScrapeCoverageMode { settings.mode ?? (watches.hasDefinitions ? .monitored : .off) }

  /// Ends the gaps that an earlier leader has found, once it is certain that nobody judges scrapes any more.
  private func forgetWhileOff() async {
    while !Task.isCancelled {
      if settings.mode == .off || wantedMode == .off && watches.areRefused { ledger.forgetScrapes(at: time.now) }
      await time.pause(for: Self.period)
    }
  }

  /// Logs what is on and off, and which permissions are missing, whenever that changes.
  private func report() async {
    var last: ScrapeCoverageReport?
    while !Task.isCancelled {
      let report = ScrapeCoverageReport(wantedMode, watches)
      if let report, report != last {
        report.log(logger)
        last = report
      }
      await time.pause(for: Self.patience)
    }
  }

  /// Judges all Pods, over and over.
  private func judge() async {
    while !Task.isCancelled {
      let mode = wantedMode
      state.withLock { $0.mode = mode }
      guard expectations.isComplete, rolls.snapshot().isComplete else {
        await time.pause(for: Self.patience)
        continue
      }
      readers.set(scrapers())
      let start = time.now
      await pass(mode)
      let took = time.now - start
      // A pass over 150,000 Pods computes for seconds: at most a tenth of the time.
      await time.pause(for: max(Self.period - took, took * 9, Self.patience))
    }
  }

  private func scrapers() -> [Scraper] {
    if !settings.urls.isEmpty {
      return settings.urls.map { Scraper(name: "\($0)", prometheus: nil, shard: 0, place: .url($0.text)) }
    }
    let records = watches.prometheuses.values.flatMap { Array($0.store.snapshot()) }
    return ScraperDiscovery(prometheuses: records, pods: pods.snapshot()).scrapers
  }

  private func pass(_ mode: ScrapeCoverageMode) async {
    let (view, facts, snapshot) = (view(), facts, pods.snapshot())
    var judge = state.withLock { $0.judge }
    let targets = targets.snapshot() ?? []
    state.withLock { $0.nodes.update(view.all, targets: targets, at: time.now) }
    var pass = ScrapePass(mode: mode)
    expectations.withExpectation { $0.beginPass() }
    judge.beginPass()
    var judged = 0
    for (node, roll) in rolls.snapshot().rolls {
      var findings: [ScrapeFinding] = []
      let terms = roll.scrapingTerms
      for pod in snapshot.pods(onNode: node) {
        let asks = expectations.expectations(of: pod).map { judge.judge($0, pod, view, at: time.now) }
        let term = terms.isEmpty ? nil : terms[ObjectKey(namespace: pod.namespace, name: pod.name)]
        findings += pass.add(asks, of: pod, term, at: time.now)
        for (ask, _) in asks {
          for inquiry in view.inquiries(about: ask, pod, facts, where: inquiries.wants) { inquiries.add(inquiry) }
        }
        judged += 1
      }
      ledger.record(findings, onNode: node, at: time.now)
      if judged >= Self.podsAtOnce {
        judged = 0
        await Task.yield()
        if Task.isCancelled { return }
      }
    }
    judge.endPass()
    expectations.withExpectation { $0.endPass() }
    let (ended, groups) = (judge, pass.groups)
    state.withLock { state in
      state.judge = ended
      state.summary.time = time.now
      state.summary.groups = groups
    }
  }
}

extension NodeRoll {
  /// What policies say about the scrapes of Pods; empty if they say nothing.
  fileprivate var scrapingTerms: [ObjectKey: ScrapingTerm] {
    guard terms.decideScrapes else { return [:] }
    var found: [ObjectKey: ScrapingTerm] = [:]
    for (index, container) in entries.references.enumerated() {
      if let term = terms[index]?.scraping { found[ObjectKey(namespace: container.namespace, name: container.pod)] = term }
    }
    return found
  }
}

extension ScraperStatus {
  fileprivate init(_ scraper: Scraper, _ reading: ScraperReading) {
    self.init(
      name: scraper.name, prometheus: scraper.prometheus, shard: scraper.shard, url: scraper.url, error: reading.error,
      pools: reading.poolCount, targets: reading.targetCount)
  }
}
