import Foundation
import HTTPTransport
import JSON
import Primitives
import Relabeling
import Roll
import TestSupport
import Testing

@testable import Controller

/// Finds broken links from the responses of real scrapers. Each scrape pool breaks at a different link.
@Suite(.timeLimit(.minutes(5)), .enabled(if: findProgram("prometheus") != nil, "prometheus is not installed"))
struct ScraperTests {
  private static let names = [
    "ok", "refused", "missing", "html", "slow", "secret", "many", "large", "tls", "dropped", "impossible",
  ]

  private let transport: HTTPTransport
  private let address = OwnAddress()

  init() throws {
    transport = try HTTPTransport()
  }

  /// One path for each way a scrape fails.
  private func exporter(until gate: Gate) throws -> ScriptedServer {
    try ScriptedServer(on: .tcp(host: address.host, port: address.port)) { connection in
      let type = [("Content-Type", "text/plain; version=0.0.4")]
      while let request = try connection.readRequest() {
        switch request.target {
        case "/metrics": try connection.respond(status: 200, headers: type, body: "one 1\n")
        case "/html": try connection.respond(status: 200, headers: [("Content-Type", "text/html")], body: "<html></html>\n")
        case "/slow": try connection.stall(until: gate)
        case "/secret": try connection.respond(status: 401, body: "")
        case "/many": try connection.respond(status: 200, headers: type, body: "one 1\ntwo 2\nthree 3\n")
        case "/large": try connection.respond(status: 200, headers: type, body: "# \(String(repeating: "x", count: 100_000))\n")
        default: try connection.respond(status: 404, body: "")
        }
      }
    }
  }

  /// A server that answers a TLS handshake in plain HTTP.
  private func plainServer() throws -> ScriptedServer {
    try ScriptedServer(on: .tcp(host: host(of: "tls"), port: address.port)) { connection in
      if try connection.receive() != nil { try connection.respond(status: 400, body: "") }
    }
  }

  /// Nothing listens for `refused`.
  private func host(of name: String) -> String {
    switch name {
    case "refused": "\(address.network).2"
    case "tls": "\(address.network).3"
    default: address.host
    }
  }

  // MARK: Expectations

  private func expectation(_ name: String, number: Int, host: String, port: Int) -> ScrapeExpectation {
    let adoption = Adoption.adopted([Adopter(prometheus: PrometheusID(.server, namespace: "monitoring", name: "main"), role: .pod)])
    return ScrapeExpectation(
      pod: PodIdentity(namespace: "shop", name: name, uid: Self.uid(number)), container: "main",
      request: .monitor(MonitorID(.podMonitor, namespace: "shop", name: name), endpoint: 0, service: nil),
      outcome: .target(ExpectedTarget(address: PodIP(host), port: UInt16(port)), adoption))
  }

  private static func uid(_ number: Int) -> String { "5b6f1f0a-0000-4000-8000-" + String(repeating: "0", count: 10) + "\(number + 10)" }

  /// As service discovery of Pods labels a target.
  private static func labels(_ name: String, number: Int) -> JSONValue {
    [
      "__meta_kubernetes_namespace": "shop", "__meta_kubernetes_pod_name": .string(name), "__meta_kubernetes_pod_uid": .string(uid(number)),
      "__meta_kubernetes_pod_container_name": "main", "__meta_kubernetes_pod_phase": "Running",
    ]
  }

  /// The operator's rules of a PodMonitor, shortened.
  private static let operatorRules: [JSONValue] = [
    ["source_labels": ["job"], "target_label": "__tmp_prometheus_job_name"],
    ["source_labels": ["__meta_kubernetes_pod_phase"], "regex": "(Failed|Succeeded)", "action": "drop"],
    ["source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"],
    ["source_labels": ["__meta_kubernetes_pod_container_name"], "target_label": "container"],
    ["source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"],
    ["target_label": "job", "replacement": "shop/web"],
  ]

  private func pool(_ name: String, number: Int) -> JSONValue {
    var rules = Self.operatorRules
    var labels = Self.labels(name, number: number)
    if name == "dropped" { rules.append(["source_labels": ["pod"], "regex": "drop.*", "action": "drop"]) }
    if name == "impossible" { labels["__scrape_interval__"] = "5ms" }
    var pool: JSONValue = [
      "job_name": .string("podMonitor/shop/\(name)/0"), "relabel_configs": .array(rules),
      "static_configs": [["targets": [.string("\(host(of: name)):\(address.port)")], "labels": labels]],
      "metrics_path": .string(name == "ok" || name == "dropped" ? "/metrics" : "/\(name)"),
    ]
    if name == "many" { pool["sample_limit"] = 1 }
    if name == "large" { pool["body_size_limit"] = "1KB" }
    if name == "tls" { pool["scheme"] = "https" }
    return pool
  }

  // MARK: Observation

  /// What the chain needs of one scraper for one expectation.
  private func observe(_ client: ScraperClient, _ expectation: ScrapeExpectation, labels: JSONValue = [:]) async throws -> PoolObservation {
    let pool = expectation.request.scrapePool ?? ""
    let pools = try await client.scrapePools()
    let targets = expectation.targets(in: try await client.activeTargets(pool: pools == nil ? nil : pool))
    var observation = PoolObservation(isLoaded: pools?.contains(pool), targets: targets)
    if targets.isEmpty, observation.isLoaded == true {
      var given = (labels.object ?? [:]).reduce(into: [:]) { $0[$1.key] = $1.value.string }
      given["__address__"] = "\(address)"
      observation.verdict = try await client.verdict(pool: pool, labels: given)
    }
    return observation
  }

  private func verdict(_ scrapers: [ScraperObservation], _ expectation: ScrapeExpectation) -> ScrapeChain.Verdict {
    let candidate = PrometheusObservation(name: "main", scrapers: scrapers)
    return ScrapeChain.verdict(on: expectation, ScrapeObservation(candidates: [candidate], age: .seconds(3600)))
  }

  /// The reason of a broken link; `nil` for a container that is scraped.
  private static func has(_ reason: Reason?, _ verdict: ScrapeChain.Verdict?) -> Bool {
    switch verdict {
    case .scraped: reason == nil
    // Before the first scrape.
    case .broken(.staleScrape(age: nil, _, _)): false
    case .broken(let cause): cause.reason == reason
    case .waiting, .unknown, nil: false
    }
  }

  // MARK: Tests

  @Test func `R117: each broken link of a real Prometheus is found, with its reason`() async throws {
    let gate = Gate()
    let exporter = try exporter(until: gate)
    let plain = try plainServer()
    defer {
      gate.open()
      exporter.stop()
      plain.stop()
    }
    let configuration: JSONValue = [
      "global": ["scrape_interval": "1s", "scrape_timeout": "500ms"],
      "scrape_configs": .array(Self.names.enumerated().map { pool($1, number: $0) }),
    ]
    let folder = try TemporaryFolder()
    let prometheus = try await Prometheus(configuration: configuration.prettyText, folder: folder, transport: transport)
    defer { prometheus.program.stop() }
    let client = ScraperClient(url: prometheus.url, transport: transport)
    var verdicts: [String: ScrapeChain.Verdict] = [:]
    let reasons: [String: Reason] = ["dropped": .dropped, "impossible": .notDiscovered, "absent": .notLoaded]
    for (number, name) in (Self.names + ["absent"]).enumerated() {
      let expectation = expectation(name, number: number, host: host(of: name), port: address.port)
      let reason = name == "ok" ? nil : reasons[name] ?? .scrapeFailing
      try await eventually("\(name): \(reason?.rawValue ?? "scraped")") {
        let pool = try await observe(client, expectation, labels: Self.labels(name, number: number))
        verdicts[name] = verdict([ScraperObservation(name: "main-0", answer: .pool(pool))], expectation)
        return Self.has(reason, verdicts[name])
      }
    }
    let failures: [String: ScrapeFailureKind] = [
      "refused": .refused, "missing": .notFound, "html": .badExposition, "slow": .timeout, "secret": .unauthorized, "many": .tooManySamples,
      "large": .tooLarge, "tls": .tls,
    ]
    for (name, kind) in failures {
      guard case .broken(.scrapeFailing(let failure, _)) = verdicts[name] else {
        Issue.record("\(name): \(String(describing: verdicts[name]))")
        continue
      }
      #expect(failure.kind == kind, "\(name): \(failure.message)")
    }
    let rule = RelabelRule(.drop, sourceLabels: ["pod"], regex: "drop.*")
    #expect(verdicts["dropped"] == .broken(.dropped(DroppingRule(index: 6, rule: rule, judge: .rollcall), by: "main")))
    #expect(verdicts["impossible"] == .broken(.notDiscovered(MissingTarget(.keptWithoutTarget), by: "main")))
    #expect(verdicts["absent"] == .broken(.notLoaded(by: "main", pool: "podMonitor/shop/absent/0", configurationAge: nil)))
  }

  @Test func `R117: of two shards each has its part, and together they have all`() async throws {
    // Enough that both have some, whatever this test's addresses are.
    let count = 24
    let folders = [try TemporaryFolder(), try TemporaryFolder()]
    var shards: [Prometheus] = []
    defer { for shard in shards { shard.program.stop() } }
    for (shard, folder) in folders.enumerated() {
      let targets = (0..<count).map { number -> JSONValue in
        ["targets": [.string("\(address.network).\(number + 1):\(address.port)")], "labels": Self.labels("web-\(number)", number: number)]
      }
      let file = try folder.write(JSONValue.array(targets).prettyText, to: "targets.json")
      // The operator's rules for shards, with the number that the configuration reloader puts in.
      let sharding: [JSONValue] = [
        ["source_labels": ["__address__", "__tmp_hash"], "target_label": "__tmp_hash", "regex": "(.+);"],
        ["source_labels": ["__tmp_hash"], "target_label": "__tmp_hash", "modulus": 2, "action": "hashmod"],
        ["source_labels": ["__tmp_hash", "__tmp_disable_sharding"], "regex": .string("\(shard);|.+;.+"), "action": "keep"],
      ]
      let configuration: JSONValue = [
        "global": ["scrape_interval": "1s", "scrape_timeout": "500ms"],
        "scrape_configs": [
          [
            "job_name": "podMonitor/shop/web/0", "relabel_configs": .array(Self.operatorRules + sharding),
            "file_sd_configs": [["files": [.string(file)]]],
          ]
        ],
      ]
      shards.append(try await Prometheus(configuration: configuration.prettyText, folder: folder, transport: transport))
    }
    let monitor = MonitorID(.podMonitor, namespace: "shop", name: "web")
    var having = [0, 0]
    for number in 0..<count {
      var expectation = expectation("web-\(number)", number: number, host: "\(address.network).\(number + 1)", port: address.port)
      expectation.request = .monitor(monitor, endpoint: 0, service: nil)
      var labels = Self.labels("web-\(number)", number: number)
      labels["__address__"] = .string("\(address.network).\(number + 1):\(address.port)")
      var observations: [ScraperObservation] = []
      var together: ScrapeChain.Verdict = .waiting(for: .active)
      try await eventually("web-\(number) was scraped by one of them") {
        observations = []
        for (shard, prometheus) in shards.enumerated() {
          let client = ScraperClient(url: prometheus.url, transport: transport)
          let pool = try await observe(client, expectation, labels: labels)
          observations.append(ScraperObservation(name: "main-\(shard)", shard: shard, answer: .pool(pool)))
        }
        together = verdict(observations, expectation)
        // The other one may not have loaded its configuration yet.
        let areLoaded = observations.allSatisfy { if case .pool(let pool) = $0.answer { pool.isLoaded == true } else { false } }
        return areLoaded && Self.has(.scrapeFailing, together)
      }
      // Nothing listens there.
      guard case .broken(.scrapeFailing(let failure, by: let name)) = together else {
        Issue.record("web-\(number): \(together)")
        continue
      }
      #expect(failure.kind == .refused)
      let shard = try #require(observations.firstIndex { $0.name == name })
      having[shard] += 1
      // The other shard alone says nothing.
      var half = observations
      half[shard].answer = .unreachable(ScraperError(.unreachable, url: "", ""))
      #expect(verdict(half, expectation) == .unknown(.shardsNotReached("main", [shard])))
    }
    #expect(having.allSatisfy { $0 > 0 } && having.reduce(0, +) == count)
  }

  @Test(.enabled(if: VictoriaMetrics.isInstalled, "victoria-metrics is not installed"), arguments: [false, true])
  func `R116: a vmagent is asked for all its targets, with or without discovered labels`(dropsOriginalLabels: Bool) async throws {
    let gate = Gate()
    let exporter = try exporter(until: gate)
    defer {
      gate.open()
      exporter.stop()
    }
    let names = ["ok", "missing", "dropped"]
    let folder = try TemporaryFolder()
    let victoria = try await VictoriaMetrics(
      scrapeConfigurations: names.enumerated().map { number, name in
        var configuration = pool(name, number: number)
        configuration["scrape_interval"] = "1s"
        return configuration
      }, folder: folder, transport: transport, arguments: dropsOriginalLabels ? ["-promscrape.dropOriginalLabels"] : [])
    defer { victoria.program.stop() }
    let client = ScraperClient(url: victoria.url, transport: transport)
    #expect(try await client.scrapePools() == nil)
    #expect(try await client.droppedCounts() == nil)
    var verdicts: [String: ScrapeChain.Verdict] = [:]
    for (number, name) in names.enumerated() {
      let expectation = expectation(name, number: number, host: address.host, port: address.port)
      let reason: Reason? = ["ok": nil, "missing": .scrapeFailing, "dropped": .notDiscovered][name] ?? nil
      try await eventually("\(name): \(reason?.rawValue ?? "scraped")") {
        let pool = try await observe(client, expectation)
        verdicts[name] = verdict([ScraperObservation(name: "vmagent", answer: .pool(pool))], expectation)
        return Self.has(reason, verdicts[name])
      }
    }
    guard case .broken(.scrapeFailing(let failure, _)) = verdicts["missing"] else {
      Issue.record("missing: \(String(describing: verdicts["missing"]))")
      return
    }
    #expect(failure.kind == .notFound)
    #expect(verdicts["dropped"] == .broken(.notDiscovered(MissingTarget(.untold), by: "main")))
  }
}
