/// A container's namespace, pod and name in the API server.
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

/// A container on a roll: one that is called. It must be collected unless it is `notDue`.
package struct RollEntry: Hashable, Codable, Sendable {
  package var reference: ContainerReference
  package var podUID: String
  /// The runtime's ID, without the scheme of `status.containerStatuses[].containerID`: 64 hexadecimal digits with all common runtimes.
  /// Empty if the node reports none, as some virtual nodes do.
  package var containerID: String
  /// Whether the pod shares the node's network namespace. Its network metrics are then the node's.
  package var hostNetwork: Bool
  /// The pod's first address, at which pods of virtual nodes are collected.
  package var podIP: String?
  /// Why nothing is due from the container although it is called: it is starting, restarting or terminating. `nil` if it is due. Not part
  /// of the message to an agent.
  package var notDue: Exemption?

  private enum CodingKeys: CodingKey {
    case reference, podUID, containerID, hostNetwork, podIP
  }

  package init(
    reference: ContainerReference, podUID: String, containerID: String, hostNetwork: Bool, podIP: String? = nil, notDue: Exemption? = nil
  ) {
    self.reference = reference
    self.podUID = podUID
    self.containerID = containerID
    self.hostNetwork = hostNetwork
    self.podIP = podIP
    self.notDue = notDue
  }
}

/// A container that is exempt from the roll call, and why.
package struct ExemptEntry: Hashable, Sendable {
  package var reference: ContainerReference
  package var exemption: Exemption

  package init(reference: ContainerReference, exemption: Exemption) {
    self.reference = reference
    self.exemption = exemption
  }
}
