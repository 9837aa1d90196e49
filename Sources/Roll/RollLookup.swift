internal import Primitives

extension RollEntry {
  /// Whether an answer of one counts for the other: both are the same instance of a container. Without container IDs, a restart is not
  /// detected.
  package func isSameInstance(as other: RollEntry) -> Bool {
    reference == other.reference && podUID == other.podUID
      && (containerID == other.containerID || containerID.isEmpty || other.containerID.isEmpty)
  }
}

extension NodeRoll {
  /// The container's exemption; `nil` if it has none.
  package func exemption(of reference: ContainerReference) -> Exemption? {
    let index = exempt.partitioningIndex { $0.reference >= reference }
    return index < exempt.count && exempt[index].reference == reference ? exempt[index].exemption : nil
  }
}

extension RollEntries {
  /// The index of the container's entry, by binary search: entries are sorted by reference.
  package func index(of reference: ContainerReference) -> Int? {
    let index = indices.partitioningIndex { self.reference(at: $0) >= reference }
    return index < count && self.reference(at: index) == reference ? index : nil
  }
}
