internal import KubeClient
package import Primitives

/// Which nodes and pods are exempt because of objects other than Nodes and Pods.
package struct ExemptionRules: Hashable, Sendable {
  /// Where agents run; empty while no DaemonSet of ours is known.
  package var placements: Set<AgentPlacement> = []
  package var ignoredNamespaces: Set<String> = []
  /// Whether the containers of each RuntimeClass are sandboxed.
  package var runtimeClasses: [String: Bool] = [:]

  package init() {}

  init(
    daemonSets: some Sequence<DaemonSetRecord>, namespaces: some Sequence<NamespaceRecord>,
    runtimeClasses: some Sequence<RuntimeClassRecord>, settings: ExemptionSettings
  ) {
    placements = Set(daemonSets.lazy.filter(\.isAgent).map(\.placement))
    for namespace in namespaces where namespace.isIgnored || settings.ignoredNamespaces.matchAny(namespace.labels) {
      ignoredNamespaces.insert(namespace.key.name)
    }
    for runtimeClass in runtimeClasses {
      self.runtimeClasses[runtimeClass.key.name] =
        Self.isSandbox(handler: runtimeClass.handler) || settings.sandboxedRuntimeClasses.matchAny(runtimeClass.labels)
    }
  }

  /// Whether an agent runs on the Linux node.
  func expectsAgent(onNode name: String, labels: [String: String], annotations: [String: String]) -> Bool {
    // A node that kwok simulates has no host, whatever the DaemonSet selects.
    if labels["type"] == "kwok" || annotations[Annotations.kwokNode] != nil { return false }
    if placements.isEmpty { return AgentPlacement.standard.includes(node: name, labels: labels) }
    return placements.contains { $0.includes(node: name, labels: labels) }
  }

  /// Whether the node does not see the processes of the RuntimeClass's containers. If the class is not known, as without the permission to
  /// read RuntimeClasses, its name counts as that of its handler, which it usually is.
  func isSandboxed(runtimeClass name: String) -> Bool {
    runtimeClasses[name] ?? Self.isSandbox(handler: name)
  }

  /// The handlers of gVisor and Kata Containers, such as `kata-qemu`, as their documents configure containerd and CRI-O.
  private static func isSandbox(handler: String) -> Bool {
    handler == "runsc" || handler == "gvisor" || handler.hasPrefix("kata")
  }
}

/// Settings for exemptions.
package struct ExemptionSettings: Hashable, Sendable {
  /// A node that matches any of these is ignored.
  package var ignoredNodes: [LabelSelector]
  /// A namespace that matches any of these is ignored.
  package var ignoredNamespaces: [LabelSelector]
  /// A RuntimeClass that matches any of these is sandboxed.
  package var sandboxedRuntimeClasses: [LabelSelector]

  package init(
    ignoredNodes: [LabelSelector] = [], ignoredNamespaces: [LabelSelector] = [], sandboxedRuntimeClasses: [LabelSelector] = []
  ) {
    self.ignoredNodes = ignoredNodes
    self.ignoredNamespaces = ignoredNamespaces
    self.sandboxedRuntimeClasses = sandboxedRuntimeClasses
  }
}

extension [LabelSelector] {
  func matchAny(_ labels: [String: String]) -> Bool { contains { $0.matches(labels) } }
}
