package import JSON

/// The nodes on which a DaemonSet runs: its node selector and its required node affinity. Taints are not considered, because our DaemonSet
/// tolerates all.
///
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/.
package struct AgentPlacement: Hashable, Sendable {
  fileprivate struct Requirement: Hashable {
    var key: String
    var `operator`: String
    var values: [String]
  }

  /// Requirements that must all hold. A term without any matches no node.
  fileprivate struct Term: Hashable {
    var labels: [Requirement] = []
    /// The only field is `metadata.name`.
    var fields: [Requirement] = []
  }

  private var selector: [String: String]
  /// Of these one must match; `nil` without a required affinity.
  private var terms: [Term]?

  /// - Parameter podSpec: `spec.template.spec` of the DaemonSet.
  package init(podSpec: JSONValue?) {
    selector = (podSpec?["nodeSelector"]?.object ?? [:]).compactMapValues(\.string)
    let required = podSpec?["affinity"]?["nodeAffinity"]?["requiredDuringSchedulingIgnoredDuringExecution"]
    terms = required?["nodeSelectorTerms"]?.array?.map { term in
      Term(labels: Self.requirements(term["matchExpressions"]), fields: Self.requirements(term["matchFields"]))
    }
  }

  private static func requirements(_ list: JSONValue?) -> [Requirement] {
    (list?.array ?? []).map {
      Requirement(
        key: $0["key"]?.string ?? "", operator: $0["operator"]?.string ?? "", values: ($0["values"]?.array ?? []).compactMap(\.string))
    }
  }

  /// The placement of the DaemonSet in our manifests, without its operating system: everywhere but on nodes that have no host. Applies
  /// while no DaemonSet of ours is known.
  package static let standard: AgentPlacement = {
    var placement = AgentPlacement(podSpec: nil)
    placement.terms = [
      Term(labels: [
        Requirement(key: "type", operator: "NotIn", values: ["virtual-kubelet", "kwok"]),
        Requirement(key: "eks.amazonaws.com/compute-type", operator: "NotIn", values: ["fargate"]),
        Requirement(key: "node.kubernetes.io/instance-type", operator: "NotIn", values: ["eklet"]),
      ])
    ]
    return placement
  }()

  package func includes(node name: String, labels: [String: String]) -> Bool {
    guard selector.allSatisfy({ labels[$0.key] == $0.value }) else { return false }
    guard let terms else { return true }
    return terms.contains { term in
      !(term.labels.isEmpty && term.fields.isEmpty) && term.labels.allSatisfy { $0.isMet(by: labels[$0.key]) }
        && term.fields.allSatisfy { $0.key == "metadata.name" && $0.isMet(by: name) }
    }
  }
}

extension AgentPlacement.Requirement {
  /// - Parameter value: of the label; `nil` if the node does not have it.
  fileprivate func isMet(by value: String?) -> Bool {
    switch self.operator {
    case "In": value.map(values.contains) ?? false
    case "NotIn": !(value.map(values.contains) ?? false)
    case "Exists": value != nil
    case "DoesNotExist": value == nil
    case "Gt": compare(value, >)
    case "Lt": compare(value, <)
    // As in the scheduler, an invalid requirement matches nothing.
    default: false
    }
  }

  private func compare(_ value: String?, _ isOrdered: (Int64, Int64) -> Bool) -> Bool {
    guard let value = value.flatMap({ Int64($0) }), let limit = values.first.flatMap({ Int64($0) }) else { return false }
    return isOrdered(value, limit)
  }
}
