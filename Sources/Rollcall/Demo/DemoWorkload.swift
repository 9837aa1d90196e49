internal import JSON
internal import Roll

/// The workloads of the demo that serve metrics: one is scraped, and for each of the others another link on the way to Prometheus is broken.
enum DemoWorkload: String, CaseIterable {
  case checkout, orders, payments, search, invoices, ledger, sessions, ratings, images, mail, billing, wiki

  static let namespace = "shop"
  static let monitoringNamespace = "monitoring"

  /// Why it is not scraped; `nil` for the one that is.
  var reason: Reason? {
    switch self {
    case .checkout: nil
    case .orders: .monitorNotAdopted
    case .payments: .portNotFound
    case .search: .noEndpoint
    case .invoices: .rejected
    case .ledger: .notLoaded
    case .sessions: .dropped
    case .ratings: .notDiscovered
    case .images: .scrapeFailing
    case .mail: .staleScrape
    case .billing: .noSamples
    case .wiki: .noMonitor
    }
  }

  var podName: String { "\(rawValue)-0" }

  /// The scrape pool that the operator makes of its monitor; `nil` if Prometheus does not have it.
  var scrapePool: String? {
    switch self {
    case .checkout, .sessions, .ratings, .images, .mail, .billing: "podMonitor/\(Self.namespace)/\(self)/0"
    case .orders, .payments, .search, .invoices, .ledger, .wiki: nil
    }
  }

  // MARK: Pods

  func pod(on node: DemoCluster.Node, number: Int, container: DemoCluster.Container) -> DemoCluster.Pod {
    var container = container
    container.listening = 1
    // A port for each, because without network namespaces they share an address.
    container.port = ("metrics", 9100 + number)
    return DemoCluster.Pod(
      namespace: Self.namespace, name: podName, node: node, address: "10.20.2.\(20 + number)", uid: DemoCluster.uid(20 + number),
      labels: ["app": rawValue], workload: rawValue, containers: [container])
  }

  /// The Pod whose API `StandInScraper` serves.
  static func prometheus(
    on node: DemoCluster.Node, network: String, uid: String, container: DemoCluster.Container
  ) -> DemoCluster.Pod {
    DemoCluster.Pod(
      namespace: monitoringNamespace, name: "prometheus-main-0", node: node, address: "\(network).41", uid: uid,
      labels: ["app.kubernetes.io/name": "prometheus", "prometheus": "main"], workload: "prometheus-main", containers: [container])
  }

  // MARK: Monitors

  /// The monitor, if there is one, and what belongs to it.
  var objects: [JSONValue] {
    func metadata(_ labels: JSONValue = ["release": "prod"]) -> JSONValue {
      ["namespace": .string(Self.namespace), "name": .string(rawValue), "labels": labels]
    }
    func monitor(_ metadata: JSONValue, port: JSONValue = "metrics", relabelings: JSONValue = []) -> JSONValue {
      [
        "apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": metadata,
        "spec": [
          "selector": ["matchLabels": ["app": .string(rawValue)]],
          "podMetricsEndpoints": [["port": port, "metricRelabelings": relabelings]],
        ],
      ]
    }
    switch self {
    case .checkout, .ledger, .sessions, .ratings, .images, .mail: return [monitor(metadata())]
    case .billing: return [monitor(metadata(), relabelings: [["action": "keep", "regex": "bill_.*", "sourceLabels": ["__name__"]]])]
    case .orders: return [monitor(metadata(["team": "orders"]))]
    case .payments: return [monitor(metadata(), port: "http-metrics")]
    case .search:
      // The Service selects the Pod, and nobody has made EndpointSlices for it.
      let service: JSONValue = [
        "apiVersion": "v1", "kind": "Service",
        "metadata": ["namespace": .string(Self.namespace), "name": .string(rawValue), "labels": ["app": .string(rawValue)]],
        "spec": ["selector": ["app": .string(rawValue)], "ports": [["name": "metrics", "port": 80, "targetPort": "metrics"]]],
      ]
      let monitor: JSONValue = [
        "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": metadata(),
        "spec": ["selector": ["matchLabels": ["app": .string(rawValue)]], "endpoints": [["port": "metrics"]]],
      ]
      return [service, monitor]
    case .invoices: return [monitor(metadata()), rejection]
    case .wiki: return []
    }
  }

  /// The Event of an operator that refuses the monitor.
  private var rejection: JSONValue {
    [
      "apiVersion": "events.k8s.io/v1", "kind": "Event", "type": "Warning", "reason": "InvalidConfiguration",
      "action": "SelectingPodMonitor",
      "metadata": ["namespace": .string(Self.namespace), "name": "\(rawValue).refused"], "eventTime": "2026-01-01T00:00:00.000000Z",
      "reportingController": "prometheus-controller", "reportingInstance": "prometheus-operator-0",
      "note": .string(
        "\"\(rawValue)\" was rejected due to invalid configuration: scrapeTimeout \"30s\" greater than scrapeInterval \"15s\""),
      "regarding": ["kind": "PodMonitor", "namespace": .string(Self.namespace), "name": .string(rawValue)],
      "related": ["kind": "Prometheus", "namespace": .string(Self.monitoringNamespace), "name": "main"],
    ]
  }
}

extension DemoCluster {
  /// Monitors, the Prometheus object that selects those with `release: prod`, and what makes Pods exempt.
  var monitoringObjects: [JSONValue] {
    let prometheus: JSONValue = [
      "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
      "metadata": ["namespace": .string(DemoWorkload.monitoringNamespace), "name": "main"],
      "spec": [
        "serviceAccountName": "prometheus", "podMonitorSelector": ["matchLabels": ["release": "prod"]], "podMonitorNamespaceSelector": [:],
        "serviceMonitorSelector": ["matchLabels": ["release": "prod"]], "serviceMonitorNamespaceSelector": [:],
      ],
    ]
    let role: JSONValue = [
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": "prometheus"],
      "rules": [
        ["apiGroups": [""], "resources": ["pods", "services", "endpoints"], "verbs": ["get", "list", "watch"]],
        ["apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]],
      ],
    ]
    let binding: JSONValue = [
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": "prometheus"],
      "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "prometheus"],
      "subjects": [["kind": "ServiceAccount", "namespace": .string(DemoWorkload.monitoringNamespace), "name": "prometheus"]],
    ]
    let gvisor: JSONValue = ["apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": ["name": "gvisor"], "handler": "runsc"]
    let namespaces = Set(pods.map(\.namespace)).sorted().map { name -> JSONValue in
      var metadata: JSONValue = ["name": .string(name)]
      if name == Self.exemptNamespace { metadata["annotations"] = ["rollcall.dev/ignore": "true"] }
      return ["apiVersion": "v1", "kind": "Namespace", "metadata": metadata]
    }
    return namespaces + [prometheus, role, binding, gvisor, policy] + DemoWorkload.allCases.flatMap(\.objects)
  }

  private var policy: JSONValue {
    [
      "apiVersion": "rollcall.dev/v1alpha1", "kind": "CoveragePolicy", "metadata": ["name": "research"],
      "spec": [
        "selector": ["namespaces": ["names": [.string(Self.policyNamespace)]]],
        "effects": ["collection": "Exempt", "reason": "Experiments are stopped at night."],
      ],
    ]
  }

  /// A policy to try: nobody needs the metrics of one of the workloads.
  static let policyToTry = """
    apiVersion: rollcall.dev/v1alpha1
    kind: CoveragePolicy
    metadata:
      name: wiki
    spec:
      selector:
        namespaces: {names: [shop]}
        workloads: [{kind: StatefulSet, name: wiki}]
      effects:
        scraping: NotRequired

    """

  /// Of an installation in a cluster, what `rollcall doctor` looks at. The agents' Pods are ignored: here the agents are no containers.
  func installationObjects(namespace: String) -> [JSONValue] {
    func labels(_ component: String) -> JSONValue {
      ["app.kubernetes.io/name": "rollcall", "app.kubernetes.io/component": .string(component)]
    }
    let role: JSONValue = [
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": "rollcall-controller"],
      "rules": [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]],
    ]
    let binding: JSONValue = [
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": "rollcall-controller"],
      "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "rollcall-controller"],
      "subjects": [["kind": "ServiceAccount", "namespace": .string(namespace), "name": "rollcall-controller"]],
    ]
    let expressions: JSONValue = [
      ["key": "type", "operator": "NotIn", "values": ["virtual-kubelet"]],
      ["key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["fargate"]],
    ]
    let required: JSONValue = ["nodeSelectorTerms": [["matchExpressions": expressions]]]
    let template: JSONValue = [
      "metadata": ["labels": labels("agent")],
      "spec": [
        "nodeSelector": ["kubernetes.io/os": "linux"], "tolerations": [["operator": "Exists"]], "hostNetwork": true,
        "affinity": ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": required]],
        "containers": [["name": "agent", "image": "rollcall-agent"]],
      ],
    ]
    let daemonSet: JSONValue = [
      "apiVersion": "apps/v1", "kind": "DaemonSet",
      "metadata": ["namespace": .string(namespace), "name": "rollcall-agent", "labels": labels("agent")],
      "spec": ["selector": ["matchLabels": labels("agent")], "template": template],
    ]
    let agents = nodes.filter(\.isLinux).map { node -> JSONValue in
      [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": [
          "namespace": .string(namespace), "name": .string("rollcall-agent-\(node.name)"), "labels": labels("agent"),
          "annotations": ["rollcall.dev/ignore": "true"],
        ],
        "spec": ["nodeName": .string(node.name), "hostNetwork": true, "containers": [["name": "agent", "image": "rollcall-agent"]]],
        "status": [
          "phase": "Running", "podIP": .string(node.address), "conditions": [["type": "Ready", "status": "True"]],
          "containerStatuses": [
            [
              "name": "agent", "image": "rollcall-agent", "imageID": "", "ready": true, "restartCount": 0,
              "containerID": .string("containerd://\(node.name)"), "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
            ]
          ],
        ],
      ]
    }
    return [role, binding, daemonSet] + agents
  }
}
