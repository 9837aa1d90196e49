internal import Controller
internal import JSON
internal import Primitives

extension DoctorCheck {
  /// The port of every Prometheus that the operator runs, and those of Rollcall.
  private static let (prometheusPort, controllerPort, metricsPort, rollPort) = (9090, 9750, 9753, 9754)

  /// Whether a NetworkPolicy is between Prometheus, the controller and the agents.
  static let networkPolicies = DoctorCheck(name: "network policies") { facts in
    if let problem = facts.list(.networkPolicies).problem ?? facts.list(.pods).problem { return [.unknown(problem)] }
    let policies = facts.items(.networkPolicies)
    guard !policies.isEmpty else { return [.ok("there are no network policies")] }
    let rules = NetworkPolicyRules(policies: policies)
    func peer(_ pod: JSONValue) -> NetworkPolicyRules.Peer {
      let namespace = pod.objectNamespace
      let labels = facts.items(.namespaces).first { $0.objectName == namespace }?.objectLabels
      let containers = pod["spec"]?["containers"]?.array ?? []
      let ports = containers.flatMap { $0["ports"]?.array ?? [] }.compactMap { port in
        port["name"]?.string.flatMap { name in port["containerPort"]?.integer.map { (name, Int($0)) } }
      }
      return NetworkPolicyRules.Peer(
        namespace: namespace, namespaceLabels: labels ?? ["kubernetes.io/metadata.name": namespace], labels: pod.objectLabels,
        address: pod["status"]?["podIP"]?.string, ports: Dictionary(ports) { first, _ in first })
    }
    // Most network plugins apply no policies to Pods in the network of their node.
    let controller = facts.controllerPods.first.map(peer)
    let agent = facts.agentPods.first { $0["spec"]?["hostNetwork"]?.bool != true }.map(peer)
    // One Pod of each Prometheus object.
    let prometheuses = Dictionary(grouping: facts.items(.prometheusPods)) { "\($0.objectNamespace)/\($0.objectLabels["prometheus"] ?? "")" }
      .compactMap { $0.value.min { $0.objectName < $1.objectName } }.sorted { $0.objectName < $1.objectName }
    guard let controller else { return [.unknown("there is no pod of the controller")] }

    var findings: [Finding] = []
    func look(
      from source: NetworkPolicyRules.Peer, _ sourceName: String, to destination: NetworkPolicyRules.Peer, _ name: String, _ port: Int
    ) {
      let blocking = rules.blocking(from: source, to: destination, port: port)
      guard !blocking.isEmpty else { return }
      findings.append(
        .mistake(
          "\(sourceName) may not connect to \(name), port \(port): none of the network policies \(listed(blocking)) admits it",
          fix: destination.namespace == facts.namespace && source.namespace != facts.namespace
            ? "kubectl label namespace \(source.namespace) rollcall.dev/scraper=true, or change the policy."
            : "Admit it in one of them, or add a policy that does."))
    }
    if let agent { look(from: controller, "the controller", to: agent, "the agents", rollPort) }
    for pod in prometheuses {
      let prometheus = peer(pod)
      let name = "Prometheus \(pod.objectNamespace)/\(pod.objectName)"
      look(from: prometheus, name, to: controller, "the controller", controllerPort)
      if let agent { look(from: prometheus, name, to: agent, "the agents", metricsPort) }
      look(from: controller, "the controller", to: prometheus, name, prometheusPort)
    }
    return findings.isEmpty ? [.ok("none of \(policies.count) network policies is in the way")] : findings
  }

  // MARK: Alertmanagers

  /// Whether each member of a cluster of Alertmanagers is sent every alert: the name must lead to all of them.
  static let alertmanagers = DoctorCheck(name: "Alertmanagers") { facts in
    if let problem = facts.list(.deployments).problem { return [.unknown(problem)] }
    let urls = facts.setting("alertmanager-url")
    guard !urls.isEmpty else { return [.notApplicable("the controller sends no alerts itself (--alertmanager-url)")] }
    if let problem = facts.list(.alertmanagerServices).problem ?? facts.list(.alertmanagerSlices).problem { return [.unknown(problem)] }
    let findings = urls.compactMap { url -> Finding? in
      guard let (name, namespace) = serviceName(in: url, from: facts.namespace),
        let service = facts.items(.alertmanagerServices).first(where: { $0.objectName == name && $0.objectNamespace == namespace }),
        service["spec"]?["clusterIP"]?.string != "None"
      else { return nil }
      let addresses = facts.items(.alertmanagerSlices).filter {
        $0.objectNamespace == namespace && $0.objectLabels["kubernetes.io/service-name"] == name
      }.flatMap { $0["endpoints"]?.array ?? [] }.count
      guard addresses > 1 else { return nil }
      return .mistake(
        "\(url) leads to one of \(addresses) Alertmanagers, and they do not share alerts: the others do not know them",
        fix: "Name a headless Service, whose name leads to all of them: Prometheus Operator makes alertmanager-operated.\(namespace).svc.")
    }
    return findings.isEmpty ? [.ok("each Alertmanager is sent every alert")] : findings
  }

  /// The Service in `http://name.namespace.svc:9093` or `http://name:9093`; `nil` for other hosts.
  static func serviceName(in url: String, from namespace: String) -> (name: String, namespace: String)? {
    guard let parts = HTTPURL(url), parts.hasName else { return nil }
    let labels = parts.host.split(separator: ".").map(String.init)
    switch labels.count {
    case 1: return (labels[0], namespace)
    case 2: return (labels[0], labels[1])
    default: return labels[2] == "svc" ? (labels[0], labels[1]) : nil
    }
  }
}
