/// Names one container as the API server does.
package struct ContainerReference: Hashable, Codable, Sendable, Comparable {
  package var namespace: String
  package var pod: String
  package var container: String

  package init(namespace: String, pod: String, container: String) {
    self.namespace = namespace
    self.pod = pod
    self.container = container
  }

  package static func < (left: ContainerReference, right: ContainerReference) -> Bool {
    (left.namespace, left.pod, left.container) < (right.namespace, right.pod, right.container)
  }
}

/// A container that is to be collected now.
package struct RollEntry: Hashable, Codable, Sendable {
  package var reference: ContainerReference
  package var podUID: String
  /// As the runtime knows it, without the scheme of `status.containerStatuses[].containerID`: 64 hexadecimal digits for every
  /// runtime in use. Empty where the node gives none (some virtual nodes).
  package var containerID: String
  /// The pod shares the node's network namespace: its network numbers are the node's.
  package var hostNetwork: Bool
  /// The pod's first address; virtual nodes are collected there.
  package var podIP: String?

  package init(reference: ContainerReference, podUID: String, containerID: String, hostNetwork: Bool, podIP: String? = nil) {
    self.reference = reference
    self.podUID = podUID
    self.containerID = containerID
    self.hostNetwork = hostNetwork
    self.podIP = podIP
  }
}

/// A container that is not called, and why.
package struct ExemptEntry: Hashable, Sendable {
  package var reference: ContainerReference
  package var exemption: Exemption

  package init(reference: ContainerReference, exemption: Exemption) {
    self.reference = reference
    self.exemption = exemption
  }
}
