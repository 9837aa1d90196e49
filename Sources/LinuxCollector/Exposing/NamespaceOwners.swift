internal import ProcFS
internal import Roll

/// Whose numbers a network namespace's are.
enum NamespaceOwner: Hashable, Comparable {
  case pod(namespace: String, name: String)
  /// Nobody on the roll is known to be in it: what the cgroup tells instead.
  case unnamed(podUID: String, ContainerID)
  /// A pod that says it shares the host's network.
  case host

  static func < (left: NamespaceOwner, right: NamespaceOwner) -> Bool {
    switch (left, right) {
    case (.pod(let leftNamespace, let leftName), .pod(let rightNamespace, let rightName)):
      (leftNamespace, leftName) < (rightNamespace, rightName)
    case (.unnamed(_, let leftID), .unnamed(_, let rightID)): leftID < rightID
    case (.pod, _), (.unnamed, .host): true
    default: false
    }
  }
}

extension Sweep {
  /// Where the pod's own numbers would be shown by a tool that shows them by container: at the pause container, which the roll does not
  /// have, or else at the first one; for each namespace.
  func sandboxes(by roll: [RollEntry]) -> [SweptContainer?] {
    let named = Set(roll.compactMap { ContainerID($0.containerID) })
    var sandboxes = [SweptContainer?](repeating: nil, count: namespaces.count)
    for container in containers {
      guard case .namespace(let place) = container.finding else { continue }
      if let known = sandboxes[place], !named.contains(known.id) || named.contains(container.id) { continue }
      sandboxes[place] = container
    }
    return sandboxes
  }

  /// The owner of each namespace, in their order. Every owner comes once, so that no series does twice.
  ///
  /// A container is named by its own ID, else by its pod's UID: the roll knows a pod before it knows a new container of it, and it never
  /// has the pause container, which holds the namespace open.
  func owners(by roll: [RollEntry]) -> [NamespaceOwner] {
    var byContainer: [ContainerID: RollEntry] = [:]
    var byPodUID: [String: RollEntry] = [:]
    for entry in roll {
      if let id = ContainerID(entry.containerID) { byContainer[id] = entry }
      byPodUID[entry.podUID] = entry
    }

    var claims = [Set<NamespaceOwner>](repeating: [], count: namespaces.count)
    for container in containers {
      guard case .namespace(let place) = container.finding else { continue }
      let entry = byContainer[container.id] ?? container.podUID.flatMap { byPodUID[$0] }
      let owner: NamespaceOwner =
        switch entry {
        case .some(let entry) where entry.hostNetwork: .host
        case .some(let entry): .pod(namespace: entry.reference.namespace, name: entry.reference.pod)
        case .none: .unnamed(podUID: container.podUID ?? "", container.id)
        }
      claims[place].insert(owner)
      // The name that it falls back to where another namespace has the pod's, as when a container made one for itself.
      claims[place].insert(.unnamed(podUID: container.podUID ?? "", container.id))
    }

    var taken: Set<NamespaceOwner> = []
    return claims.map { claim in
      // Every container has claimed its namespace by its own ID, which is nobody else's.
      let owner = claim.contains(.host) ? .host : claim.sorted().first { !taken.contains($0) } ?? .host
      taken.insert(owner)
      return owner
    }
  }
}
