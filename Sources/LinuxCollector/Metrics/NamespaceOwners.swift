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
  /// A sandboxed pod: its containers' sockets are inside the sandbox, so the numbers of the namespace describe none of them.
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
  /// The container of each namespace that cAdvisor shows the pod's numbers at: the pause container, or else the first one in the fewest
  /// others.
  func sandboxes() -> [SweptContainer?] {
    var sandboxes = [SweptContainer?](repeating: nil, count: namespaces.count)
    for container in containers {
      guard case .namespace(let index) = container.finding else { continue }
      if let known = sandboxes[index], known.program == .pause || container.program != .pause,
        known.nesting.level <= container.nesting.level
      {
        continue
      }
      sandboxes[index] = container
    }
    return sandboxes
  }

  /// The owner of each namespace, in order. No two namespaces have the same owner, so no series is exported twice.
  ///
  /// A pod's containers may have namespaces of their own, and containers in them. The pod's namespace is that of the container with the
  /// strongest claim.
  /// - Parameter sandboxed: the pods whose namespaces have no owner, by UID.
  func owners(by matches: RollMatches, _ sandboxed: Set<String>) -> [NamespaceOwner] {
    var owners = [NamespaceOwner?](repeating: nil, count: namespaces.count)
    var levels = [Int](repeating: .max, count: namespaces.count)
    var strongest: [NamespaceOwner: (claim: NamespaceClaim, index: Int)] = [:]
    for container in containers {
      guard case .namespace(let index) = container.finding, owners[index] != .host, owners[index] != .sandbox else { continue }
      if let pod = container.outerPodUID, sandboxed.contains(pod) {
        owners[index] = .sandbox
        continue
      }
      // Used if another namespace takes the pod's name. Of several containers the outermost counts, and of those the first.
      if container.nesting.level < levels[index] {
        levels[index] = container.nesting.level
        owners[index] = .unnamed(podUID: container.outerPodUID ?? "", container.id)
      }
      guard let (entry, claim) = NamespaceClaim.of(container, matches) else { continue }
      if entry.hostNetwork {
        owners[index] = .host
        continue
      }
      let pod = NamespaceOwner.pod(namespace: entry.reference.namespace, name: entry.reference.pod)
      if let known = strongest[pod], known.claim <= claim { continue }
      strongest[pod] = (claim, index)
    }
    // In order, in case two pods claim one namespace.
    for (pod, (_, index)) in strongest.sorted(by: { $0.key > $1.key }) where owners[index] != .host && owners[index] != .sandbox {
      owners[index] = pod
    }
    return owners.map { $0 ?? .host }
  }
}

extension Sweep {
  /// The pods that are not on the roll and whose containers run in a sandbox, by UID: those of a RuntimeClass that the controller exempts,
  /// and all before the first roll. They are known by the sandbox's program, since pods that share nothing with the roll may have no pause
  /// container either.
  func unnamedSandboxes(by matches: RollMatches) -> Set<String> {
    var sandboxed: Set<String> = []
    for container in containers where container.program == .sandbox && matches.entry(of: container) == nil {
      if let pod = container.outerPodUID { sandboxed.insert(pod) }
    }
    if sandboxed.isEmpty { return [] }
    for container in containers where container.program == .pause {
      if let pod = container.outerPodUID { sandboxed.remove(pod) }
    }
    return sandboxed
  }
}

/// What makes a container's namespace that of its pod, the strongest first.
private enum NamespaceClaim: Int, Comparable {
  /// The pause container keeps the pod's namespace, and all containers of the pod start in it.
  case pause
  /// A container on the roll. One that runs may have entered a namespace of its own.
  case onRoll
  /// Another container of a pod on the roll, which is in no container of the pod.
  case ofPod

  static func < (left: NamespaceClaim, right: NamespaceClaim) -> Bool { left.rawValue < right.rawValue }

  static func of(_ container: SweptContainer, _ matches: RollMatches) -> (RollEntry, NamespaceClaim)? {
    if let entry = matches.entry(of: container) { return (entry, .onRoll) }
    return matches.podEntry(of: container).map { ($0, container.program == .pause ? .pause : .ofPod) }
  }
}
