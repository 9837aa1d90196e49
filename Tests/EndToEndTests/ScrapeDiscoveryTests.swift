import HTTPTransport
import JSON
import KubeClient
import Logging
import Simulator
import TestSupport
import Testing

@testable import Controller

/// What we expect of random clusters, and what VictoriaMetrics discovers in them, configured as the Prometheus Operator would.
@Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: VictoriaMetrics.isInstalled, "victoria-metrics is not installed"))
struct ScrapeDiscoveryTests {
  @Test func `R114: what is expected is what a scraper discovers`() async throws {
    var targets = 0
    for seed in 0..<12 as Range<UInt64> { targets += try await compare(seed: seed) }
    #expect(targets > 200, "the clusters test something")
  }

  /// - Returns: the number of targets.
  private func compare(seed: UInt64) async throws -> Int {
    let apiServer = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: 0, acceptsLoopbackEndpoints: true),
      logger: Logger(label: "api-server") { _ in SwiftLogNoOpLogHandler() })
    let cluster = MonitoredCluster(seed: seed, network: OwnAddress().network)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await apiServer.run() }
      try await apiServer.waitUntilListening()
      for object in cluster.objects { try apiServer.put(object) }

      let folder = try TemporaryFolder()
      let transport = try HTTPTransport()
      let configurations = cluster.adopted.flatMap {
        PrometheusOperator.discovery(of: $0, for: cluster.prometheus, apiServer: apiServer.url)
      }
      let victoria = try await VictoriaMetrics(scrapeConfigurations: configurations, folder: folder, transport: transport)
      defer { victoria.program.stop() }

      let expected = try await Self.expected(of: apiServer, folder)
      var discovered: Set<String> = []
      do {
        try await eventually("both are the same", within: .seconds(20)) {
          discovered = try await Self.discovered(by: victoria)
          return discovered == expected
        }
      } catch is NeverHappened {
        Issue.record(
          "only discovered: \(discovered.subtracting(expected).sorted()), only expected: \(expected.subtracting(discovered).sorted())")
      }
      group.cancelAll()
      return expected.count
    }
  }

  /// Scrape pool, Pod and address of each target that the Prometheus object is expected to have.
  private static func expected(of apiServer: SimulatedAPIServer, _ folder: TemporaryFolder) async throws -> Set<String> {
    let logger = Logger(label: "client") { _ in SwiftLogNoOpLogHandler() }
    let kubeconfig = try folder.write(apiServer.kubeconfig(), to: "kubeconfig")
    let configuration = try ClusterConfiguration.load(kubeconfig: kubeconfig, context: nil, environment: [:])
    let client = try KubeClient(configuration: configuration, logger: logger)
    let watches = MonitorWatches(client: client, logger: logger)
    let namespaces = ExemptionWatches(client: client, agentNamespace: "rollcall", logger: logger).namespaces
    let pods = Reflector(client: client, resource: .pods, decoder: .pods(keepsScrapeFacts: true), logger: logger)
    let updater = ExpectationUpdater(watches: watches, namespaces: namespaces, time: SystemTime())
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await watches.runDefinitions() }
      group.addTask { await watches.runDiscovery() }
      group.addTask { await namespaces.run() }
      group.addTask { await pods.run() }
      try await eventually("everything is listed") {
        watches.status.allSatisfy { $0.state == .ready } && pods.store.isSynced && namespaces.store.isSynced
      }
      group.addTask { await updater.run() }
      var found: Set<String> = []
      try await eventually("the last list is entered") {
        let before = found
        found = []
        for pod in pods.store.snapshot() {
          for expectation in updater.expectations(of: pod) {
            guard case .target(let target, .adopted) = expectation.outcome, let pool = expectation.request.scrapePool else { continue }
            found.insert("\(pool) \(pod.name) \(target.hostAndPort)")
          }
        }
        return found == before && updater.isComplete
      }
      group.cancelAll()
      return found
    }
  }

  private static func discovered(by victoria: VictoriaMetrics) async throws -> Set<String> {
    let response = try await victoria.transport.send(
      HTTPRequest(url: "\(victoria.url)/api/v1/targets?state=active", deadline: .seconds(10)))
    let targets = try JSONValue(parsing: response.body)["data"]?["activeTargets"]?.array ?? []
    return Set(
      targets.map { target in
        let labels = target["discoveredLabels"]
        return [target["scrapePool"], labels?["__meta_kubernetes_pod_name"], labels?["__address__"]].map { $0?.string ?? "" }
          .joined(separator: " ")
      })
  }
}
