import JSON
import Primitives
import Testing

@testable import Rollcall

/// The checks of `rollcall doctor`, as functions of facts.
@Suite struct DoctorCheckTests {
  private func mistakes(_ check: DoctorCheck, _ change: (inout InstallationFacts) -> Void) -> [Finding] {
    var facts = healthy
    change(&facts)
    let findings = check.findings(facts)
    // No check finds a mistake where there is none.
    #expect(!check.findings(healthy).contains { $0.state == .mistake || $0.state == .unknown }, "\(check.name)")
    #expect(findings.allSatisfy { ($0.state == .mistake) == ($0.fix != nil) })
    return findings.filter { $0.state == .mistake }
  }

  @Test func `R137: an installation without mistakes has none`() {
    let report = DoctorReport(healthy)
    #expect(report.mistakes == 0)
    #expect(report.text(on: .none).hasSuffix("\n\nNo mistake found.\n"))
    #expect(report.json["findings"]?.array?.count == DoctorCheck.all.count)
  }

  @Test func `R137: monitors without the label that Prometheus wants are named, with the setting that gives it to them`() {
    let found = mistakes(.releaseLabel) {
      $0.lists[.serviceMonitors] = .known([Self.monitor("rollcall-linux", labels: [:]), Self.monitor("rollcall-windows")])
    }
    #expect(
      found == [
        .mistake(
          "no Prometheus selects rollcall-linux: Prometheus monitoring/k8s wants release=prom",
          fix:
            "Set --service-monitor-labels release=prom (chart: serviceMonitor.additionalLabels, which labels the controller's own monitor, too)."
        )
      ])
    let namespaces = mistakes(.releaseLabel) {
      var prometheus = Self.prometheus
      prometheus["spec"]?["serviceMonitorNamespaceSelector"] = ["matchLabels": ["team": "a"]]
      $0.lists[.prometheuses] = .known([prometheus])
    }
    #expect(namespaces.map(\.fix) == ["kubectl label namespace rollcall team=a"])
    let own = mistakes(.releaseLabel) {
      var prometheus = Self.prometheus
      prometheus["spec"]?["serviceMonitorNamespaceSelector"] = nil
      $0.lists[.prometheuses] = .known([prometheus])
    }
    #expect(own.first?.text.hasSuffix("looks in its own namespace only") == true)
  }

  @Test func `R137: a field that an old CRD drops is noticed, unless the Prometheus object has it`() {
    var old = Self.monitor("rollcall-linux")
    old["spec"] = [:]
    let found = mistakes(.discoveryRole) { $0.lists[.serviceMonitors] = .known([old]) }
    #expect(found.count == 1 && found[0].text.contains("dropped serviceDiscoveryRole of rollcall-linux"))
    let elsewhere = mistakes(.discoveryRole) {
      $0.lists[.serviceMonitors] = .known([old])
      var prometheus = Self.prometheus
      prometheus["spec"]?["serviceDiscoveryRole"] = "EndpointSlice"
      $0.lists[.prometheuses] = .known([prometheus])
    }
    #expect(elsewhere.isEmpty)
  }

  @Test func `R137: a Prometheus without a role in our namespace is named with its service account`() {
    let found = mistakes(.prometheusRole) {
      for right in DoctorCheck.rights(ofPrometheus: Self.prometheusAccount, in: "rollcall") where right.resource != "pods" {
        $0.rights[right] = .known(false)
      }
    }
    #expect(
      found.map(\.text) == [
        "Prometheus monitoring/k8s may not list services, endpointslices in namespace rollcall, so it discovers nothing there"
      ])
    #expect(found.first?.fix?.contains(Self.prometheusAccount) == true)
  }

  @Test func `R137: network policies in the way are named, and those that admit are not`() {
    func policy(_ namespace: String, _ name: String, ingress: JSONValue, selector: JSONValue = [:]) -> JSONValue {
      [
        "metadata": ["namespace": .string(namespace), "name": .string(name)],
        "spec": ["podSelector": selector, "policyTypes": ["Ingress"], "ingress": ingress],
      ]
    }
    let deny = policy("rollcall", "deny", ingress: [])
    let found = mistakes(.networkPolicies) { $0.lists[.networkPolicies] = .known([deny]) }
    #expect(
      found.map(\.text) == [
        "Prometheus monitoring/prometheus-k8s-0 may not connect to the controller, port 9750: none of the network policies rollcall/deny admits it"
      ])
    #expect(found.first?.fix?.hasPrefix("kubectl label namespace monitoring rollcall.dev/scraper=true") == true)

    let peers: [JSONValue] = [
      [["namespaceSelector": ["matchLabels": ["kubernetes.io/metadata.name": "monitoring"]]]],
      [["ipBlock": ["cidr": "10.0.0.0/16"]]], [["namespaceSelector": [:], "podSelector": ["matchLabels": ["prometheus": "k8s"]]]], [],
    ]
    for from in peers {
      let admit = policy("rollcall", "admit", ingress: [["from": from, "ports": [["port": "http"]]]])
      #expect(mistakes(.networkPolicies) { $0.lists[.networkPolicies] = .known([deny, admit]) }.isEmpty, "\(from)")
    }
    let others: [JSONValue] = [
      ["from": [["ipBlock": ["cidr": "10.0.0.0/16", "except": ["10.0.1.0/24"]]]]], ["from": [["podSelector": [:]]]],
      ["ports": [["port": 9751, "endPort": 9800]]], ["ports": [["port": 9750, "protocol": "UDP"]]],
    ]
    for rule in others {
      let admit = policy("rollcall", "admit", ingress: [rule])
      #expect(mistakes(.networkPolicies) { $0.lists[.networkPolicies] = .known([admit]) }.count == 1, "\(rule)")
    }
    // Of kube-prometheus: its Prometheus admits Grafana only.
    let grafana = policy(
      "monitoring", "prometheus-k8s", ingress: [["from": [["podSelector": ["matchLabels": ["app": "grafana"]]]]]],
      selector: ["matchLabels": ["prometheus": "k8s"]])
    let scraper = mistakes(.networkPolicies) { $0.lists[.networkPolicies] = .known([grafana]) }
    #expect(
      scraper.map(\.text).first?.hasPrefix("the controller may not connect to Prometheus monitoring/prometheus-k8s-0, port 9090") == true)
    let egress: JSONValue = [
      "metadata": ["namespace": "monitoring", "name": "closed"], "spec": ["podSelector": [:], "policyTypes": ["Egress"]],
    ]
    #expect(mistakes(.networkPolicies) { $0.lists[.networkPolicies] = .known([egress]) }.count == 1)
  }

  @Test func `R137: nodes without an agent are listed with the reason`() {
    func without(_ change: (inout InstallationFacts) -> Void) -> [String] {
      mistakes(.agents) {
        $0.lists[.pods] = .known(Array(($0.lists[.pods]?.value ?? []).dropLast()))
        change(&$0)
      }.map(\.text)
    }
    #expect(without { _ in } == ["no agent is ready on w2: it has no pod"])
    #expect(
      without { $0.lists[.events] = .known([["reason": "FailedCreate", "note": "exceeded quota", "eventTime": "2026-03-01T11:00:00Z"]]) }
        == ["no agent is ready on w2: its pod cannot be created: exceeded quota"])
    #expect(
      without {
        var set = Self.daemonSet
        set["spec"]?["template"]?["spec"]?["tolerations"] = [["key": "a", "value": "b"]]
        var node = Self.node("w2", labels: ["kubernetes.io/os": "linux"])
        node["spec"] = ["taints": [["key": "gpu", "effect": "NoSchedule"], ["key": "a", "value": "b", "effect": "NoExecute"]]]
        $0.lists[.daemonSets] = .known([set])
        $0.lists[.nodes] = .known([Self.node("w1", labels: ["kubernetes.io/os": "linux"]), node])
      } == ["no agent is ready on w2: the DaemonSet does not tolerate its taint gpu:NoSchedule"])
    #expect(
      without {
        var pod = Self.pod("agent-2", "agent", on: "w2")
        pod["status"] = ["containerStatuses": [["state": ["waiting": ["reason": "ImagePullBackOff"]]]]]
        $0.lists[.pods] = .known(($0.lists[.pods]?.value ?? []) + [pod])
      } == ["no agent is ready on w2: ImagePullBackOff"])
    #expect(
      without {
        var pod = Self.pod("agent-2", "agent", on: "")
        pod["spec"]?["nodeName"] = nil
        let fields: JSONValue = [["key": "metadata.name", "operator": "In", "values": ["w2"]]]
        pod["spec"]?["affinity"] = [
          "nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": [["matchFields": fields]]]]
        ]
        pod["status"] = ["conditions": [["type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no memory"]]]
        $0.lists[.pods] = .known(($0.lists[.pods]?.value ?? []) + [pod])
      } == ["no agent is ready on w2: Unschedulable: no memory"])
    #expect(without { $0.lists[.daemonSets] = .known([]) }.first?.hasPrefix("there is no DaemonSet of agents") == true)
    // A node that the DaemonSet excludes needs none.
    #expect(
      without { $0.lists[.nodes] = .known([Self.node("w1", labels: ["kubernetes.io/os": "linux"]), Self.node("w2")]) }.isEmpty)
  }

  @Test func `R137: certificates that expire, and clocks that are apart`() {
    let found = mistakes(.certificates) {
      $0.controller = .known(
        .init(certificates: ["ca.crt": Double(Self.now.seconds) + 3600, "agent.crt": Double(Self.now.seconds) - 60]))
    }
    #expect(found.map(\.text) == ["the certificate agent.crt expired 1m ago", "the certificate ca.crt expires in 1h"])
    let clocks = mistakes(.clocks) {
      $0.lists[.nodeLeases] = .known([
        Self.lease("w1", "kube-node-lease", "2026-03-01T11:59:51Z"), Self.lease("w2", "kube-node-lease", "2026-03-01T12:10:00Z"),
      ])
    }
    #expect(clocks.map(\.text) == ["clocks are apart: node w2 is 10m ahead"])
    // The Lease of a node that is not ready says nothing.
    let away = mistakes(.clocks) {
      var node = Self.node("w2")
      node["status"]?["conditions"] = [["type": "Ready", "status": "Unknown"]]
      $0.lists[.nodes] = .known([Self.node("w1"), node])
      $0.lists[.nodeLeases] = .known([
        Self.lease("w1", "kube-node-lease", "2026-03-01T11:59:51Z"), Self.lease("w2", "kube-node-lease", "2026-03-01T08:00:00Z"),
      ])
    }
    #expect(away.isEmpty)
  }

  @Test func `R137: collectors that are not enabled, and limits that are reached`() {
    let gap: JSONValue = ["namespace": "shop", "pod": "iis-0", "node": "win", "source": "windows", "reason": "NotInResponse"]
    let found = mistakes(.exporterCollectors) { $0.controller = .known(.init(gaps: [gap])) }
    #expect(found.count == 1 && found[0].fix == "Start it with --collectors.enabled=[defaults],container.")
    let large: JSONValue = [
      "namespace": "batch", "pod": "render-0", "node": "v", "source": "virtual", "reason": "TooLarge", "detail": "64 MB",
    ]
    #expect(
      mistakes(.scrapeLimits) { $0.controller = .known(.init(gaps: [large])) }.map(\.text)
        == ["responses exceed a limit: batch/render-0 (64 MB)"])
    let enforced = mistakes(.scrapeLimits) {
      var prometheus = Self.prometheus
      prometheus["spec"]?["enforcedTargetLimit"] = 1
      $0.lists[.prometheuses] = .known([prometheus])
      $0.lists[.endpointSlices] = .known([
        [
          "metadata": [
            "labels": ["endpointslice.kubernetes.io/managed-by": "rollcall.dev", "kubernetes.io/service-name": "rollcall-linux"]
          ], "endpoints": [[:], [:]],
        ]
      ])
    }
    #expect(enforced.map(\.text).first?.hasPrefix("rollcall-linux has 2 targets, and enforcedTargetLimit") == true)
  }

  @Test func `R137: two installations, missing rights, and no controller`() {
    let two = mistakes(.twoRollcalls) {
      $0.lists[.leases] = .known([
        Self.lease("rollcall-controller", "rollcall", "2026-03-01T11:59:59Z"),
        Self.lease("rollcall-controller", "old", "2026-03-01T11:59:58Z"),
        Self.lease("rollcall-controller", "gone", "2026-02-01T11:59:58Z"),
      ])
    }
    #expect(two.map(\.text).first?.hasPrefix("another controller is in namespace old:") == true)
    let rights = mistakes(.rights) {
      $0.rights[DoctorCheck.rights(of: Self.account, in: "rollcall")[0]] = .known(false)
    }
    #expect(rights.map(\.text) == ["the service account of the controller may not list nodes"])
    let none = mistakes(.controller) {
      $0.lists[.deployments] = .known([])
      $0.lists[.leases] = .known([])
    }
    #expect(none.map(\.text) == ["there is no controller in namespace rollcall"])
    let waiting = mistakes(.controller) {
      $0.lists[.leases] = .known([Self.lease("rollcall-controller", "rollcall", "2026-03-01T10:00:00Z")])
      var pod = Self.pod("rollcall-0", "controller", on: "w1")
      pod["status"] = ["containerStatuses": [["state": ["waiting": ["reason": "CrashLoopBackOff"]]]]]
      $0.lists[.pods] = .known([pod])
    }
    #expect(waiting.map(\.text) == ["no controller runs: CrashLoopBackOff"])
  }

  @Test func `R137, R153: a shard without a leader, or without rights to its objects`() {
    func sharded(_ facts: inout InstallationFacts, _ leases: [JSONValue]) {
      facts.lists[.deployments] = .known([])
      facts.lists[.statefulSets] = .known([
        Self.deployment("rollcall", environment: [["name": "ROLLCALL_SHARDS", "value": "3"]])
      ])
      facts.lists[.shardLeases] = .known(leases)
    }
    let (first, second) = ("rollcall-controller-shard-1", "rollcall-controller-shard-2")
    let fresh = "2026-03-01T11:59:59Z"
    let leases = [first, second].map { Self.lease($0, "rollcall", fresh) }
    #expect(mistakes(.controller) { sharded(&$0, leases) }.isEmpty)
    #expect(
      mistakes(.controller) { sharded(&$0, [leases[0], Self.lease(second, "rollcall", "2026-03-01T10:00:00Z")]) }.map(\.text)
        == ["no controller leads shard 2"])
    #expect(mistakes(.controller) { sharded(&$0, []) }.map(\.text) == ["no controller leads shard 1, 2"])
    let rights = mistakes(.rights) {
      sharded(&$0, leases)
      for right in DoctorCheck.rights(of: Self.account, in: "rollcall", shards: 3) { $0.rights[right] = .known(right.name != second) }
    }
    #expect(rights.map(\.text) == ["the service account of the controller may not update leases.coordination.k8s.io/\(second) in rollcall"])
  }

  @Test func `R137: Alertmanagers behind one name are found by the controller's settings`() {
    func found(_ deployment: JSONValue, clusterIP: JSONValue = "10.96.0.9", members: Int = 2) -> [Finding] {
      mistakes(.alertmanagers) {
        $0.lists[.deployments] = .known([deployment])
        $0.lists[.alertmanagerServices] = .known([
          ["metadata": ["namespace": "monitoring", "name": "alertmanager"], "spec": ["clusterIP": clusterIP]]
        ])
        $0.lists[.alertmanagerSlices] = .known([
          [
            "metadata": ["namespace": "monitoring", "labels": ["kubernetes.io/service-name": "alertmanager"]],
            "endpoints": .array(Array(repeating: [:], count: members)),
          ]
        ])
      }
    }
    let url = "http://alertmanager.monitoring.svc:9093"
    let variable = Self.deployment("rollcall", environment: [["name": "ROLLCALL_ALERTMANAGER_URL", "value": .string(url)]])
    let flag = Self.deployment("rollcall", arguments: ["controller", .string("--alertmanager-url=\(url)")])
    #expect(
      mistakes(.twoRollcalls) {
        var sharded = Self.deployment("large")
        sharded["kind"] = "StatefulSet"
        $0.lists[.statefulSets] = .known([sharded])
      }.map(\.text).first?.hasPrefix("another controller is in namespace large:") == true)
    for deployment in [variable, flag] {
      #expect(found(deployment).map(\.text).first?.hasPrefix("\(url) leads to one of 2 Alertmanagers") == true)
    }
    #expect(found(variable, clusterIP: "None").isEmpty)
    #expect(found(variable, members: 1).isEmpty)
  }

  @Test func `R137: what the user may not see is not known, and no mistake`() {
    var facts = InstallationFacts(namespace: "rollcall", agentNamespace: "rollcall", now: Self.now)
    for list in InstallationFacts.List.allCases { facts.lists[list] = .unknown("forbidden") }
    facts.controller = .unknown("no port forward")
    let report = DoctorReport(facts)
    #expect(report.mistakes == 0)
    #expect(report.text(on: .none).contains("you may not see deployments"))
    // Without the operator nothing about it is a mistake.
    facts = healthy
    for list in [InstallationFacts.List.prometheuses, .prometheusAgents, .serviceMonitors] { facts.lists[list] = .absent }
    #expect(DoctorReport(facts).mistakes == 0)
  }
}
