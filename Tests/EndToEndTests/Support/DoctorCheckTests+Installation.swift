import JSON
import Primitives

@testable import Rollcall

/// An installation without mistakes, and the objects that it is made of.
extension DoctorCheckTests {
  static let now = Timestamp(rfc3339: "2026-03-01T12:00:00Z") ?? .now
  static let account = "system:serviceaccount:rollcall:rollcall-controller"
  static let prometheusAccount = "system:serviceaccount:monitoring:prometheus-k8s"

  static func labels(_ component: String) -> JSONValue {
    ["app.kubernetes.io/name": "rollcall", "app.kubernetes.io/component": .string(component)]
  }

  static func pod(
    _ name: String, _ component: String, on node: String, namespace: String = "rollcall", hostNetwork: Bool = false, ports: JSONValue = []
  ) -> JSONValue {
    [
      "metadata": ["namespace": .string(namespace), "name": .string(name), "labels": labels(component)],
      "spec": [
        "nodeName": .string(node), "hostNetwork": .bool(hostNetwork), "containers": [["name": "main", "ports": ports]],
      ],
      "status": ["podIP": "10.0.0.9", "conditions": [["type": "Ready", "status": "True"]]],
    ]
  }

  static func node(_ name: String, _ system: String = "linux", labels: JSONValue = [:]) -> JSONValue {
    [
      "metadata": ["name": .string(name), "labels": labels],
      "status": ["nodeInfo": ["operatingSystem": .string(system)], "conditions": [["type": "Ready", "status": "True"]]],
    ]
  }

  static func lease(_ name: String, _ namespace: String, _ time: String, holder: String = "rollcall-0") -> JSONValue {
    [
      "metadata": ["namespace": .string(namespace), "name": .string(name)],
      "spec": ["holderIdentity": .string(holder), "renewTime": .string(time)],
    ]
  }

  static func monitor(_ name: String, labels: JSONValue = ["release": "prom"]) -> JSONValue {
    var labels = labels
    labels["app.kubernetes.io/managed-by"] = "rollcall.dev"
    return [
      "metadata": ["namespace": "rollcall", "name": .string(name), "labels": labels], "spec": ["serviceDiscoveryRole": "EndpointSlice"],
    ]
  }

  static let daemonSet: JSONValue = [
    "metadata": ["namespace": "rollcall", "name": "rollcall-agent"],
    "spec": ["template": ["spec": ["nodeSelector": ["kubernetes.io/os": "linux"], "tolerations": [["operator": "Exists"]]]]],
  ]

  static func deployment(_ namespace: String, environment: JSONValue = [], arguments: JSONValue = []) -> JSONValue {
    [
      "metadata": ["namespace": .string(namespace), "name": "rollcall-controller", "labels": labels("controller")],
      "spec": [
        "template": [
          "spec": ["serviceAccountName": "rollcall-controller", "containers": [["env": environment, "args": arguments]]]
        ]
      ],
    ]
  }

  static let prometheus: JSONValue = [
    "metadata": ["namespace": "monitoring", "name": "k8s"],
    "spec": [
      "serviceAccountName": "prometheus-k8s", "serviceMonitorSelector": ["matchLabels": ["release": "prom"]],
      "serviceMonitorNamespaceSelector": [:],
    ],
  ]

  /// An installation without mistakes.
  var healthy: InstallationFacts {
    let linux: JSONValue = ["kubernetes.io/os": "linux"]
    var facts = InstallationFacts(namespace: "rollcall", agentNamespace: "rollcall", now: Self.now)
    facts.lists = [
      .deployments: .known([Self.deployment("rollcall")]), .daemonSets: .known([Self.daemonSet]),
      .pods: .known([
        Self.pod("rollcall-0", "controller", on: "w1", ports: [["name": "http", "containerPort": 9750]]),
        Self.pod("agent-1", "agent", on: "w1", hostNetwork: true), Self.pod("agent-2", "agent", on: "w2", hostNetwork: true),
      ]),
      .nodes: .known([Self.node("w1", labels: linux), Self.node("w2", labels: linux), Self.node("win", "windows")]),
      .namespaces: .known([
        ["metadata": ["name": "rollcall", "labels": ["kubernetes.io/metadata.name": "rollcall"]]],
        ["metadata": ["name": "monitoring", "labels": ["kubernetes.io/metadata.name": "monitoring"]]],
      ]),
      .leases: .known([Self.lease("rollcall-controller", "rollcall", "2026-03-01T11:59:59Z")]),
      .nodeLeases: .known([
        Self.lease("w1", "kube-node-lease", "2026-03-01T11:59:51Z"), Self.lease("w2", "kube-node-lease", "2026-03-01T11:59:57Z"),
      ]),
      .networkPolicies: .known([]), .prometheuses: .known([Self.prometheus]), .prometheusAgents: .known([]),
      .serviceMonitors: .known([Self.monitor("rollcall-linux"), Self.monitor("rollcall-windows")]), .endpointSlices: .known([]),
      .events: .known([]),
      .prometheusPods: .known([
        [
          "metadata": ["namespace": "monitoring", "name": "prometheus-k8s-0", "labels": ["prometheus": "k8s"]],
          "status": ["podIP": "10.0.1.5"],
        ]
      ]),
      .alertmanagerServices: .known([]), .alertmanagerSlices: .known([]),
    ]
    let rights =
      DoctorCheck.rights(of: Self.account, in: "rollcall")
      + DoctorCheck.rights(ofPrometheus: Self.prometheusAccount, in: "rollcall")
    for right in rights { facts.rights[right] = .known(true) }
    facts.controller = .known(.init(gaps: [], certificates: ["ca.crt": Double(Self.now.seconds) + 90 * 86_400], version: "0.1.0"))
    return facts
  }
}
