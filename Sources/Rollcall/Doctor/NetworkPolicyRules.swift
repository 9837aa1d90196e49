internal import Controller
internal import JSON
internal import KubeClient

/// What NetworkPolicies admit between Pods. Pure.
///
/// Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/. Policies of network plugins' own kinds are not known
/// here.
struct NetworkPolicyRules {
  struct Peer {
    var namespace: String
    var namespaceLabels: [String: String]
    var labels: [String: String]
    var address: String?
    /// Port numbers by name.
    var ports: [String: Int] = [:]
  }

  let policies: [JSONValue]

  /// The policies that select one of the two Pods and of which none admits the connection; empty if it is admitted.
  func blocking(from source: Peer, to destination: Peer, port: Int) -> [String] {
    let incoming = selecting(destination, "Ingress")
    if !incoming.isEmpty, !incoming.contains(where: { admits($0, "ingress", "from", source, port, destination) }) {
      return incoming.map { "\($0.objectNamespace)/\($0.objectName)" }
    }
    let outgoing = selecting(source, "Egress")
    if !outgoing.isEmpty, !outgoing.contains(where: { admits($0, "egress", "to", destination, port, destination) }) {
      return outgoing.map { "\($0.objectNamespace)/\($0.objectName)" }
    }
    return []
  }

  private func selecting(_ pod: Peer, _ type: String) -> [JSONValue] {
    policies.filter { policy in
      let types = policy["spec"]?["policyTypes"]?.array?.compactMap(\.string)
      let hasType = types?.contains(type) ?? (type == "Ingress" || policy["spec"]?["egress"] != nil)
      return hasType && policy.objectNamespace == pod.namespace && Self.selects(policy["spec"]?["podSelector"], pod.labels)
    }
  }

  private func admits(_ policy: JSONValue, _ rules: String, _ peers: String, _ other: Peer, _ port: Int, _ destination: Peer) -> Bool {
    (policy["spec"]?[rules]?.array ?? []).contains { rule in
      let ports = rule["ports"]?.array ?? []
      let others = rule[peers]?.array ?? []
      return (ports.isEmpty || ports.contains { Self.includes($0, port, destination) })
        && (others.isEmpty || others.contains { Self.matches($0, other, in: policy.objectNamespace) })
    }
  }

  private static func includes(_ entry: JSONValue, _ port: Int, _ destination: Peer) -> Bool {
    guard entry["protocol"]?.string ?? "TCP" == "TCP" else { return false }
    guard let first = entry["port"] else { return true }
    if let name = first.string { return destination.ports[name] == port }
    guard let number = first.integer else { return false }
    return (number...max(entry["endPort"]?.integer ?? number, number)).contains(Int64(port))
  }

  private static func matches(_ entry: JSONValue, _ peer: Peer, in namespace: String) -> Bool {
    if let block = entry["ipBlock"] {
      guard let address = peer.address.flatMap(AddressPrefix.init) else { return false }
      func covers(_ text: JSONValue?) -> Bool { text?.string.flatMap(AddressPrefix.init)?.covers(address) ?? false }
      return covers(block["cidr"]) && !(block["except"]?.array ?? []).contains(where: covers)
    }
    let isInNamespace = entry["namespaceSelector"].map { selects($0, peer.namespaceLabels) } ?? (peer.namespace == namespace)
    return isInNamespace && selects(entry["podSelector"] ?? [:], peer.labels)
  }

  /// `{}` selects everything.
  private static func selects(_ selector: JSONValue?, _ labels: [String: String]) -> Bool {
    ObjectSelector(selector ?? [:])?.matches(PackedLabels(labels), as: .labels) ?? true
  }
}
