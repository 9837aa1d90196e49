internal import Primitives
internal import Roll

/// Which containers of a sweep are those on a roll.
///
/// A container's ID alone does not say so: whatever runs in a container may be able to create cgroups below the container's own, named like
/// any container or pod of the node. So the name of the pod's cgroup must have the pod's UID, and all pods of a roll are in the same number
/// of containers: in none, or, if the node itself is a container (Kind), in that of the node.
struct RollMatches {
  private var entries: [ContainerID: RollEntry] = [:]
  /// Any entry of the pod.
  private var pods: [String: RollEntry] = [:]
  private var level = Int.max

  init(_ roll: [RollEntry], _ containers: [SweptContainer]) {
    for entry in roll {
      if let id = ContainerID(entry.containerID) { entries[id] = entry }
      pods[entry.podUID] = entry
    }
    for container in containers where container.nesting.level < level {
      if let entry = entries[container.id], container.isOfPod(of: entry) { level = container.nesting.level }
    }
    // Without any, pods are not in containers.
    if level == .max { level = 0 }
  }

  /// The entry of the container's own ID.
  func entry(of container: SweptContainer) -> RollEntry? {
    guard container.nesting.level == level, let entry = entries[container.id], container.isOfPod(of: entry) else { return nil }
    return entry
  }

  /// The entry of a container of the same pod, for a container that is not on the roll: a pause container never is, and a new one is not
  /// yet.
  func podEntry(of container: SweptContainer) -> RollEntry? {
    guard container.nesting.level == level else { return nil }
    return container.podUID.flatMap { pods[$0] }
  }
}

extension SweptContainer {
  fileprivate func isOfPod(of entry: RollEntry) -> Bool {
    guard let podUID else { return true }
    // The UID of a static pod's cgroup is a hash of its manifest, and the roll has that of its mirror pod, which is a UUID.
    let isStatic = podUID.utf8.count == 32 && !podUID.utf8.contains(UInt8(ascii: "-"))
    return podUID == entry.podUID || isStatic
  }
}
