internal import KubeClient
internal import Primitives

/// A process that scrapes, and where its API is.
package struct Scraper: Hashable, Sendable {
  package enum Place: Hashable, Sendable {
    case url(String)
    /// It cannot be asked.
    case nowhere(reason: String)
  }

  /// `namespace/name` of its Pod, or the URL of the settings without user and password.
  package var name: String
  /// `nil` for one of the settings.
  package var prometheus: PrometheusID?
  package var shard: Int
  package var place: Place
}

/// Finds the scrapers of Prometheus and PrometheusAgent objects. Pure.
struct ScraperDiscovery {
  /// The port of every Prometheus that the operator runs.
  private static let port: UInt16 = 9090

  let prometheuses: [PrometheusRecord]
  let pods: StoreSnapshot<PodRecord>

  /// One for each replica of each shard, in the order of the objects, and whether or not it runs.
  var scrapers: [Scraper] {
    let onNodes = podsOnNodes()
    return prometheuses.sorted { $0.id < $1.id }.flatMap { prometheus -> [Scraper] in
      let processes = prometheus.processes
      if processes.isOnEachNode {
        return (onNodes[ObjectKey(namespace: prometheus.id.namespace, name: prometheus.id.workload)] ?? []).sorted { $0.name < $1.name }
          .map { scraper(named: $0.name, pod: $0, shard: 0, of: prometheus) }
      }
      return (0..<processes.shards).flatMap { shard in
        (0..<processes.replicas).map { replica in
          let name = "\(prometheus.id.workload)\(shard > 0 ? "-shard-\(shard)" : "")-\(replica)"
          let pod = pods[ObjectKey(namespace: prometheus.id.namespace, name: name)]
          return scraper(named: name, pod: pod, shard: shard, of: prometheus)
        }
      }
    }
  }

  private func scraper(named name: String, pod: PodRecord?, shard: Int, of prometheus: PrometheusRecord) -> Scraper {
    Scraper(
      name: "\(prometheus.id.namespace)/\(name)", prometheus: prometheus.id, shard: shard, place: place(named: name, pod, of: prometheus))
  }

  private func place(named name: String, _ pod: PodRecord?, of prometheus: PrometheusRecord) -> Scraper.Place {
    let processes = prometheus.processes
    guard !processes.listensLocally else {
      return .nowhere(reason: "it listens on its loopback address only (listenLocal): name the proxy before it with --scraper-url")
    }
    guard let pod else { return .nowhere(reason: "its pod does not exist") }
    guard let address = pod.address else { return .nowhere(reason: "its pod has no address yet") }
    // The operator's certificates have names, not addresses.
    let authority =
      processes.usesTLS && !processes.isOnEachNode
      ? "\(name).\(processes.governingService).\(prometheus.id.namespace).svc:\(Self.port)"
      : ExpectedTarget(address: address, port: Self.port).hostAndPort
    return .url("\(processes.usesTLS ? "https" : "http")://\(authority)\(processes.routePrefix)")
  }

  /// The Pods of DaemonSets of agents, which have no predictable names, by DaemonSet.
  private func podsOnNodes() -> [ObjectKey: [PodRecord]] {
    let wanted = Set(
      prometheuses.lazy.filter(\.processes.isOnEachNode).map { ObjectKey(namespace: $0.id.namespace, name: $0.id.workload) })
    guard !wanted.isEmpty else { return [:] }
    var found: [ObjectKey: [PodRecord]] = [:]
    for pod in pods {
      guard let workload = pod.workload, workload.kind == "DaemonSet" else { continue }
      let key = ObjectKey(namespace: pod.namespace, name: workload.name)
      if wanted.contains(key) { found[key, default: []].append(pod) }
    }
    return found
  }
}

extension PrometheusID {
  /// The name of its StatefulSets, of the first shard, or of its DaemonSet.
  fileprivate var workload: String { "\(kind == .server ? "prometheus" : "prom-agent")-\(name)" }
}

extension Scraper {
  /// Without user and password; `nil` if it cannot be asked.
  package var url: String? {
    switch place {
    case .url(let url): withoutUserInformation(url)
    case .nowhere: nil
    }
  }
}
