import JSON
import KubeClient
import Primitives
import Testing

@testable import Controller

@Suite struct AgentPlacementTests {
  /// A requirement, the labels of a node, and whether they meet it.
  static let requirements: [(JSONValue, [String: String], Bool)] = [
    (["key": "pool", "operator": "In", "values": ["a", "b"]], ["pool": "b"], true),
    (["key": "pool", "operator": "In", "values": ["a", "b"]], ["pool": "c"], false),
    (["key": "pool", "operator": "In", "values": ["a", "b"]], [:], false),
    (["key": "pool", "operator": "NotIn", "values": ["a"]], ["pool": "a"], false),
    (["key": "pool", "operator": "NotIn", "values": ["a"]], ["pool": "b"], true),
    (["key": "pool", "operator": "NotIn", "values": ["a"]], [:], true),
    (["key": "pool", "operator": "Exists"], ["pool": ""], true),
    (["key": "pool", "operator": "Exists"], [:], false),
    (["key": "pool", "operator": "DoesNotExist"], ["pool": ""], false),
    (["key": "pool", "operator": "DoesNotExist"], [:], true),
    (["key": "cores", "operator": "Gt", "values": ["4"]], ["cores": "5"], true),
    (["key": "cores", "operator": "Gt", "values": ["4"]], ["cores": "4"], false),
    (["key": "cores", "operator": "Lt", "values": ["4"]], ["cores": "3"], true),
    (["key": "cores", "operator": "Lt", "values": ["4"]], ["cores": "many"], false),
    (["key": "cores", "operator": "Lt", "values": []], ["cores": "3"], false),
    (["key": "pool", "operator": "Like", "values": ["a"]], ["pool": "a"], false),
  ]

  @Test(arguments: requirements)
  func `R74: the affinity of the DaemonSet decides as in the scheduler`(requirement: JSONValue, labels: [String: String], isMet: Bool) {
    func placement(_ terms: JSONValue) -> AgentPlacement {
      AgentPlacement(podSpec: [
        "affinity": ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": terms]]]
      ])
    }
    let term: JSONValue = ["matchExpressions": [requirement]]
    let never: JSONValue = ["matchExpressions": [["key": "no", "operator": "Exists"]]]
    let here: JSONValue = ["matchFields": [["key": "metadata.name", "operator": "In", "values": ["n"]]]]
    #expect(placement([term]).includes(node: "n", labels: labels) == isMet)
    #expect(placement([never, term]).includes(node: "n", labels: labels) == isMet, "one term is enough")
    #expect(placement([never, here]).includes(node: "n", labels: labels))
    #expect(!placement([never, here]).includes(node: "m", labels: labels))
    let both: JSONValue = ["matchExpressions": [requirement, ["key": "no", "operator": "Exists"]]]
    #expect(!placement([both]).includes(node: "n", labels: labels))
    #expect(!placement([[:]]).includes(node: "n", labels: labels), "an empty term matches nothing")
  }

  @Test func `R74: the node selector of the DaemonSet must match in full`() {
    let placement = AgentPlacement(podSpec: ["nodeSelector": ["kubernetes.io/os": "linux", "pool": "a"]])
    #expect(placement.includes(node: "n", labels: ["kubernetes.io/os": "linux", "pool": "a", "x": "y"]))
    #expect(!placement.includes(node: "n", labels: ["kubernetes.io/os": "linux"]))
    #expect(AgentPlacement(podSpec: nil).includes(node: "n", labels: [:]))
  }
}

@Suite struct ExemptionRulesTests {
  func rules(
    daemonSets: [JSONValue] = [], namespaces: [JSONValue] = [], runtimeClasses: [JSONValue] = [], _ settings: ExemptionSettings = .init()
  ) -> ExemptionRules {
    ExemptionRules(
      daemonSets: daemonSets.map { DaemonSetRecord($0) }, namespaces: namespaces.map { NamespaceRecord($0) },
      runtimeClasses: runtimeClasses.map { RuntimeClassRecord($0) }, settings: settings)
  }

  func daemonSet(_ name: String, labels: JSONValue = [:], pool: String) -> JSONValue {
    [
      "metadata": ["namespace": "rollcall", "name": .string(name), "labels": labels],
      "spec": ["template": ["spec": ["nodeSelector": ["pool": .string(pool)]]]],
    ]
  }

  static let hosts: [([String: String], [String: String], Bool)] = [
    ([:], [:], true),
    (["kubernetes.io/os": "linux", "pool": "a"], [:], true),
    (["eks.amazonaws.com/compute-type": "fargate"], [:], false),
    (["eks.amazonaws.com/compute-type": "ec2"], [:], true),
    (["type": "virtual-kubelet"], [:], false),
    (["type": "kwok"], [:], false),
    ([:], ["kwok.x-k8s.io/node": "fake"], false),
    (["node.kubernetes.io/instance-type": "eklet"], [:], false),
  ]

  @Test(arguments: hosts)
  func `R74: without a DaemonSet of ours, agents are expected on nodes with a host`(
    labels: [String: String], annotations: [String: String], isExpected: Bool
  ) {
    let other = daemonSet("node-exporter", labels: ["app.kubernetes.io/name": "node-exporter"], pool: "z")
    for rules in [ExemptionRules(), rules(daemonSets: [other])] {
      #expect(rules.expectsAgent(onNode: "n", labels: labels, annotations: annotations) == isExpected)
    }
  }

  @Test func `R74: agents are expected where one of our DaemonSets runs`() {
    let rules = rules(daemonSets: [
      daemonSet("rollcall-agent", pool: "a"),
      daemonSet("arm-agents", labels: ["app.kubernetes.io/name": "rollcall", "app.kubernetes.io/component": "agent"], pool: "b"),
      daemonSet("other", pool: "c"),
    ])
    for (pool, isExpected) in [("a", true), ("b", true), ("c", false)] {
      #expect(rules.expectsAgent(onNode: "n", labels: ["pool": pool], annotations: [:]) == isExpected, "\(pool)")
    }
    #expect(!rules.expectsAgent(onNode: "n", labels: ["pool": "a", "type": "kwok"], annotations: [:]), "kwok nodes have no host")
  }

  @Test func `R74: a namespace is ignored by its annotation or by a selector`() {
    let namespaces: [JSONValue] = [
      ["metadata": ["name": "a", "annotations": ["rollcall.dev/ignore": "true"]]],
      ["metadata": ["name": "b", "annotations": ["rollcall.dev/ignore": "false"]]],
      ["metadata": ["name": "c", "labels": ["team": "lab"]]], ["metadata": ["name": "d"]],
    ]
    #expect(rules(namespaces: namespaces).ignoredNamespaces == ["a"])
    let settings = ExemptionSettings(ignoredNamespaces: [LabelSelector("team=lab")].compactMap(\.self))
    #expect(rules(namespaces: namespaces, settings).ignoredNamespaces == ["a", "c"])
  }

  @Test func `R74: a RuntimeClass is a sandbox by its handler or by a selector, and by its name if it is unknown`() {
    let classes: [JSONValue] = [
      ["metadata": ["name": "strict"], "handler": "runsc"], ["metadata": ["name": "gvisor"], "handler": "runc"],
      ["metadata": ["name": "vm", "labels": ["isolation": "vm"]], "handler": "firecracker"],
      ["metadata": ["name": "qemu"], "handler": "kata-qemu"],
    ]
    let settings = ExemptionSettings(sandboxedRuntimeClasses: [LabelSelector("isolation=vm")].compactMap(\.self))
    let (known, unknown) = (rules(runtimeClasses: classes, settings), ExemptionRules())
    for (name, isSandbox) in [("strict", true), ("gvisor", false), ("vm", true), ("qemu", true), ("kata", true), ("nvidia", false)] {
      #expect(known.isSandboxed(runtimeClass: name) == isSandbox, "\(name)")
    }
    for (name, isSandbox) in [("strict", false), ("gvisor", true), ("runsc", true), ("kata-clh", true), ("nvidia", false)] {
      #expect(unknown.isSandboxed(runtimeClass: name) == isSandbox, "\(name)")
    }
  }
}
