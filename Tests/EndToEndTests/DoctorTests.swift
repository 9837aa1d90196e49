import Foundation
import JSON
import Simulator
import TestSupport
import Testing

/// `rollcall doctor`, against a running controller and the objects of the manifests, in installations with a mistake each.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Kustomization.isInstalled, "kubectl is not installed"))
struct DoctorTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let prometheus: JSONValue = [
    "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": ["namespace": "monitoring", "name": "k8s"],
    "spec": [
      "serviceAccountName": "prometheus-k8s", "serviceMonitorSelector": ["matchLabels": ["release": "prom"]],
      "serviceMonitorNamespaceSelector": [:],
    ],
  ]

  private static func pod(_ name: String, namespace: String, labels: JSONValue, address: String, on node: String = "w1") -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "namespace": .string(namespace), "name": .string(name), "labels": labels, "annotations": ["rollcall.dev/ignore": "true"],
      ],
      "spec": [
        "nodeName": .string(node),
        "containers": [
          [
            "name": "main", "image": "x",
            "ports": [
              ["name": "http", "containerPort": 9750], ["name": "metrics", "containerPort": 9753], ["name": "roll", "containerPort": 9754],
            ],
          ]
        ],
      ],
      "status": [
        "phase": "Running", "podIP": .string(address), "podIPs": [["ip": .string(address)]],
        "conditions": [["type": "Ready", "status": "True"]],
      ],
    ]
  }

  private static func labels(_ component: String) -> JSONValue {
    ["app.kubernetes.io/name": "rollcall", "app.kubernetes.io/component": .string(component)]
  }

  /// What `kubectl apply -k manifests/prometheus-operator` with the component kube-prometheus makes, a node, and what runs there.
  private func objects() throws -> [JSONValue] {
    let known = [
      "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "NetworkPolicy", "DaemonSet", "Deployment",
    ]
    let node: JSONValue = [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": "w1", "labels": ["kubernetes.io/os": "linux"]],
      "status": [
        "addresses": [["type": "InternalIP", "address": "127.0.78.11"]], "conditions": [["type": "Ready", "status": "True"]],
        "nodeInfo": ["operatingSystem": "linux"],
      ],
    ]
    let delegator: JSONValue = [
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": "system:auth-delegator"],
      "rules": [
        ["apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]],
        ["apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]],
      ],
    ]
    return [
      [
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": ["name": "monitoring", "labels": ["kubernetes.io/metadata.name": "monitoring"]],
      ],
      node, delegator, Self.prometheus,
      Self.pod("rollcall-controller-0", namespace: "rollcall", labels: Self.labels("controller"), address: "10.1.0.1"),
      Self.pod("rollcall-agent-0", namespace: "rollcall", labels: Self.labels("agent"), address: "10.1.0.2"),
      Self.pod(
        "prometheus-k8s-0", namespace: "monitoring", labels: ["app.kubernetes.io/name": "prometheus", "prometheus": "k8s"],
        address: "10.1.0.3"),
    ] + (try Kustomization.objects(components: ["kube-prometheus"]).filter { known.contains($0["kind"]?.string ?? "") })
  }

  private func run(_ controller: RunningController, _ arguments: String...) async throws -> (status: Int32, output: String) {
    let kubeconfig = try folder.write(controller.apiServer.kubeconfig(), to: "kubeconfig")
    let program = try ExternalProgram(
      try builtExecutable("rollcall"), ["doctor", "--kubeconfig", kubeconfig, "--server", controller.url] + arguments,
      log: "\(folder.path)/\(UUID())")
    return (try await program.waitForExit(), program.output)
  }

  /// The texts of the mistakes, by check.
  private func mistakes(_ controller: RunningController) async throws -> [String: String] {
    let result = try await run(controller, "-o", "json")
    let report = try JSONValue(parsing: Array(result.output.utf8))
    let findings = (report["findings"]?.array ?? []).filter { $0["state"] == "mistake" }
    #expect(result.status == (findings.isEmpty ? 0 : 1))
    return Dictionary(findings.map { ($0["check"]?.string ?? "", $0["text"]?.string ?? "") }) { $1 }
  }

  @Test func `R137: mistakes of an installation are found, and are gone when they are mended`() async throws {
    let arguments = ["--service-monitor-labels", "release=prom", "--scrape-coverage", "off"]
    try await RunningController.run(try objects(), arguments) { controller in
      let server = controller.apiServer
      try await eventually("the controller leads and has written its ServiceMonitor") {
        server.get("servicemonitors.monitoring.coreos.com", namespace: "rollcall", name: "rollcall-linux") != nil
      }
      #expect(try await mistakes(controller) == [:])
      let text = try await run(controller)
      #expect(text.output.contains("[ok] labels of monitors"), "\(text.output)")
      #expect(text.output.hasSuffix("\nNo mistake found.\n"), "\(text.output)")

      /// Makes a mistake, looks, and mends it.
      func expect(_ check: String, _ text: String, _ objects: [JSONValue], mend: () throws -> Void) async throws {
        for object in objects { try server.put(object) }
        let found = try await mistakes(controller)
        #expect(found[check]?.contains(text) == true && found.count == 1, "\(check): \(found)")
        try mend()
      }
      var other = Self.prometheus
      other["spec"]?["serviceMonitorSelector"] = ["matchLabels": ["release": "stack"]]
      try await expect("labels of monitors", "wants release=stack, and there is release=prom", [other]) {
        try server.put(Self.prometheus)
      }
      let role = try #require(server.get("rolebindings.rbac.authorization.k8s.io", namespace: "rollcall", name: "prometheus-k8s"))
      var nobody = role
      nobody["subjects"] = []
      try await expect("rights of Prometheus", "may not list services, pods, endpointslices", [nobody]) { try server.put(role) }
      let bindings = try #require(server.get("clusterrolebindings.rbac.authorization.k8s.io", name: "rollcall-controller"))
      var unbound = bindings
      unbound["subjects"] = []
      try await expect("rights", "may not list nodes, watch nodes", [unbound]) { try server.put(bindings) }
      let deny: JSONValue = [
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": ["namespace": "monitoring", "name": "deny"],
        "spec": ["podSelector": [:], "policyTypes": ["Ingress"]],
      ]
      try await expect("network policies", "the controller may not connect to Prometheus monitoring/prometheus-k8s-0", [deny]) {
        try server.remove("networkpolicies.networking.k8s.io", namespace: "monitoring", name: "deny")
      }
      var second = try #require(server.get("deployments.apps", namespace: "rollcall", name: "rollcall-controller"))
      second["metadata"] = ["namespace": "monitoring", "name": "rollcall-controller", "labels": Self.labels("controller")]
      try await expect("two installations", "another controller is in namespace monitoring", [second]) {
        try server.remove("deployments.apps", namespace: "monitoring", name: "rollcall-controller")
      }
      try await expect("agents", "no agent is ready on w2: it has no pod", [try node("w2", of: server)]) {
        try server.remove("nodes", name: "w2")
      }
      #expect(try await mistakes(controller).isEmpty)

      // Who may not see something is told so, and nothing is claimed of it.
      server.rejectNext(Rejection(status: 403, reason: "Forbidden", verb: .list, resource: "networkpolicies.networking.k8s.io"))
      let blind = try await run(controller)
      #expect(blind.status == 0 && blind.output.contains("you may not see networkPolicies"), "\(blind.output)")
    }
  }

  private func node(_ name: String, of server: SimulatedAPIServer) throws -> JSONValue {
    var node = try #require(server.get("nodes", name: "w1"))
    node["metadata"] = ["name": .string(name), "labels": ["kubernetes.io/os": "linux"]]
    node["status"]?["addresses"] = [["type": "InternalIP", "address": "127.0.78.12"]]
    return node
  }

  @Test func `R137: without a cluster, and without a controller, it says so`() async throws {
    let closed = try ClosedPort()
    let kubeconfig = try folder.write(
      """
      {"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:\(closed.number)"}}], "users": [{"name": "u", "user": {}}],
       "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x"}
      """, to: "kubeconfig")
    let away = try ExternalProgram(
      try builtExecutable("rollcall"), ["doctor", "--kubeconfig", kubeconfig], log: "\(folder.path)/away.log")
    #expect(try await away.waitForExit() == 2)
    #expect(away.output.hasPrefix("rollcall doctor: the API server cannot be asked: "), "\(away.output)")
    let none = try ExternalProgram(
      try builtExecutable("rollcall"), ["doctor"], environment: ["KUBECONFIG": "\(folder.path)/none", "HOME": folder.path],
      log: "\(folder.path)/none.log")
    #expect(try await none.waitForExit() == 2)
    #expect(none.output.contains("--kubeconfig"), "\(none.output)")
  }
}
