import Foundation
import JSON
import KubeClient
import Logging

/// Adds what scrape coverage looks at to a simulated cluster that has its Pods, and writes what two shards of a Prometheus would say:
///
///     scraped-cluster KUBECONFIG FOLDER SERVICES MONITORS
///
/// Every ServiceMonitor selects the same number of Services, by label and in all namespaces; every Pod is an endpoint of one Service. The
/// folder gets for each shard `SHARD/scrape_pools` and `SHARD/POOL`, responses of `/api/v1/scrape_pools` and `/api/v1/targets`, with the
/// names of pools as they stand in a URL. hack/bench-scrape-coverage runs it.
@main struct ScrapedClusterFixture {
  private static let monitoring = "monitoring"
  private static let shards = 2

  private let client: KubeClient
  private let folder: String
  private let services: Int
  private let monitors: Int

  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let services = Int(arguments[3]), let monitors = Int(arguments[4]) else {
      print("usage: scraped-cluster KUBECONFIG FOLDER SERVICES MONITORS")
      exit(64)
    }
    var logger = Logger(label: "scraped-cluster")
    logger.logLevel = .warning
    let client = try KubeClient(configuration: .load(kubeconfig: arguments[1], environment: [:]), logger: logger)
    let fixture = Self(client: client, folder: arguments[2], services: services, monitors: monitors)
    let pods = await allPods(client, logger)
    try await fixture.write(pods)
    print("\(pods.count) Pods, \(services) Services, \(monitors) monitors")
  }

  /// In the order of the cluster.
  private static func allPods(_ client: KubeClient, _ logger: Logger) async -> [PodRecord] {
    let reflector = Reflector(client: client, resource: .pods, decoder: .pods(annotationPrefixes: []), policy: .standard, logger: logger)
    return await withTaskGroup { group in
      group.addTask { await reflector.run() }
      while reflector.statistics.lists < 1 { try? await Task.sleep(for: .milliseconds(20)) }
      group.cancelAll()
      return reflector.store.snapshot().sorted { $0.key < $1.key }
    }
  }

  // MARK: Services and monitors

  private func write(_ pods: [PodRecord]) async throws {
    for namespace in Set(pods.map(\.namespace)).union([Self.monitoring]) {
      _ = try? await client.create(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]])
    }
    // Pods of a namespace are neighbours, so that a Service has those of one namespace, but for the first of the next.
    let size = pods.count / services
    var targets = [[String]](repeating: [], count: monitors)
    for number in 0..<services {
      let first = pods[number * size]
      let endpoints = pods[number * size..<(number + 1) * size].filter { $0.namespace == first.namespace }
      let name = "service-\(number)"
      let monitor = number % monitors
      try await client.create(service(name, namespace: first.namespace, monitor: monitor))
      try await client.create(slice(name, namespace: first.namespace, endpoints))
      targets[monitor] += endpoints.map { target(pool(monitor), service: name, monitor: monitor, $0) }
    }
    for monitor in 0..<monitors { try await client.create(serviceMonitor(monitor), in: Self.resource("ServiceMonitor")) }
    try await client.create(prometheus, in: Self.resource("Prometheus"))

    for shard in 0..<Self.shards {
      let shardFolder = "\(folder)/\(shard)"
      try FileManager.default.createDirectory(atPath: shardFolder, withIntermediateDirectories: true)
      let pools = (0..<monitors).map { "\"\(pool($0))\"" }.joined(separator: ",")
      try write("{\"status\":\"success\",\"data\":{\"scrapePools\":[\(pools)]}}", to: "\(shardFolder)/scrape_pools")
      for monitor in 0..<monitors {
        // Each target is on one shard, as with hashmod.
        let part = targets[monitor].enumerated().filter { $0.offset % Self.shards == shard }.map(\.element).joined(separator: ",")
        let file = pool(monitor).replacing("/", with: "%2F")
        try write("{\"status\":\"success\",\"data\":{\"activeTargets\":[\(part)],\"droppedTargets\":[]}}", to: "\(shardFolder)/\(file)")
      }
    }
  }

  private func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

  private func pool(_ monitor: Int) -> String { "serviceMonitor/\(Self.monitoring)/monitor-\(monitor)/0" }

  private static func resource(_ kind: String) -> APIResource {
    let plural = kind == "Prometheus" ? "prometheuses" : "servicemonitors"
    return APIResource(group: "monitoring.coreos.com", version: "v1", plural: plural, kind: kind, namespaced: true)
  }

  private func service(_ name: String, namespace: String, monitor: Int) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Service",
      "metadata": [
        "namespace": .string(namespace), "name": .string(name),
        "labels": ["app.kubernetes.io/name": .string(name), "monitor": .string("m\(monitor)")],
      ],
      "spec": ["selector": ["example.com/service": .string(name)], "ports": [["name": "http", "port": 80, "targetPort": "http"]]],
    ]
  }

  private func slice(_ service: String, namespace: String, _ pods: [PodRecord]) -> JSONValue {
    [
      "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
      "metadata": [
        "namespace": .string(namespace), "name": .string("\(service)-abcde"), "labels": ["kubernetes.io/service-name": .string(service)],
      ],
      "ports": [["name": "http", "port": 8080, "protocol": "TCP"]],
      "endpoints": .array(
        pods.map { pod in
          [
            "addresses": .array(pod.podIPs.prefix(1).map { .string($0) }), "conditions": ["ready": true],
            "nodeName": pod.nodeName.map { .string($0) } ?? nil,
            "targetRef": [
              "kind": "Pod", "namespace": .string(pod.namespace), "name": .string(pod.name), "uid": .string(pod.uid),
            ],
          ]
        }),
    ]
  }

  private func serviceMonitor(_ number: Int) -> JSONValue {
    [
      "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
      "metadata": ["namespace": .string(Self.monitoring), "name": .string("monitor-\(number)"), "labels": ["release": "main"]],
      "spec": [
        "namespaceSelector": ["any": true], "selector": ["matchLabels": ["monitor": .string("m\(number)")]],
        "endpoints": [["port": "http"]],
      ],
    ]
  }

  private var prometheus: JSONValue {
    [
      "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
      "metadata": ["namespace": .string(Self.monitoring), "name": "main"],
      "spec": [
        "shards": .integer(Int64(Self.shards)), "serviceDiscoveryRole": "EndpointSlice",
        "serviceMonitorSelector": ["matchLabels": ["release": "main"]], "serviceMonitorNamespaceSelector": [:],
      ],
    ]
  }

  // MARK: Targets

  /// What all Pods and Services have, so that a target has about five kilobytes, as those of real clusters.
  private static let common = (0..<16).map { number in
    ["pod_label", "service_label"].map { object in
      "\"__meta_kubernetes_\(object)_app_kubernetes_io_part_\(number)\":\"value-\(number)\","
        + "\"__meta_kubernetes_\(object.replacing("label", with: "labelpresent"))_app_kubernetes_io_part_\(number)\":\"true\","
    }.joined()
  }.joined()

  private func target(_ pool: String, service: String, monitor: Int, _ pod: PodRecord) -> String {
    let address = "\(pod.podIPs.first ?? ""):8080"
    let url = "http://\(address)/metrics"
    func label(_ name: String, _ value: String) -> String { "\"\(name)\":\"\(value)\"" }
    func meta(_ name: String, _ value: String) -> String { label("__meta_kubernetes_\(name)", value) }
    let discovered = [
      label("__address__", address), label("__metrics_path__", "/metrics"), label("__scheme__", "http"), meta("namespace", pod.namespace),
      meta("pod_name", pod.name), meta("pod_uid", pod.uid), meta("pod_ip", pod.podIPs.first ?? ""), meta("pod_phase", "Running"),
      meta("pod_container_name", "app"), meta("pod_container_port_name", "http"), meta("pod_node_name", pod.nodeName ?? ""),
      meta("pod_ready", "true"), meta("endpointslice_port_name", "http"), meta("service_name", service),
      meta("service_label_monitor", "m\(monitor)"), label("job", pool),
    ].joined(separator: ",")
    let labels = [
      label("container", "app"), label("endpoint", "http"), label("instance", address), label("job", service),
      label("namespace", pod.namespace), label("pod", pod.name), label("service", service),
    ].joined(separator: ",")
    return "{\"discoveredLabels\":{\(Self.common)\(discovered)},\"labels\":{\(labels)},\(label("scrapePool", pool)),"
      + "\(label("scrapeUrl", url)),\(label("globalUrl", url)),\(label("lastError", "")),\(label("lastScrape", Self.scraped)),"
      + "\"lastScrapeDuration\":0.0011,\(label("health", "up")),\(label("scrapeInterval", "30s")),\(label("scrapeTimeout", "10s"))}"
  }

  /// Years ahead, so that a scrape is never too old.
  private static let scraped = "2036-01-01T00:00:00.589710808Z"
}
