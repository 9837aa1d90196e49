import Controller
import Foundation
import HTTPTransport
import JSON
import KubeClient
import Logging
import Primitives
import Roll
import ServiceLifecycle
import Simulator
import TestSupport
import Testing
import YAML

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// The files in `manifests/`, checked with kubectl, promtool and a running controller.
///
/// One suite, because its claims are about all objects at once: who refers to whom, with which rights.
@Suite struct ManifestTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  // MARK: Reading

  private func run(_ program: String, _ arguments: String...) async throws -> String {
    let program = try ExternalProgram(program, arguments, log: "\(folder.path)/\(UUID())")
    let status = try await program.waitForExit()
    try #require(status == 0, "\(program.output)")
    return program.output
  }

  private func rendered(_ name: String) async throws -> [JSONValue] {
    let text = try await run("kubectl", "kustomize", "\(root)/manifests/\(name)")
    return try YAMLNode.documents(parsing: text.utf8, file: name).map(\.jsonValue)
  }

  private func object(_ kind: String, _ name: String, of objects: [JSONValue]) throws -> JSONValue {
    try #require(objects.first { $0["kind"]?.string == kind && $0["metadata"]?["name"]?.string == name })
  }

  private func file(_ path: String) throws -> JSONValue {
    let bytes = try Data(contentsOf: URL(filePath: "\(root)/manifests/\(path)"))
    return try YAMLNode(parsing: bytes, file: path).jsonValue
  }

  // MARK: Rendering

  /// A kubelet may read every Secret that a pod on its node refers to, as a whole.
  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `R105: no pod refers to a Secret with a key that is not its own`() async throws {
    // Everything but the component that removes the agents.
    let objects = try Kustomization.objects(components: Kustomization.components.filter { $0 != "no-agents" })
    func secrets(_ kind: String, _ name: String) throws -> Set<String> {
      SimulatedAPIServer.secretNames(in: try #require(object(kind, name, of: objects)["spec"]?["template"]?["spec"]))
    }
    #expect(try secrets("DaemonSet", "rollcall-agent") == ["rollcall-tls"])
    // Credentials for receivers, from the user.
    #expect(try secrets("Deployment", "rollcall-controller").isSubset(of: ["rollcall-push"]))
    #expect(Set(objects.filter { $0["spec"]?["template"] != nil }.compactMap { $0["kind"]?.string }) == ["DaemonSet", "Deployment"])
    // All that is in the agents' Secret is mounted.
    let volumes = try object("DaemonSet", "rollcall-agent", of: objects)["spec"]?["template"]?["spec"]?["volumes"]?.array ?? []
    let items = volumes.compactMap { $0["projected"]?["sources"]?[0]?["secret"]?["items"]?.array }.joined().compactMap { $0["key"]?.string }
    #expect(items == ["ca.crt", "agent.crt", "agent.key"])
  }

  @Test func `R122: scrape coverage needs a component with permissions to list and watch, and nothing else`() throws {
    let role = try YAMLNode.documents(
      parsing: try Data(contentsOf: URL(filePath: "\(root)/manifests/scrape-coverage/rbac.yaml")), file: "rbac.yaml"
    ).map(\.jsonValue).first { $0["kind"] == "ClusterRole" }
    let rules = try #require(role)["rules"]?.array ?? []
    var watched: Set<String> = []
    for rule in rules {
      let verbs = Set((rule["verbs"]?.array ?? []).compactMap(\.string))
      #expect(verbs.isSubset(of: ["list", "watch"]))
      guard verbs.contains("watch") else { continue }
      for group in rule["apiGroups"]?.array ?? [] {
        for resource in rule["resources"]?.array ?? [] { watched.insert("\(resource.string ?? "").\(group.string ?? "")") }
      }
    }
    let needed: [APIResource] = [
      .services, .endpointSlices, .serviceMonitors, .podMonitors, .scrapeConfigs, .probes, .prometheuses, .prometheusAgents,
      .vmServiceScrapes, .vmPodScrapes,
    ]
    #expect(watched == Set(needed.map { "\($0.plural).\($0.group)" }))
  }

  /// A connection within the cluster, and whether the policies admit it.
  struct Connection: Sendable {
    var component: String
    var port: String
    var namespace: [String: String]
    var pod: [String: String]
    var isAdmitted: Bool
  }

  private static let connections: [Connection] = {
    let ours = ["kubernetes.io/metadata.name": "rollcall"]
    let monitoring = ["kubernetes.io/metadata.name": "monitoring"]
    let labelled = ["kubernetes.io/metadata.name": "observability", "rollcall.dev/scraper": "true"]
    let others = ["kubernetes.io/metadata.name": "shop"]
    let controller = ["app.kubernetes.io/name": "rollcall", "app.kubernetes.io/component": "controller"]
    return [
      Connection(component: "controller", port: "http", namespace: monitoring, pod: [:], isAdmitted: true),
      Connection(component: "controller", port: "http", namespace: labelled, pod: [:], isAdmitted: true),
      Connection(component: "controller", port: "http", namespace: ours, pod: controller, isAdmitted: true),
      Connection(component: "controller", port: "http", namespace: ours, pod: [:], isAdmitted: false),
      Connection(component: "controller", port: "http", namespace: others, pod: controller, isAdmitted: false),
      Connection(component: "agent", port: "metrics", namespace: monitoring, pod: [:], isAdmitted: true),
      Connection(component: "agent", port: "metrics", namespace: others, pod: [:], isAdmitted: false),
      Connection(component: "agent", port: "roll", namespace: ours, pod: controller, isAdmitted: true),
      Connection(component: "agent", port: "roll", namespace: ours, pod: [:], isAdmitted: false),
      Connection(component: "agent", port: "roll", namespace: others, pod: controller, isAdmitted: false),
      Connection(component: "agent", port: "roll", namespace: monitoring, pod: [:], isAdmitted: false),
    ]
  }()

  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `R108: scrapers reach the metrics, controllers each other, and only they the roll`() async throws {
    func matches(_ selector: JSONValue?, _ labels: [String: String]) -> Bool {
      (selector?["matchLabels"]?.object ?? [:]).allSatisfy { labels[$0.0] == $0.1.string }
    }
    let policies = try await rendered("default").filter { $0["kind"] == "NetworkPolicy" }
    for connection in Self.connections {
      let labels = ["app.kubernetes.io/name": "rollcall", "app.kubernetes.io/component": connection.component]
      let applied = policies.filter { matches($0["spec"]?["podSelector"], labels) }
      #expect(applied.count == 1)
      let rules = applied.flatMap { $0["spec"]?["ingress"]?.array ?? [] }
      let isAdmitted = rules.contains { rule in
        rule["ports"]?.array?.contains { $0["port"]?.string == connection.port } == true
          && rule["from"]?.array?.contains { peer in
            let isThere =
              peer["namespaceSelector"].map { matches($0, connection.namespace) }
              ?? (connection.namespace["kubernetes.io/metadata.name"] == "rollcall")
            return isThere && matches(peer["podSelector"], connection.pod)
          } == true
      }
      #expect(isAdmitted == connection.isAdmitted, "\(connection)")
    }
  }

  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"), arguments: ["default", "prometheus-operator"])
  func `kubectl kustomize renders the manifests with unique objects in our namespace`(name: String) async throws {
    let objects = try await rendered(name)
    let identities = objects.map { "\($0["kind"]?.string ?? "?") \($0["metadata"]?["name"]?.string ?? "?")" }
    #expect(Set(identities).count == objects.count)
    for kind in ["Namespace rollcall", "Deployment rollcall-controller", "DaemonSet rollcall-agent", "Role rollcall-controller"] {
      #expect(identities.contains(kind))
    }
    #expect(identities.contains("PrometheusRule rollcall") == (name == "prometheus-operator"))
    let clusterWide: Set = ["Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"]
    for object in objects where !clusterWide.contains(object["kind"]?.string ?? "") {
      #expect(object["metadata"]?["namespace"] == "rollcall")
    }
  }

  /// The simulated API server has much of the validation of a real one.
  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `the simulated API server accepts the kinds that it knows`() async throws {
    let server = SimulatedAPIServer(logger: quiet)
    for object in try await rendered("prometheus-operator") {
      let known = ["Namespace", "Service", "ServiceMonitor", "PrometheusRule"]
      if known.contains(object["kind"]?.string ?? "") { try server.put(object) }
    }
  }

  // MARK: Pods

  /// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `the pod of the controller meets the restricted standard`() async throws {
    let pod = try object("Deployment", "rollcall-controller", of: try await rendered("default"))["spec"]?["template"]?["spec"]
    for member in ["hostNetwork", "hostPID", "hostIPC", "volumes"] { #expect(pod?[member] == nil) }
    #expect(pod?["securityContext"]?["runAsNonRoot"] == true)
    #expect(pod?["securityContext"]?["seccompProfile"]?["type"] == "RuntimeDefault")
    for container in pod?["containers"]?.array ?? [] {
      #expect(container["securityContext"]?["allowPrivilegeEscalation"] == false)
      #expect(container["securityContext"]?["readOnlyRootFilesystem"] == true)
      #expect(container["securityContext"]?["capabilities"] == ["drop": ["ALL"]])
      #expect(container["securityContext"]?["privileged"] == nil)
      #expect(container["resources"]?["limits"]?["memory"] != nil)
    }
  }

  /// Settings are environment variables, and Kubernetes adds variables for every Service: a Service named rollcall-windows in our namespace
  /// would set ROLLCALL_WINDOWS_PORT=tcp://…, which the controller rejects.
  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `the controller gets no environment variables of Services`() async throws {
    let pod = try object("Deployment", "rollcall-controller", of: try await rendered("default"))["spec"]?["template"]?["spec"]
    #expect(pod?["enableServiceLinks"] == false)
    let environment = pod?["containers"]?[0]?["env"]?.array ?? []
    let fields = environment.map { "\($0["name"]?.string ?? "")=\($0["valueFrom"]?["fieldRef"]?["fieldPath"]?.string ?? "")" }
    #expect(Set(fields) == ["POD_IP=status.podIP", "POD_NAME=metadata.name", "POD_NAMESPACE=metadata.namespace"])
  }

  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `the pod of the agent has its capabilities and mounts but no service account token`() async throws {
    let pod = try object("DaemonSet", "rollcall-agent", of: try await rendered("default"))["spec"]?["template"]?["spec"]
    #expect(pod?["hostPID"] == true)
    #expect(pod?["automountServiceAccountToken"] == false)
    #expect(pod?["tolerations"] == [["operator": "Exists"]])
    let container = try #require(pod?["containers"]?[0])
    #expect(container["securityContext"]?["capabilities"] == ["drop": ["ALL"], "add": ["SYS_PTRACE", "DAC_READ_SEARCH"]])
    #expect(container["securityContext"]?["readOnlyRootFilesystem"] == true)
    #expect(container["securityContext"]?["allowPrivilegeEscalation"] == false)
    for mount in container["volumeMounts"]?.array ?? [] { #expect(mount["readOnly"] == true) }

    let secret = pod?["volumes"]?.array?.compactMap { $0["projected"]?["sources"]?[0]?["secret"] }.first
    #expect(secret?["optional"] == true)
    #expect(Set(secret?["items"]?.array?.compactMap { $0["key"]?.string } ?? []) == ["ca.crt", "agent.crt", "agent.key"])
  }

  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `R79: two controllers run on different nodes, and a lost one is replaced soon`() async throws {
    let objects = try await rendered("default")
    let spec = try object("Deployment", "rollcall-controller", of: objects)["spec"]
    #expect(spec?["replicas"] == 2)
    let pod = spec?["template"]?["spec"]
    let labels = try #require(spec?["template"]?["metadata"]?["labels"])
    // Preferences, so that a cluster of one node still runs both replicas. The scheduler ignores preferred topologySpreadConstraints on
    // nodes without one of the labels, such as the zone's.
    #expect(pod?["topologySpreadConstraints"] == nil)
    let affinity = pod?["affinity"]?["podAntiAffinity"]
    #expect(affinity?.object?.keys.sorted() == ["preferredDuringSchedulingIgnoredDuringExecution"])
    let terms = affinity?["preferredDuringSchedulingIgnoredDuringExecution"]?.array?.compactMap { $0["podAffinityTerm"] } ?? []
    #expect(terms.compactMap { $0["topologyKey"]?.string } == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"])
    // Replicas that a rollout is about to remove do not count.
    #expect(terms.allSatisfy { $0["matchLabelKeys"] == ["pod-template-hash"] && $0["labelSelector"]?["matchLabels"] == labels })
    let tolerations = pod?["tolerations"]?.array ?? []
    #expect(
      tolerations.compactMap { $0["key"]?.string } == ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
    #expect(tolerations.allSatisfy { $0["effect"] == "NoExecute" && $0["tolerationSeconds"] == 30 })
    let budget = try object("PodDisruptionBudget", "rollcall-controller", of: objects)["spec"]
    #expect(budget?["maxUnavailable"] == 1)
    #expect(budget?["selector"]?["matchLabels"] == labels)
  }

  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `R106: the controller may ask for reviews, and Prometheus scrapes it with a token over TLS`() async throws {
    let objects = try await rendered("prometheus-operator")
    let delegator = try object("ClusterRoleBinding", "rollcall-auth-delegator", of: objects)
    #expect(delegator["roleRef"]?["name"] == "system:auth-delegator")
    #expect(delegator["subjects"] == [["kind": "ServiceAccount", "name": "rollcall-controller", "namespace": "rollcall"]])
    let endpoint = try object("ServiceMonitor", "rollcall-controller", of: objects)["spec"]?["endpoints"]?[0]
    #expect(endpoint?["scheme"] == "https")
    #expect(endpoint?["bearerTokenFile"] == "/var/run/secrets/kubernetes.io/serviceaccount/token")
    #expect(endpoint?["tlsConfig"] == ["serverName": "rollcall-controller", "ca": ["secret": ["name": "rollcall-tls", "key": "ca.crt"]]])
    let scraper = try object("ClusterRoleBinding", "rollcall-scraper", of: objects)
    #expect(scraper["roleRef"]?["name"] == "rollcall-scraper")
    #expect(scraper["subjects"]?[0]?["name"] == "system:serviceaccounts:monitoring")
  }

  /// GKE admits pods of these classes only in namespaces with a quota for them.
  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `R79: a quota permits the priority classes of our pods`() async throws {
    let objects = try await rendered("default")
    func priorityClass(_ kind: String, _ name: String) throws -> JSONValue? {
      try object(kind, name, of: objects)["spec"]?["template"]?["spec"]?["priorityClassName"]
    }
    #expect(try priorityClass("Deployment", "rollcall-controller") == "system-cluster-critical")
    #expect(try priorityClass("DaemonSet", "rollcall-agent") == "system-node-critical")
    let scope = try object("ResourceQuota", "rollcall-critical-pods", of: objects)["spec"]?["scopeSelector"]?["matchExpressions"]?[0]
    #expect(scope?["scopeName"] == "PriorityClass")
    #expect(scope?["values"] == ["system-cluster-critical", "system-node-critical"])
  }

  /// The labels of nodes as their providers set them.
  @Test(
    .enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"),
    arguments: [
      (["kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": "m7i.large"], true),
      (["kubernetes.io/os": "linux"], true),
      (["kubernetes.io/os": "linux", "type": "gpu"], true),
      (["kubernetes.io/os": "windows"], false),
      (["kubernetes.io/os": "linux", "type": "virtual-kubelet"], false),
      (["kubernetes.io/os": "linux", "type": "kwok"], false),
      (["kubernetes.io/os": "linux", "eks.amazonaws.com/compute-type": "fargate"], false),
      (["kubernetes.io/os": "linux", "eks.amazonaws.com/compute-type": "ec2"], true),
      (["kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": "eklet"], false),
    ])
  func `R84: agents stay off nodes that have no host`(labels: [String: String], isScheduled: Bool) async throws {
    let pod = try object("DaemonSet", "rollcall-agent", of: try await rendered("default"))["spec"]?["template"]?["spec"]
    var matches = (pod?["nodeSelector"]?.object ?? [:]).allSatisfy { labels[$0.key] == $0.value.string }
    let terms =
      pod?["affinity"]?["nodeAffinity"]?["requiredDuringSchedulingIgnoredDuringExecution"]?["nodeSelectorTerms"]?.array ?? []
    try #require(terms.count == 1)
    for requirement in terms[0]["matchExpressions"]?.array ?? [] {
      try #require(requirement["operator"] == "NotIn")
      let values = requirement["values"]?.array?.compactMap(\.string) ?? []
      if let value = labels[requirement["key"]?.string ?? ""], values.contains(value) { matches = false }
    }
    #expect(matches == isScheduled)
  }

  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `R83: the Prometheus of kube-prometheus may discover our targets`() async throws {
    let objects = try Kustomization.objects(components: ["kube-prometheus"])
    let rights = granted(try object("Role", "prometheus-k8s", of: objects))
    for resource in ["services", "endpoints", "endpointslices.discovery.k8s.io", "pods"] {
      #expect(["get", "list", "watch"].allSatisfy { rights.contains(Right(resource: resource, verb: $0)) })
    }
    let binding = try object("RoleBinding", "prometheus-k8s", of: objects)
    #expect(binding["metadata"]?["namespace"] == "rollcall")
    #expect(binding["subjects"] == [["kind": "ServiceAccount", "name": "prometheus-k8s", "namespace": "monitoring"]])
    #expect(binding["roleRef"]?["name"] == "prometheus-k8s")
  }

  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `the push component gives the controller a spool`() async throws {
    // The example of docs/virtual-nodes.md, from another directory.
    let manifests = String(repeating: "../", count: folder.path.split(separator: "/").count) + root.dropFirst() + "/manifests"
    _ = try folder.write(
      """
      resources: [\(manifests)/default]
      components: [\(manifests)/push]
      patches:
        - target: {kind: Deployment, name: rollcall-controller}
          patch: |-
            - op: add
              path: /spec/template/spec/containers/0/env/-
              value: {name: ROLLCALL_VIRTUAL_MODE, value: push}
            - op: add
              path: /spec/template/spec/containers/0/env/-
              value: {name: ROLLCALL_REMOTE_WRITE_URL, value: "https://prometheus.example/api/v1/write"}
            - op: add
              path: /spec/template/spec/containers/0/env/-
              value: {name: ROLLCALL_REMOTE_WRITE_HEADERS_FILE, value: /etc/rollcall/push/headers}
      """, to: "kustomization.yaml")
    let text = try await run("kubectl", "kustomize", folder.path)
    let objects = try YAMLNode.documents(parsing: text.utf8, file: "push").map(\.jsonValue)
    let pod = try object("Deployment", "rollcall-controller", of: objects)["spec"]?["template"]?["spec"]
    let container = try #require(pod?["containers"]?[0])
    let variables = (container["env"]?.array ?? []).compactMap { variable in
      variable["name"]?.string.flatMap { name in variable["value"]?.string.map { (name, $0) } }
    }
    let settings = try SettingsSources(environment: Dictionary(uniqueKeysWithValues: variables)).settings()
    #expect(settings.virtualMode == .push)
    let mounts = container["volumeMounts"]?.array ?? []
    let spool = mounts.first { $0["mountPath"]?.string == settings.pushSpoolFolder }
    #expect(spool != nil && spool?["readOnly"] == nil)
    let volumes = Set(pod?["volumes"]?.array?.compactMap { $0["name"]?.string } ?? [])
    #expect(volumes == Set(mounts.compactMap { $0["name"]?.string }))
    #expect(mounts.contains { $0["mountPath"]?.string.map { settings.remoteWriteHeadersFile?.hasPrefix($0) == true } == true })
  }

  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `agents and controller agree on TLS for metrics`() async throws {
    let objects = try Kustomization.objects(components: ["metrics-tls"])
    let agent = try object("DaemonSet", "rollcall-agent", of: objects)["spec"]?["template"]?["spec"]?["containers"]?[0]
    #expect(agent?["env"]?.array?.last == ["name": "ROLLCALL_AGENT_METRICS_TLS_DIR", "value": "/etc/rollcall/tls"])
    // The agent answers probes in plain text, so that they succeed before there are certificates.
    for probe in ["livenessProbe", "readinessProbe"] {
      #expect(agent?[probe]?["httpGet"] != nil && agent?[probe]?["httpGet"]?["scheme"] == nil)
    }
    let controller = try object("Deployment", "rollcall-controller", of: objects)["spec"]?["template"]?["spec"]?["containers"]?[0]
    #expect(controller?["env"]?.array?.last == ["name": "ROLLCALL_AGENT_METRICS_SCHEME", "value": "https"])
  }

  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `socket-states adds one capability`() async throws {
    let objects = try Kustomization.objects(components: ["socket-states"])
    let agent = try object("DaemonSet", "rollcall-agent", of: objects)["spec"]?["template"]?["spec"]?["containers"]?[0]
    #expect(
      agent?["securityContext"]?["capabilities"] == ["drop": ["ALL"], "add": ["SYS_PTRACE", "DAC_READ_SEARCH", "SYS_ADMIN"]])
  }

  // MARK: Rules

  @Test(.enabled(if: findProgram("promtool") != nil, "promtool is not installed"))
  func `promtool accepts the rules and their tests pass`() async throws {
    #expect(try await run("promtool", "check", "rules", "--lint-fatal", "\(root)/manifests/monitoring/rules.yaml").contains("SUCCESS"))
    #expect(try await run("promtool", "test", "rules", "\(root)/manifests/monitoring/rules_test.yaml").contains("SUCCESS"))
  }

  @Test func `R82: every alert and every record has a test that expects it, and no rule depends on the name of a job`() throws {
    let rules = try file("monitoring/rules.yaml")["groups"]?.array?.flatMap { $0["rules"]?.array ?? [] } ?? []
    let tests = try file("monitoring/rules_test.yaml")["tests"]?.array?.flatMap { $0["alert_rule_test"]?.array ?? [] } ?? []
    let expected = Set(tests.filter { $0["exp_alerts"]?.array?.isEmpty == false }.compactMap { $0["alertname"]?.string })
    #expect(Set(rules.compactMap { $0["alert"]?.string }).subtracting(expected) == [])
    let queries = try file("monitoring/rules_test.yaml")["tests"]?.array?.flatMap { $0["promql_expr_test"]?.array ?? [] } ?? []
    #expect(Set(rules.compactMap { $0["record"]?.string }).subtracting(queries.compactMap { $0["expr"]?.string }) == [])
    for rule in rules { #expect(rule["expr"]?.string?.contains("job") == false) }
  }

  @Test func `R135: an alert has a severity, a summary, a description, the first thing to do and a runbook`() throws {
    let rules = try file("monitoring/rules.yaml")["groups"]?.array?.flatMap { $0["rules"]?.array ?? [] } ?? []
    for rule in rules where rule["alert"] != nil {
      let name = rule["alert"]?.string ?? ""
      #expect(["critical", "warning", "info"].contains(rule["labels"]?["severity"]?.string), "\(name)")
      #expect(Set((rule["annotations"]?.object ?? [:]).keys) == ["summary", "description", "runbook", "runbook_url"], "\(name)")
    }
  }

  @Test(.enabled(if: findProgram("promtool") != nil, "promtool is not installed"))
  func `R135: rules with other parameters are written by one command, and by the chart`() async throws {
    let parameters = """
      runbooks: https://wiki.example/rollcall
      labels: {team: "on: call"}
      warningSeverity: ticket
      certificateDays: 14
      errorBudget: 0.002
      """
    let file = try folder.write(parameters, to: "parameters.yaml")
    _ = try await run("bash", "\(root)/hack/make-rules", "--parameters", file, "--output", "\(folder.path)/rules")
    _ = try await run("promtool", "check", "rules", "--lint-fatal", "\(folder.path)/rules/rules.yaml")
    let written = try YAMLNode(parsing: Data(contentsOf: URL(filePath: "\(folder.path)/rules/rules.yaml")), file: "rules.yaml").jsonValue
    let expiring = try #require(
      written["groups"]?.array?.flatMap { $0["rules"]?.array ?? [] }.first { $0["alert"] == "RollcallCertificateExpiring" })
    #expect(expiring["labels"] == ["severity": "ticket", "team": "on: call"])
    #expect(expiring["expr"]?.string?.hasSuffix("< 14 * 86400") == true)
    #expect(expiring["annotations"]?["runbook_url"] == "https://wiki.example/rollcall#rollcallcertificateexpiring")

    let indented = parameters.split(separator: "\n").map { "    \($0)\n" }.joined()
    let values = try folder.write("prometheusRule:\n  enabled: true\n  parameters:\n\(indented)", to: "values.yaml")
    let rule = try ChartTests.rendered([values]).first { $0["kind"] == "PrometheusRule" }
    #expect(rule?["spec"]?["groups"] == written["groups"])

    let unknown = try folder.write("runbook: x", to: "unknown.yaml")
    let refused = try ExternalProgram(
      "bash", ["\(root)/hack/make-rules", "--parameters", unknown, "--output", "\(folder.path)/rules"], log: "\(folder.path)/refused")
    #expect(try await refused.waitForExit() == 1)
    #expect(refused.output.contains("no parameters have these names: runbook"))
  }

  /// While another replica takes the lead, these have no series.
  @Test func `R79: alerts on what only the leader exports outlast a change of leader`() throws {
    let leaderOnly = [
      "rollcall_container_gap", "rollcall_node_gap", "rollcall_refused_targets", "rollcall_failing_objects", "rollcall_exporter_",
    ]
    for rule in try file("monitoring/rules.yaml")["groups"]?.array?.flatMap({ $0["rules"]?.array ?? [] }) ?? [] {
      guard rule["alert"] != nil, let expression = rule["expr"]?.string, leaderOnly.contains(where: expression.contains) else { continue }
      #expect(rule["keep_firing_for"] == "3m", "\(rule["alert"]?.string ?? "")")
    }
  }

  @Test(.enabled(if: findProgram("prometheus-alertmanager") != nil, "prometheus-alertmanager is not installed"))
  func `R80: an alert on a node or a workload inhibits those of its containers, and no others`() async throws {
    let inhibition = try String(contentsOfFile: "\(root)/manifests/monitoring/alertmanager-inhibit.yaml", encoding: .utf8)
    let configuration = try folder.write("route: {receiver: none}\nreceivers: [{name: none}]\n\(inhibition)", to: "inhibit.yml")
    if findProgram("amtool") != nil {
      #expect(try await run("amtool", "check-config", configuration).contains("4 inhibit rules"))
    }
    let transport = try HTTPTransport()
    let alertmanager = try await Alertmanager(folder: folder, transport: transport, inhibition: inhibition)
    defer { alertmanager.program.stop() }
    func alert(_ name: String, _ labels: [String: String]) -> JSONValue {
      var members = JSONObject(labels.map { ($0.key, .string($0.value)) })
      members["alertname"] = .string(name)
      return ["labels": .object(members)]
    }
    func container(_ pod: String, on node: String, _ name: String = "Uncollected", of workload: String? = nil) -> JSONValue {
      var labels = ["namespace": "shop", "pod": pod, "node": node]
      if let workload { labels.merge(["workload": workload, "workload_kind": "Deployment"]) { first, _ in first } }
      return alert("RollcallContainer\(name)", labels)
    }
    let groups = [
      alert("RollcallNodeUncollected", ["node": "w1"]), alert("RollcallNodeUnscraped", ["node": "w2"]),
      alert("RollcallNodeUncollected", ["node": "w3", "cluster": "other"]), alert("RollcallExporterDown", ["node": "w1"]),
      alert("RollcallWorkloadUncollected", ["namespace": "shop", "workload": "cart", "workload_kind": "Deployment"]),
    ]
    let containers = [
      container("on-w1", on: "w1"), container("unscraped-on-w1", on: "w1", "Unscraped"), container("on-w2", on: "w2"),
      container("unscraped-on-w2", on: "w2", "Unscraped"), container("on-w3", on: "w3"), container("cart", on: "w4", of: "cart"),
      container("web", on: "w4", of: "web"), container("alone", on: "w4"), container("unscraped-cart", on: "w4", "Unscraped", of: "cart"),
    ]
    try await alertmanager.post(groups + containers)
    try await eventually("the inhibition is in effect") {
      let alerts = try await alertmanager.activeAlerts()
      let inhibited = alerts.filter { $0["status"]?["inhibitedBy"]?.array?.isEmpty == false }
      return alerts.count == 14
        && Set(inhibited.compactMap { ($0["labels"]?["pod"] ?? $0["labels"]?["alertname"])?.string })
          == ["on-w1", "unscraped-on-w1", "unscraped-on-w2", "cart", "RollcallExporterDown"]
    }
  }

  @Test func `the PrometheusRule has the same groups as the rules file`() throws {
    let groups = try file("monitoring/rules.yaml")["groups"]
    #expect(groups?.array?.isEmpty == false)
    #expect(try file("monitoring/prometheusrule.yaml")["spec"]?["groups"] == groups)
  }

  @Test func `R74: the controller expects agents where the DaemonSet runs`() throws {
    let documents = try YAMLNode.documents(parsing: Array(Repository.text("manifests/default/agent.yaml").utf8), file: "agent.yaml")
    let daemonSet = try #require(documents.map(\.jsonValue).first { $0["kind"] == "DaemonSet" })
    var podSpec = try #require(daemonSet["spec"]?["template"]?["spec"])
    #expect(podSpec["nodeSelector"] == ["kubernetes.io/os": "linux"])
    podSpec["nodeSelector"] = nil
    #expect(AgentPlacement(podSpec: podSpec) == .standard)
  }

  // MARK: Rights

  /// A verb on a resource.
  private struct Right: Hashable, CustomStringConvertible {
    var resource: String
    var verb: String
    var description: String { "\(verb) \(resource)" }
  }

  private func granted(_ role: JSONValue) -> Set<Right> {
    var rights: Set<Right> = []
    for rule in role["rules"]?.array ?? [] {
      for group in rule["apiGroups"]?.array?.compactMap(\.string) ?? [] {
        for resource in rule["resources"]?.array?.compactMap(\.string) ?? [] {
          for verb in rule["verbs"]?.array?.compactMap(\.string) ?? [] {
            rights.insert(Right(resource: group.isEmpty ? resource : "\(resource).\(group)", verb: verb))
          }
        }
      }
    }
    return rights
  }

  /// The requests of the controller, as RBAC verbs.
  private func used(_ server: SimulatedAPIServer) -> Set<Right> {
    var rights: Set<Right> = []
    for resource in APIResource.known + [.coveragePolicies] {
      let name = resource.group.isEmpty ? resource.plural : "\(resource.plural).\(resource.group)"
      for verb in Verb.allCases where server.requestCount(verb, name) > 0 {
        // The status of a policy that somebody else made.
        if verb == .apply, resource == .coveragePolicies {
          rights.insert(Right(resource: "coveragepolicies/status.rollcall.dev", verb: "patch"))
          continue
        }
        // An apply can create the object.
        let verbs = verb == .apply ? ["patch", "create"] : [verb.rawValue]
        for verb in verbs { rights.insert(Right(resource: name, verb: verb)) }
      }
    }
    return rights
  }

  /// Runs the controller through everything that it does: it starts, publishes and deletes targets, opens a gap and renews a certificate.
  /// Its requests must be exactly those that the roles allow.
  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"), .timeLimit(.minutes(5)))
  func `the roles allow exactly the requests of the controller`() async throws {
    let objects = try Kustomization.objects(components: ["scrape-coverage"])
    let role = granted(try object("Role", "rollcall-controller", of: objects))
    let clusterRole = granted(try object("ClusterRole", "rollcall-controller", of: objects))
    // What only the component allows. Without it the controller does without.
    let optional = granted(try object("ClusterRole", "rollcall-scrape-coverage", of: objects)).subtracting(role)

    let server = SimulatedAPIServer(configuration: .init(acceptsLoopbackEndpoints: true), logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      try await server.waitUntilListening()
      try await exerciseController(on: server)
      group.cancelAll()
    }
    let used = used(server)
    // The simulated server supports initial events of a watch; on servers without them every watch is preceded by a list.
    let listed = used.filter { $0.verb == "watch" }.map { Right(resource: $0.resource, verb: "list") }
    let needed = used.union(listed).subtracting(optional)
    let clusterWide: Set = [
      "nodes", "pods", "events.events.k8s.io", "namespaces", "runtimeclasses.node.k8s.io", "coveragepolicies.rollcall.dev",
      "coveragepolicies/status.rollcall.dev",
    ]
    #expect(clusterRole == needed.filter { clusterWide.contains($0.resource) })
    #expect(role == needed.filter { !clusterWide.contains($0.resource) })
  }

  private func exerciseController(on server: SimulatedAPIServer) async throws {
    for node in ["w1", "w2"] { try server.put(linuxNode(node)) }
    for name in ["rollcall", "elsewhere"] {
      try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
    }
    try server.put(runningPod("cart-0", on: "w1"))
    try server.put([
      "apiVersion": "rollcall.dev/v1alpha1", "kind": "CoveragePolicy", "metadata": ["name": "carts"],
      "spec": ["selector": ["workloads": [["name": "cart-*"]]], "effects": ["alerts": ["severity": "critical"]]],
    ])
    // An invalid Secret, which the controller replaces.
    try server.put([
      "apiVersion": "v1", "kind": "Secret",
      "metadata": ["name": "rollcall-tls", "namespace": "rollcall", "labels": ["app.kubernetes.io/managed-by": "rollcall.dev"]],
      "data": ["ca.key": "bm9uc2Vuc2U="],
    ])

    var settings = ControllerSettings()
    settings.kubeconfig = try folder.write(server.kubeconfig(), to: "kubeconfig")
    settings.namespace = "rollcall"
    settings.listen = ListenAddress(host: "127.0.0.1", port: 0)
    settings.interval = .milliseconds(500)
    settings.threshold = .seconds(1)
    settings.grace = .zero
    settings.allowsLoopbackTargets = true
    // No agent listens on this port.
    settings.agentRollPort = 1
    let controller = try RollcallController(settings: settings, environment: [:], version: "test", logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in controller.services { group.addTask { try await service.run() } }
      try await eventually("targets are published") { try self.targets(server) == 2 }
      try server.put(linuxNode("w3", address: "::1"))
      try await eventually("the target of the other family is published") { try self.targets(server) == 3 }
      try server.remove("nodes", name: "w3")
      try await eventually("the Service of the other family is deleted") { server.requestCount(.delete, "services") > 0 }
      try await eventually("an Event for the gap is created") { server.requestCount(.create, "events.events.k8s.io") > 0 }
      try server.remove("nodes", name: "w2")
      try server.remove("nodes", name: "w1")
      try await eventually("the slices are deleted") { try self.targets(server) == 0 }
      try server.put(linuxNode("w1"))
      try await eventually("the gap is archived") { server.get("configmaps", namespace: "rollcall", name: "rollcall-gaps") != nil }
      try await eventually("the status of the policy is written") {
        server.get("coveragepolicies.rollcall.dev", name: "carts")?["status"]?["gaps"] == 1
      }
      try await eventually("the Event is updated") { server.requestCount(.patch, "events.events.k8s.io") > 0 }
      try await eventually("the certificates are renewed") { server.requestCount(.update, "secrets") > 0 }
      try await eventually("the lease is renewed") { server.requestCount(.update, "leases.coordination.k8s.io") > 0 }
      group.cancelAll()
    }

    // The remaining cases: a namespace without the Secret, and ServiceMonitors turned off.
    let configuration = try ClusterConfiguration.load(kubeconfig: settings.kubeconfig, context: nil, environment: [:])
    let client = try KubeClient(configuration: configuration, logger: quiet)
    await CertificateManager(
      client: client, namespace: "elsewhere", time: SystemTime(), logger: quiet, isLeading: { true }
    ).pass()
    let reconciler = TargetReconciler(
      client: client, settings: TargetSettings(namespace: "rollcall", serviceMonitors: .off), time: SystemTime(), logger: quiet,
      isLeading: { true }, snapshot: { [] })
    _ = try await reconciler.reconcile(.linux)
  }

  private func targets(_ server: SimulatedAPIServer) throws -> Int {
    try server.list("endpointslices.discovery.k8s.io", namespace: "rollcall").reduce(0) { $0 + ($1["endpoints"]?.array?.count ?? 0) }
  }

  /// No agent listens at these addresses, so containers on the node are gaps.
  private func linuxNode(_ name: String, address: String? = nil) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": ["kubernetes.io/os": "linux"]],
      "status": [
        "addresses": [["type": "InternalIP", "address": .string(address ?? (name == "w1" ? "127.0.0.51" : "127.0.0.52"))]],
        "conditions": [["type": "Ready", "status": "True"]], "nodeInfo": ["operatingSystem": "linux"],
      ],
    ]
  }

  private func runningPod(_ name: String, on node: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default"],
      "spec": ["nodeName": .string(node), "containers": [["name": "cart", "image": "cart"]]],
      "status": [
        "phase": "Running",
        "containerStatuses": [
          [
            "name": "cart", "image": "cart", "imageID": "", "ready": true, "restartCount": 0,
            "containerID": .string("containerd://" + String(repeating: "ab", count: 32)),
            "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
          ]
        ],
      ],
    ]
  }
}

private let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
