import JSON
import Synchronization
import TestSupport

/// A node, Pods with exporters of their own, a PodMonitor for each kind of Pod, and a Prometheus object with two shards, which the test runs.
struct ScrapedCluster {
  /// The addresses of the shards. The Pods are in the network of the first.
  let shards = [OwnAddress(port: 9090), OwnAddress(port: 9090)]

  // MARK: Objects

  private static let exporterPort = 8080
  /// Each is a Pod of a PodMonitor of the same name, and the last two are of one workload.
  private static let names = ["web-0", "web-1", "web-2", "web-3", "missing-0", "drop-0", "absent-0", "orphan-0", "orphan-1"]

  private static func monitor(of name: String) -> String { String(name.prefix { $0 != "-" }) }

  private func address(_ number: Int) -> String { "\(shards[0].network).\(number + 10)" }

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

  static func podMonitor(_ name: String, team: String = "shop") -> JSONValue {
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

  var objects: [JSONValue] {
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
    // Service discovery runs with the permissions of the namespace's default service account.
    let role: JSONValue = [
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": "prometheus"],
      "rules": [["apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]]],
    ]
    let binding: JSONValue = [
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": "prometheus"],
      "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "prometheus"],
      "subjects": [["kind": "ServiceAccount", "namespace": "monitoring", "name": "default"]],
    ]
    return namespaces + [
      role, binding, node, prometheus, prometheusPod("prometheus-main-0", at: shards[0]),
      prometheusPod("prometheus-main-shard-1-0", at: shards[1]),
    ]
      + Set(Self.names.map(Self.monitor)).sorted().map { Self.podMonitor($0, team: $0 == "orphan" ? "other" : "shop") }
      + Self.names.enumerated().map { pod($1, $0) }
  }

  // MARK: Prometheus

  /// The configuration of a shard, as the operator writes it, with the targets that service discovery would find.
  func configuration(shard: Int) -> JSONValue {
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

  /// Whether the exporters have the page `/missing`.
  final class Page: Sendable {
    let isThere = Mutex(false)
  }

  func exporters(_ page: Page) throws -> [ScriptedServer] {
    let places = Self.names.indices.map { (address($0), Self.exporterPort) } + [(address(80), 9753)]
    return try places.map { host, port in
      try ScriptedServer(on: .tcp(host: host, port: port)) { connection in
        while let request = try connection.readRequest() {
          let isFound = request.target == "/metrics" || page.isThere.withLock { $0 }
          try connection.respond(
            status: isFound ? 200 : 404, headers: [("Content-Type", "text/plain; version=0.0.4")], body: "one 1\n")
        }
      }
    }
  }
}
