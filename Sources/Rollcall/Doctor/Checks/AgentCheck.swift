internal import Controller
internal import JSON
internal import Primitives

extension DoctorCheck {
  /// Whether each Linux node that should have an agent has one, and why not.
  static let agents = DoctorCheck(name: "agents") { facts in
    if let problem = facts.list(.daemonSets).problem ?? facts.list(.nodes).problem ?? facts.list(.pods).problem {
      return [.unknown(problem)]
    }
    let linux = facts.items(.nodes).filter { $0["status"]?["nodeInfo"]?["operatingSystem"]?.string == "linux" }
    let daemonSets = facts.items(.daemonSets)
    guard !daemonSets.isEmpty else {
      let ignored = facts.setting("ignore-nodes").contains("kubernetes.io/os=linux")
      return linux.isEmpty || ignored
        ? [.notApplicable("no agents are meant to run")]
        : [
          .mistake(
            "there is no DaemonSet of agents in namespace \(facts.agentNamespace): \(linux.count) Linux nodes are not collected",
            fix: "Apply manifests/default/agent.yaml (chart: agent.enabled), or name its namespace with --agent-namespace.")
        ]
    }
    let placements = daemonSets.map { (AgentPlacement(podSpec: $0["spec"]?["template"]?["spec"]), $0) }
    let running = Set(facts.agentPods.filter { $0.hasCondition("Ready") }.compactMap { $0["spec"]?["nodeName"]?.string })
    var reasons: [String: [String]] = [:]
    var expected = 0
    for node in linux {
      guard let (_, daemonSet) = placements.first(where: { $0.0.includes(node: node.objectName, labels: node.objectLabels) }) else {
        continue
      }
      expected += 1
      if running.contains(node.objectName) { continue }
      reasons[reason(node, daemonSet, facts), default: []].append(node.objectName)
    }
    if reasons.isEmpty { return [.ok("\(expected) of \(expected) nodes have an agent that is ready")] }
    return reasons.sorted { $0.key < $1.key }.map { reason, nodes in
      .mistake(
        "no agent is ready on \(listed(nodes.sorted())): \(reason)",
        fix:
          "See kubectl -n \(facts.agentNamespace) describe daemonset rollcall-agent, and the pod of the node. If the node needs no agent, "
          + "exclude it in the node affinity of the DaemonSet: its containers are exempt then.")
    }
  }

  /// Why there is no agent that is ready on a node.
  private static func reason(_ node: JSONValue, _ daemonSet: JSONValue, _ facts: InstallationFacts) -> String {
    let name = node.objectName
    // A Pod that is not scheduled is for the node that its affinity names.
    let pod = facts.agentPods.first { $0["spec"]?["nodeName"]?.string == name || $0.isWanted(on: name) }
    if let pod {
      if let waiting = pod.waitingReason { return waiting }
      return node.hasCondition("Ready") ? "its pod \(pod.objectName) runs and is not ready" : "the node is not ready"
    }
    if !node.hasCondition("Ready") { return "the node is not ready" }
    let tolerations = daemonSet["spec"]?["template"]?["spec"]?["tolerations"]?.array ?? []
    let taints = (node["spec"]?["taints"]?.array ?? []).filter { $0["effect"]?.string != "PreferNoSchedule" }
    if let taint = taints.first(where: { taint in !tolerations.contains { $0.tolerates(taint) } }) {
      return "the DaemonSet does not tolerate its taint \(taint["key"]?.string ?? ""):\(taint["effect"]?.string ?? "")"
    }
    // Quota, Pod Security, a service account that is missing.
    let failure = facts.items(.events).filter { $0["reason"]?.string == "FailedCreate" }
      .max { ($0["eventTime"]?.string ?? "") < ($1["eventTime"]?.string ?? "") }
    if let note = failure?["note"]?.string { return "its pod cannot be created: \(note.prefix(300))" }
    return "it has no pod"
  }
}

extension JSONValue {
  /// How the DaemonSet controller chooses the node of a Pod: by its name.
  fileprivate func isWanted(on node: String) -> Bool {
    let terms = self["spec"]?["affinity"]?["nodeAffinity"]?["requiredDuringSchedulingIgnoredDuringExecution"]?["nodeSelectorTerms"]?.array
    return terms?.contains { term in
      term["matchFields"]?.array?.contains { $0["key"]?.string == "metadata.name" && $0["values"]?[0]?.string == node } == true
    } == true
  }

  /// Source: `ToleratesTaint` in k8s.io/api/core/v1/toleration.go.
  fileprivate func tolerates(_ taint: JSONValue) -> Bool {
    if let effect = self["effect"]?.string, !effect.isEmpty, effect != taint["effect"]?.string { return false }
    let key = self["key"]?.string ?? ""
    if !key.isEmpty, key != taint["key"]?.string { return false }
    if self["operator"]?.string == "Exists" { return true }
    return !key.isEmpty && self["value"]?.string ?? "" == taint["value"]?.string ?? ""
  }
}
