internal import FoundationEssentials
internal import Hummingbird
internal import JSON
internal import Logging
internal import Simulator

/// The API of a Prometheus that scrapes the workloads of the demo, as the controller asks it: what it reports is made up, and the same
/// forever.
struct StandInScraper: Sendable {
  let cluster: DemoCluster

  private static let port = 9090
  private static let interval = "15s"

  /// Serves until the task is cancelled.
  func run() async throws {
    guard let pod = cluster.pods.first(where: { $0.namespace == DemoWorkload.monitoringNamespace }) else { return }
    let router = Router()
    router.get("api/v1/scrape_pools") { _, _ in
      Self.answer(["scrapePools": .array(DemoWorkload.allCases.compactMap(\.scrapePool).map { .string($0) })])
    }
    router.get("api/v1/targets") { request, _ in
      let parameters = request.uri.queryParameters
      let pool = parameters["scrapePool"].map(String.init)
      let targets = parameters["state"] == "dropped" ? [] : targets(ofPool: pool)
      let counts: [(String, JSONValue)] = DemoWorkload.allCases.compactMap { workload in
        workload.scrapePool.map { ($0, workload == .sessions ? 1 : 0) }
      }
      return Self.answer([
        "activeTargets": .array(targets), "droppedTargets": [], "droppedTargetCounts": .object(JSONObject(counts)),
      ])
    }
    let started = Self.time(ago: 0)
    router.get("api/v1/status/runtimeinfo") { _, _ in Self.answer(["startTime": started, "lastConfigTime": started]) }
    router.get("api/v1/status/buildinfo") { _, _ in Self.answer(["version": "3.5.0", "goVersion": "go1.24"]) }
    // Whatever the query is: the targets of which metric relabelling drops every sample.
    router.get("api/v1/query") { _, _ in Self.answer(["resultType": "vector", "result": .array(emptyScrapes)]) }
    router.get("api/v1/status/config") { _, _ in Self.answer(["yaml": .string(Self.configuration)]) }
    try await Application(
      router: router, configuration: .init(address: .hostname(pod.address, port: Self.port)), logger: .quiet("stand-in")
    ).runEndingInOrder()
  }

  private static func answer(_ data: JSONValue) -> Response {
    let body: JSONValue = ["status": "success", "data": data]
    return Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: .init(bytes: body.bytes)))
  }

  private static func time(ago seconds: Double) -> JSONValue { .string(Date(timeIntervalSinceNow: -seconds).formatted(.iso8601)) }

  // MARK: Targets

  /// - Parameter pool: `nil` for all.
  private func targets(ofPool pool: String?) -> [JSONValue] {
    DemoWorkload.allCases.compactMap { workload in
      guard let name = workload.scrapePool, pool == nil || pool == name,
        let pod = cluster.pods.first(where: { $0.name == workload.podName }), let container = pod.containers.first,
        let port = container.port
      else { return nil }
      let address = "\(pod.address):\(port.number)"
      let health: (state: JSONValue, error: String, age: Double)
      switch workload {
      case .checkout, .billing: health = ("up", "", 5)
      case .images: health = ("down", "Get \"http://\(address)/metrics\": dial tcp \(address): connect: connection refused", 5)
      case .mail: health = ("up", "", 1200)
      // Dropped, or rejected while the labels become a target.
      default: return nil
      }
      return [
        "discoveredLabels": [
          "__address__": .string(address), "__meta_kubernetes_namespace": .string(pod.namespace),
          "__meta_kubernetes_pod_name": .string(pod.name), "__meta_kubernetes_pod_uid": .string(pod.uid),
          "__meta_kubernetes_pod_container_name": .string(container.name),
        ],
        "labels": ["namespace": .string(pod.namespace), "pod": .string(pod.name), "container": .string(container.name)],
        "scrapePool": .string(name), "scrapeUrl": .string("http://\(address)/metrics"), "lastError": .string(health.error),
        "lastScrape": Self.time(ago: health.age), "lastScrapeDuration": 0.01, "health": health.state,
        "scrapeInterval": .string(Self.interval), "scrapeTimeout": "10s",
      ]
    }
  }

  private var emptyScrapes: [JSONValue] {
    cluster.pods.filter { $0.name == DemoWorkload.billing.podName }.compactMap { pod in
      pod.containers.first?.port.map { port in
        [
          "metric": [
            "namespace": .string(pod.namespace), "pod": .string(pod.name), "instance": .string("\(pod.address):\(port.number)"),
          ], "value": [0, "0"],
        ]
      }
    }
  }

  /// What the operator would have made of the monitors.
  private static var configuration: String {
    let pools = DemoWorkload.allCases.compactMap { workload -> String? in
      guard let pool = workload.scrapePool else { return nil }
      let rule =
        workload == .sessions
        ? "{source_labels: [__meta_kubernetes_pod_label_app], regex: sess.*, action: drop}"
        : "{source_labels: [__meta_kubernetes_pod_label_app], regex: \(workload), action: keep}"
      return "- job_name: \(pool)\n  relabel_configs:\n  - \(rule)\n"
    }
    return "global:\n  scrape_interval: \(interval)\nscrape_configs:\n" + pools.joined()
  }
}
