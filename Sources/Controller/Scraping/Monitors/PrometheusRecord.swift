package import JSON
package import KubeClient

/// A Prometheus or PrometheusAgent object, reduced to what decides which monitors it adopts, how it looks for their Pods, and where its processes
/// are.
package struct PrometheusRecord: Record, Hashable {
  /// The selectors for monitors of one kind.
  package struct Selection: Hashable, Sendable {
    /// `nil` selects none.
    package var monitors: ObjectSelector?
    /// `nil` selects the namespace of the Prometheus object.
    package var namespaces: ObjectSelector?
  }

  package let id: PrometheusID
  package let resourceVersion: String
  private let serviceMonitors: Selection
  private let podMonitors: Selection
  private let probes: Selection
  private let scrapeConfigs: Selection
  /// Whether monitors look in their own namespace only, whatever they say.
  package let ignoresNamespaceSelectors: Bool
  /// For monitors that do not say.
  package let role: DiscoveryRole
  package let processes: PrometheusProcesses
  package let obstacle: ReconcileObstacle?

  package var key: ObjectKey { ObjectKey(namespace: id.namespace, name: id.name) }
  package var hasName: Bool { !id.name.isEmpty }

  package init(_ kind: PrometheusID.Kind, _ object: JSONValue) {
    let (metadata, spec) = (object["metadata"], object["spec"])
    id = PrometheusID(kind, namespace: metadata?["namespace"]?.string ?? "", name: metadata?["name"]?.string ?? "")
    resourceVersion = metadata?["resourceVersion"]?.string ?? ""
    func selection(_ prefix: String) -> Selection {
      Selection(
        monitors: ObjectSelector(spec?["\(prefix)Selector"]), namespaces: ObjectSelector(spec?["\(prefix)NamespaceSelector"]))
    }
    serviceMonitors = selection("serviceMonitor")
    podMonitors = selection("podMonitor")
    probes = selection("probe")
    scrapeConfigs = selection("scrapeConfig")
    ignoresNamespaceSelectors = spec?["ignoreNamespaceSelectors"]?.bool == true
    role = spec?["serviceDiscoveryRole"]?.string.flatMap(DiscoveryRole.init(ofServices:)) ?? .endpoints
    processes = PrometheusProcesses(kind, spec)
    obstacle = ReconcileObstacle(object)
  }

  /// `nil` for the kinds of another operator.
  package func selection(of kind: MonitorID.Kind) -> Selection? {
    switch kind {
    case .serviceMonitor: serviceMonitors
    case .podMonitor: podMonitors
    case .probe: probes
    case .scrapeConfig: scrapeConfigs
    case .vmServiceScrape, .vmPodScrape: nil
    }
  }

  /// Whether the operator leaves its configuration to the user: it has no selector for monitors. Selectors of namespaces do not count.
  package var isUnmanaged: Bool {
    [serviceMonitors, podMonitors, probes, scrapeConfigs].allSatisfy { $0.monitors == nil }
  }
}

/// Why the operator does not bring a Prometheus up to date with its monitors, as far as the Prometheus object says.
package enum ReconcileObstacle: Hashable, Sendable {
  case paused
  /// - Parameter message: the operator's words.
  case failed(message: String)

  init?(_ object: JSONValue) {
    let reconciled = object["status"]?["conditions"]?.array?.first { $0["type"]?.string == "Reconciled" }
    if object["spec"]?["paused"]?.bool == true {
      self = .paused
    } else if reconciled?["status"]?.string == "False" {
      self = .failed(message: reconciled?["message"]?.string ?? "")
    } else {
      return nil
    }
  }
}

/// How the operator runs the processes of a Prometheus or PrometheusAgent object.
///
/// Source: pkg/prometheus, pkg/prometheus/server and pkg/prometheus/agent of the Prometheus Operator.
package struct PrometheusProcesses: Hashable, Sendable {
  /// Of each shard.
  package let replicas: Int
  package let shards: Int
  /// One process on each node, of a PrometheusAgent with `mode: DaemonSet`.
  package let isOnEachNode: Bool
  /// Whether they listen on the loopback address of their Pods only.
  package let listensLocally: Bool
  package let usesTLS: Bool
  /// Without a slash at the end.
  package let routePrefix: String
  /// The Service that gives the Pods of a StatefulSet their names.
  package let governingService: String
  /// The service account whose permissions service discovery has.
  package let serviceAccount: String

  init(_ kind: PrometheusID.Kind, _ spec: JSONValue?) {
    func number(_ key: String) -> Int { spec?[key]?.integer.map { Int(clamping: max($0, 0)) } ?? 1 }
    replicas = number("replicas")
    shards = max(number("shards"), 1)
    isOnEachNode = kind == .agent && spec?["mode"]?.string == "DaemonSet"
    listensLocally = spec?["listenLocal"]?.bool == true
    usesTLS = spec?["web"]?["tlsConfig"]?.object != nil
    var prefix = (spec?["routePrefix"]?.string ?? "")[...]
    while prefix.last == "/" { prefix.removeLast() }
    routePrefix = prefix.isEmpty || prefix.first == "/" ? String(prefix) : "/\(prefix)"
    func text(_ key: String, or absent: String) -> String { spec?[key]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? absent }
    governingService = text("serviceName", or: kind == .server ? "prometheus-operated" : "prometheus-agent-operated")
    serviceAccount = text("serviceAccountName", or: "default")
  }
}
