internal import Primitives
internal import ProcFS
internal import Roll

/// The owner of a network namespace's numbers.
enum NamespaceOwner: Hashable, Comparable {
  case pod(namespace: String, name: String)
  /// No container on the roll is in the namespace: the pod UID and a container ID from the cgroups.
  case unnamed(podUID: String, ContainerID)
  /// A pod with `hostNetwork`.
  case host
  /// A sandboxed pod: its containers' sockets are inside the sandbox, so the numbers of the namespace are nobody's.
  case sandbox

  static func < (left: NamespaceOwner, right: NamespaceOwner) -> Bool {
    switch (left, right) {
    case (.pod(let leftNamespace, let leftName), .pod(let rightNamespace, let rightName)):
      (leftNamespace, leftName) < (rightNamespace, rightName)
    case (.unnamed(_, let leftID), .unnamed(_, let rightID)): leftID < rightID
    case (.pod, _), (.unnamed, .host), (.unnamed, .sandbox): true
    default: false
    }
  }
}

extension Sweep {
  /// The container of each namespace that cAdvisor shows the pod's numbers at: the pause container, which is not on the roll, or else the first
  /// one.
  func sandboxes(by roll: [RollEntry]) -> [SweptContainer?] {
    let named = Set(roll.compactMap { ContainerID($0.containerID) })
    var sandboxes = [SweptContainer?](repeating: nil, count: namespaces.count)
    for container in containers {
      guard case .namespace(let index) = container.finding else { continue }
      if let known = sandboxes[index], !named.contains(known.id) || named.contains(container.id) { continue }
      sandboxes[index] = container
    }
    return sandboxes
  }

  /// The owner of each namespace, in order. No two namespaces have the same owner, so no series is exported twice.
  ///
  /// A container is looked up on the roll by its ID, then by its pod's UID: a new container is not on the roll yet, and a pause container
  /// never is.
  func owners(by roll: [RollEntry], _ sandboxed: SandboxedPods) -> [NamespaceOwner] {
    var byContainer: [ContainerID: RollEntry] = [:]
    var byPodUID: [String: RollEntry] = [:]
    for entry in roll {
      if let id = ContainerID(entry.containerID) { byContainer[id] = entry }
      byPodUID[entry.podUID] = entry
    }

    var claims = [Set<NamespaceOwner>](repeating: [], count: namespaces.count)
    for container in containers {
      guard case .namespace(let index) = container.finding else { continue }
      if let pod = container.podUID, sandboxed.all.contains(pod) {
        claims[index].insert(.sandbox)
        continue
      }
      let entry = byContainer[container.id] ?? container.podUID.flatMap { byPodUID[$0] }
      let owner: NamespaceOwner =
        switch entry {
        case .some(let entry) where entry.hostNetwork: .host
        case .some(let entry): .pod(namespace: entry.reference.namespace, name: entry.reference.pod)
        case .none: .unnamed(podUID: container.podUID ?? "", container.id)
        }
      claims[index].insert(owner)
      // Used if another namespace takes the pod's name, for example because a container has created a namespace of its own.
      claims[index].insert(.unnamed(podUID: container.podUID ?? "", container.id))
    }

    var taken: Set<NamespaceOwner> = []
    return claims.map { claim in
      if claim.contains(.host) { return .host }
      if claim.contains(.sandbox) { return .sandbox }
      // One claim is always free: that by the container's own ID.
      let owner = claim.sorted().first { !taken.contains($0) } ?? .host
      taken.insert(owner)
      return owner
    }
  }
}
