import Collector
import HTTPTransport
import JSON
import KubeClient
import Logging
import Primitives
import Roll
import Simulator
import Synchronization
import TestSupport
import Testing

@testable import Controller

/// From the objects of a cluster and real scrapers to the gaps of its containers.
@Suite(.timeLimit(.minutes(10)), .enabled(if: findProgram("prometheus") != nil, "prometheus is not installed"))
struct ScrapeCoverageTests {
  private let transport: HTTPTransport
  private let cluster = ScrapedCluster()

  init() throws {
    transport = try HTTPTransport()
  }

  // MARK: Coverage

  /// The parts of a controller that judge scrapes, with a ledger in which every container is collected.
  private struct Judged {
    let coverage: ScrapeCoverage
    let ledger: LedgerStore
    let rolls: RollStore
    let pods: Store<PodRecord>

    /// Pod and reason of each gap.
    var gaps: [String: Reason] {
      Dictionary(ledger.snapshot().gapsByNode().joined().map { ($0.container.pod, $0.reason) }) { $1 }
    }

    func verdict(_ pod: String) -> ScrapeChain.Verdict? {
      pods.snapshot()[ObjectKey(namespace: "shop", name: pod)].flatMap { coverage.asks(of: $0).first?.verdict }
    }
  }

  private func judging(
    _ settings: ScrapeCoverageSettings = ScrapeCoverageSettings(), _ body: (SimulatedAPIServer, Judged) async throws -> Void
  ) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let apiServer = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: 0, acceptsLoopbackEndpoints: true), logger: logger)
    let time = TenfoldTime()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await apiServer.run() }
      try await apiServer.waitUntilListening()
      for object in self.cluster.objects { try apiServer.put(object) }
      let folder = try TemporaryFolder()
      let kubeconfig = try folder.write(apiServer.kubeconfig(), to: "kubeconfig")
      let cluster = try Cluster(
        settings: ClusterSettings(kubeconfig: kubeconfig, namespace: "rollcall"), environment: [:], logger: logger)
      let (rolls, ledger) = (RollStore(), LedgerStore(threshold: .seconds(300)))
      var configured = ControllerSettings()
      configured.allowsLoopbackTargets = true
      let policies = PolicyWatch(
        client: cluster.client, namespaces: cluster.exemptions.namespaces.store, settings: configured.policies, time: time, logger: logger)
      let updater = RollUpdater(
        nodes: cluster.nodes.store, pods: cluster.pods.store, rolls: rolls, settings: configured.rolls(), exemptions: cluster.exemptions,
        policies: policies, time: time, logger: logger, policiesChanged: {})
      let targets = CurrentTargets(
        rolls: rolls, exporters: ExporterStatusStore(), endpoints: configured.endpoints, virtualAddresses: { [nil] })
      let coverage = ScrapeCoverage(
        settings: settings, client: cluster.client, transport: transport, pods: cluster.pods.store,
        namespaces: cluster.exemptions.namespaces, rolls: rolls, ledger: ledger, targets: targets, time: time, logger: logger)
      for service in [cluster.nodes.run, cluster.pods.run, cluster.exemptions.run, policies.run, updater.run] {
        group.addTask { await service() }
      }
      await rolls.waitUntilComplete()
      ledger.begin(with: rolls.snapshot().rolls.values, at: time.now)
      group.addTask { await coverage.run() }
      group.addTask {
        while !Task.isCancelled {
          for roll in rolls.snapshot().rolls.values {
            ledger.update(roll, at: time.now)
            let answers = roll.entries.map { _ in Answer.collected(age: .zero) }
            ledger.record(RollCall(answers: answers, lastScrape: coverage.lastScrape(of: roll) ?? .notObservable), of: roll, at: time.now)
          }
          ledger.evaluate(at: time.now)
          await time.pause(for: .seconds(15))
        }
      }
      try await body(apiServer, Judged(coverage: coverage, ledger: ledger, rolls: rolls, pods: cluster.pods.store))
      group.cancelAll()
    }
  }

  // MARK: Tests

  @Test func `R118: containers that two shards of a real Prometheus do not scrape become gaps, each with its reason`() async throws {
    let page = ScrapedCluster.Page()
    let exporters = try cluster.exporters(page)
    defer { for exporter in exporters { exporter.stop() } }
    let folders = [try TemporaryFolder(), try TemporaryFolder()]
    var shards: [Prometheus] = []
    defer { for shard in shards { shard.program.stop() } }
    for (number, address) in cluster.shards.enumerated() {
      shards.append(
        try await Prometheus(
          configuration: cluster.configuration(shard: number).prettyText, folder: folders[number], transport: transport, at: address))
    }
    try await judging { apiServer, judged in
      let expected: [String: Reason] = [
        "missing-0": .scrapeFailing, "drop-0": .dropped, "absent-0": .notLoaded, "orphan-0": .monitorNotAdopted,
        "orphan-1": .monitorNotAdopted,
      ]
      do {
        try await eventually("every broken link is a gap, and nothing else", within: .seconds(180)) { judged.gaps == expected }
      } catch is NeverHappened {
        Issue.record("gaps: \(judged.gaps), status \(judged.coverage.status), scrapers: \(judged.coverage.summary.scrapers)")
        return
      }
      let summary = judged.coverage.summary
      #expect(summary.scrapers.map(\.isReached) == [true, true] && summary.scrapers.map(\.shard) == [0, 1])
      let gaps = Array(judged.ledger.snapshot().gapsByNode().joined())
      #expect(gaps.allSatisfy { $0.kind == .unscraped })
      let drop = try #require(gaps.first { $0.container.pod == "drop-0" })
      #expect(drop.detail.contains("dr.p") && drop.detail.contains("Rollcall evaluates"), "\(drop.detail)")
      #expect(gaps.first { $0.container.pod == "orphan-0" }?.detail.contains("team=shop") == true)
      #expect(summary.groups.first { $0.workload.name == "web" }?.count == 4)

      // R121: the agent's target is on one of the shards.
      let roll = try #require(judged.rolls.roll(of: "w1"))
      guard case .ago = judged.coverage.lastScrape(of: roll) else {
        Issue.record("the agent is scraped")
        return
      }

      let explanation = await judged.coverage.explanation(
        of: try #require(judged.pods.snapshot()[ObjectKey(namespace: "shop", name: "drop-0")]))
      #expect(explanation.asks.first?.reason == .dropped && explanation.asks.first?.links.count == ScrapeLink.allCases.count)

      // A scrape that succeeds closes its gap.
      page.isThere.withLock { $0 = true }
      try await eventually("what is scraped is no gap", within: .seconds(60)) { judged.gaps["missing-0"] == nil }
      // A scraper that is away neither opens nor closes any.
      shards[1].program.stop()
      try await eventually("one scraper is away", within: .seconds(60)) {
        judged.coverage.summary.scrapers.map(\.isReached) == [true, false]
      }
      let passes = judged.coverage.summary.time
      try await eventually("all pods were judged again", within: .seconds(60)) { judged.coverage.summary.time != passes }
      var rest = expected
      rest["missing-0"] = nil
      #expect(judged.gaps == rest)
      // The label that the Prometheus object wants: the monitor is adopted, and its pool is waited for.
      try apiServer.put(ScrapedCluster.podMonitor("orphan"))
      try await eventually("it is adopted", within: .seconds(60)) {
        if case .unknown = judged.verdict("orphan-0") { true } else { judged.verdict("orphan-0") == .waiting(for: .loaded) }
      }
      #expect(judged.gaps["orphan-0"] != nil, "it is not scraped yet")
    }
  }

  @Test(.enabled(if: VictoriaMetrics.isInstalled, "victoria-metrics is not installed"))
  func `R115: a VictoriaMetrics of the settings is asked, with targets that it discovers itself`() async throws {
    let page = ScrapedCluster.Page()
    let exporters = try cluster.exporters(page)
    defer { for exporter in exporters { exporter.stop() } }
    let (address, folder) = (OwnAddress(), try TemporaryFolder())
    let url = try #require(ScraperURL("http://\(address)"))
    try await judging(ScrapeCoverageSettings(urls: [url])) { apiServer, judged in
      let pools = ["web", "missing"].flatMap { name -> [JSONValue] in
        PrometheusOperator.discovery(of: ScrapedCluster.podMonitor(name), for: [:], apiServer: apiServer.url).map { pool in
          var pool = pool
          pool["scrape_interval"] = "1s"
          pool["metrics_path"] = name == "missing" ? "/missing" : "/metrics"
          return pool
        }
      }
      let victoria = try await VictoriaMetrics(
        scrapeConfigurations: pools, folder: folder, transport: transport, at: address)
      defer { victoria.program.stop() }
      do {
        try await eventually("what it does not scrape is a gap", within: .seconds(180)) {
          judged.gaps == [
            "missing-0": .scrapeFailing, "drop-0": .notDiscovered, "absent-0": .notDiscovered, "orphan-0": .monitorNotAdopted,
            "orphan-1": .monitorNotAdopted,
          ]
        }
      } catch is NeverHappened {
        Issue.record("gaps: \(judged.gaps), scrapers: \(judged.coverage.summary.scrapers)")
      }
      guard case .scraped(let name, _, _) = judged.verdict("web-0") else {
        Issue.record("web-0 is scraped")
        return
      }
      #expect(name == "\(url)")
    }
  }

  // MARK: The controller

  private static let resources =
    [
      "servicemonitors", "podmonitors", "scrapeconfigs", "probes", "prometheuses", "prometheusagents",
    ].map { "\($0).monitoring.coreos.com" } + ["vmservicescrapes", "vmpodscrapes"].map { "\($0).operator.victoriametrics.com" }

  @Test func `R122: without the permissions everything else works, and one line says what is off`() async throws {
    try await RunningController.run(
      [], [],
      prepare: { server in
        for resource in Self.resources {
          server.rejectNext(
            Rejection(status: 403, reason: "Forbidden", message: "\(resource) is forbidden", count: 1000, resource: resource))
        }
      }
    ) { controller in
      try await eventually("the log says so") { controller.program.output.contains("scrape coverage is off: no permission") }
      try await eventually("it is ready") { try await controller.metric("rollcall_ready", where: "check=\"rolls\"") == 1 }
      let lines = controller.program.output.split(separator: "\n")
      #expect(lines.count { $0.contains("scrape coverage") } == 1)
      #expect(lines.count { $0.contains("podmonitors") } == 1, "nothing else speaks of it")
    }
  }

  @Test func `R122: it is off without monitoring resources, and on once there are any`() async throws {
    try await RunningController.run(
      [], [],
      prepare: { server in
        for resource in Self.resources { try server.removeDefinition(of: resource) }
      }
    ) { controller in
      try await eventually("it is off") {
        controller.program.output.contains("scrape coverage is off: the cluster has no monitoring resources")
      }
      for resource in Self.resources { try controller.apiServer.restoreDefinition(of: resource) }
      try await eventually("it is on", within: .seconds(120)) { controller.program.output.contains("scrape coverage is on") }
    }
  }

  @Test func `R122: off is off`() async throws {
    try await RunningController.run([], ["--scrape-coverage", "off"]) { controller in
      try await eventually("it is ready") { try await controller.metric("rollcall_ready", where: "check=\"rolls\"") == 1 }
      #expect(!controller.program.output.contains("scrape coverage"))
      #expect(controller.apiServer.requestCount(nil, "podmonitors.monitoring.coreos.com") == 0)
    }
  }
}

/// Clocks that run ten times as fast as the system's.
private struct TenfoldTime: TimeSource {
  private static let factor = 10
  private let start = ContinuousClock.now

  func reading() -> ClockReading {
    let elapsed = (start.duration(to: .now) * Self.factor).wholeMilliseconds
    return ClockReading(moment: Moment(milliseconds: elapsed), unixMilliseconds: 1_800_000_000_000 + elapsed)
  }

  func sleep(until moment: Moment) async throws {
    try await Task.sleep(for: max(moment - now, .zero) / Self.factor)
  }
}
