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
  /// The address of the first shard, and a network for pods.
  private let first = OwnAddress(port: 9090)
  private let second = OwnAddress(port: 9090)

  init() throws {
    transport = try HTTPTransport()
  }

  // MARK: Objects

  private static let exporterPort = 8080
  /// Each is a Pod of a PodMonitor of the same name, and the last two are of one workload.
  private static let names = ["web-0", "web-1", "web-2", "web-3", "missing-0", "drop-0", "absent-0", "orphan-0", "orphan-1"]

  private static func monitor(of name: String) -> String { String(name.prefix { $0 != "-" }) }

  private func address(_ number: Int) -> String { "\(first.network).\(number + 10)" }

  private static func uid(_ number: Int) -> String { "5b6f1f0a-0000-4000-8000-0000000000\(number + 10)" }

  private func pod(_ name: String, _ number: Int) -> JSONValue {
    let monitor = Self.monitor(of: name)
    return [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "namespace": "shop", "name": .string(name), "uid": .string(Self.uid(number)), "labels": ["app": .string(monitor)],
        "ownerReferences": [
          ["apiVersion": "apps/v1", "kind": "StatefulSet", "name": .string(monitor), "uid": "u", "controller": true]
        ],
      ],
      "spec": [
        "nodeName": "w1",
        "containers": [
          ["name": "main", "image": "x", "ports": [["name": "http", "containerPort": .integer(Int64(Self.exporterPort))]]]
        ],
      ],
      "status": [
        "phase": "Running", "podIP": .string(address(number)), "podIPs": [["ip": .string(address(number))]],
        "containerStatuses": [
          [
            "name": "main", "containerID": .string("containerd://\(name)"), "image": "x",
            "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
          ]
        ],
      ],
    ]
  }

  private static func podMonitor(_ name: String, team: String = "shop") -> JSONValue {
    [
      "apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor",
      "metadata": ["namespace": "shop", "name": .string(name), "labels": ["team": .string(team)]],
      "spec": ["selector": ["matchLabels": ["app": .string(name)]], "podMetricsEndpoints": [["port": "http"]]],
    ]
  }

  private func prometheusPod(_ name: String, at address: OwnAddress) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["namespace": "monitoring", "name": .string(name)],
      "spec": ["nodeName": "w1", "containers": [["name": "prometheus", "image": "x"]]],
      "status": ["phase": "Running", "podIP": .string(address.host), "podIPs": [["ip": .string(address.host)]]],
    ]
  }

  private var objects: [JSONValue] {
    let node: JSONValue = [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": "w1"],
      "status": [
        "nodeInfo": ["operatingSystem": "linux"], "addresses": [["type": "InternalIP", "address": .string(address(80))]],
        "conditions": [["type": "Ready", "status": "True"]],
      ],
    ]
    let prometheus: JSONValue = [
      "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": ["namespace": "monitoring", "name": "main"],
      "spec": ["shards": 2, "podMonitorSelector": ["matchLabels": ["team": "shop"]], "podMonitorNamespaceSelector": [:]],
    ]
    let namespaces = ["shop", "monitoring"].map { name -> JSONValue in
      ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
    }
    return namespaces + [
      node, prometheus, prometheusPod("prometheus-main-0", at: first), prometheusPod("prometheus-main-shard-1-0", at: second),
    ]
      + Set(Self.names.map(Self.monitor)).sorted().map { Self.podMonitor($0, team: $0 == "orphan" ? "other" : "shop") }
      + Self.names.enumerated().map { pod($1, $0) }
  }

  // MARK: Prometheus

  /// The configuration of a shard, as the operator writes it, with the targets that service discovery would find.
  private func configuration(shard: Int) -> JSONValue {
    let monitors = Set(Self.names.map(Self.monitor)).subtracting(["absent", "orphan"]).sorted()
    let pools = monitors.map { monitor -> JSONValue in
      let targets = Self.names.enumerated().filter { Self.monitor(of: $1) == monitor }.map { number, name -> JSONValue in
        [
          "targets": [.string("\(address(number)):\(Self.exporterPort)")],
          "labels": [
            "__meta_kubernetes_namespace": "shop", "__meta_kubernetes_pod_name": .string(name),
            "__meta_kubernetes_pod_uid": .string(Self.uid(number)), "__meta_kubernetes_pod_container_name": "main",
            "__meta_kubernetes_pod_phase": "Running", "__meta_kubernetes_pod_label_app": .string(monitor),
          ],
        ]
      }
      var rules: [JSONValue] = [
        ["source_labels": ["__meta_kubernetes_pod_phase"], "regex": "(Failed|Succeeded)", "action": "drop"],
        ["source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"],
      ]
      if monitor == "drop" { rules.append(["source_labels": ["__meta_kubernetes_pod_label_app"], "regex": "dr.p", "action": "drop"]) }
      rules += [
        ["source_labels": ["__address__"], "target_label": "__tmp_hash", "modulus": 2, "action": "hashmod"],
        ["source_labels": ["__tmp_hash"], "regex": .string("\(shard)"), "action": "keep"],
      ]
      return [
        "job_name": .string("podMonitor/shop/\(monitor)/0"), "static_configs": .array(targets), "relabel_configs": .array(rules),
        "metrics_path": monitor == "missing" ? "/missing" : "/metrics",
      ]
    }
    let agents: JSONValue = [
      "job_name": "serviceMonitor/rollcall/rollcall-linux/0", "static_configs": [["targets": [.string("\(address(80)):9753")]]],
      "relabel_configs": [
        ["source_labels": ["__address__"], "target_label": "__tmp_hash", "modulus": 2, "action": "hashmod"],
        ["source_labels": ["__tmp_hash"], "regex": .string("\(shard)"), "action": "keep"],
      ],
    ]
    return ["global": ["scrape_interval": "1s", "scrape_timeout": "900ms"], "scrape_configs": .array(pools + [agents])]
  }

  /// - Parameter isThere: whether `/missing` exists.
  private func exporters(_ isThere: Mutex<Bool>) throws -> [ScriptedServer] {
    let places = Self.names.indices.map { (address($0), Self.exporterPort) } + [(address(80), 9753)]
    return try places.map { host, port in
      try ScriptedServer(on: .tcp(host: host, port: port)) { connection in
        while let request = try connection.readRequest() {
          let isFound = request.target == "/metrics" || isThere.withLock { $0 }
          try connection.respond(
            status: isFound ? 200 : 404, headers: [("Content-Type", "text/plain; version=0.0.4")], body: "one 1\n")
        }
      }
    }
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
    _ settings: ScrapeCoverageSettings = ScrapeCoverageSettings(), _ objects: [JSONValue],
    _ body: (SimulatedAPIServer, Judged) async throws -> Void
  ) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let apiServer = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: 0, acceptsLoopbackEndpoints: true), logger: logger)
    let time = TenfoldTime()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await apiServer.run() }
      try await apiServer.waitUntilListening()
      for object in objects { try apiServer.put(object) }
      let folder = try TemporaryFolder()
      let kubeconfig = try folder.write(apiServer.kubeconfig(), to: "kubeconfig")
      let cluster = try Cluster(
        settings: ClusterSettings(kubeconfig: kubeconfig, namespace: "rollcall"), keepsScrapeFacts: true, environment: [:], logger: logger)
      let (rolls, ledger) = (RollStore(), LedgerStore(threshold: .seconds(300)))
      let configured = ControllerSettings()
      let updater = RollUpdater(
        nodes: cluster.nodes.store, pods: cluster.pods.store, rolls: rolls, settings: configured.rolls, exemptions: cluster.exemptions,
        time: time, logger: logger)
      let targets = CurrentTargets(
        rolls: rolls, exporters: ExporterStatusStore(), endpoints: configured.endpoints, virtualAddress: { nil })
      let coverage = ScrapeCoverage(
        settings: settings, client: cluster.client, transport: transport, pods: cluster.pods.store,
        namespaces: cluster.exemptions.namespaces, rolls: rolls, ledger: ledger, targets: targets, time: time, logger: logger)
      for service in [cluster.nodes.run, cluster.pods.run, cluster.exemptions.run, updater.run] { group.addTask { await service() } }
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
    let isThere = Mutex(false)
    let exporters = try exporters(isThere)
    defer { for exporter in exporters { exporter.stop() } }
    let folders = [try TemporaryFolder(), try TemporaryFolder()]
    var shards: [Prometheus] = []
    defer { for shard in shards { shard.program.stop() } }
    for (number, address) in [first, second].enumerated() {
      shards.append(
        try await Prometheus(
          configuration: configuration(shard: number).prettyText, folder: folders[number], transport: transport, at: address))
    }
    try await judging(objects) { apiServer, judged in
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
      #expect(drop.detail.contains("dr.p") && drop.detail.contains("Rollcall's evaluation"), "\(drop.detail)")
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
      isThere.withLock { $0 = true }
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
      try apiServer.put(Self.podMonitor("orphan"))
      try await eventually("it is adopted", within: .seconds(60)) {
        if case .unknown = judged.verdict("orphan-0") { true } else { judged.verdict("orphan-0") == .waiting(for: .loaded) }
      }
      #expect(judged.gaps["orphan-0"] != nil, "it is not scraped yet")
    }
  }

  @Test(.enabled(if: VictoriaMetrics.isInstalled, "victoria-metrics is not installed"))
  func `R115: a VictoriaMetrics of the settings is asked, with targets that it discovers itself`() async throws {
    let isThere = Mutex(false)
    let exporters = try exporters(isThere)
    defer { for exporter in exporters { exporter.stop() } }
    let address = OwnAddress()
    let url = try #require(ScraperURL("http://\(address)"))
    try await judging(ScrapeCoverageSettings(urls: [url]), objects) { apiServer, judged in
      let pools = ["web", "missing"].flatMap { name -> [JSONValue] in
        PrometheusOperator.discovery(of: Self.podMonitor(name), for: [:], apiServer: apiServer.url).map { pool in
          var pool = pool
          pool["scrape_interval"] = "1s"
          pool["metrics_path"] = name == "missing" ? "/missing" : "/metrics"
          return pool
        }
      }
      let victoria = try await VictoriaMetrics(
        scrapeConfigurations: pools, folder: try TemporaryFolder(), transport: transport, at: address)
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
      let lines = controller.program.output.split(separator: "\n").filter { $0.contains("monitor") || $0.contains("prometheus") }
      #expect(lines.count { $0.contains("scrape coverage") } == 1)
      #expect(lines.allSatisfy { !$0.contains("watch not in sync") }, "\(lines)")
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
