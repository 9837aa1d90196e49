package import Roll

extension RollEntry {
  /// The same run of the same container. A node that gives no container IDs cannot tell its restarts apart.
  func isSameInstance(as other: RollEntry) -> Bool {
    reference == other.reference && podUID == other.podUID
      && (containerID == other.containerID || containerID.isEmpty || other.containerID.isEmpty)
  }
}

extension NodeRoll {
  /// Why the container is not called, if that is so.
  package func exemption(of reference: ContainerReference) -> Exemption? {
    let index = exempt.partitioningIndex { $0.reference >= reference }
    return index < exempt.count && exempt[index].reference == reference ? exempt[index].exemption : nil
  }
}

extension RollEntries {
  /// Where the container is, if it is there: entries are in the order of their references.
  func place(of reference: ContainerReference) -> Int? {
    let place = indices.partitioningIndex { self.reference(at: $0) >= reference }
    return place < count && self.reference(at: place) == reference ? place : nil
  }
}

extension RandomAccessCollection where Index == Int {
  /// The first index whose element belongs to the second part, where all of the first part come before all of the second.
  func partitioningIndex(where belongsToSecondPart: (Element) -> Bool) -> Int {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = low + (high - low) / 2
      if belongsToSecondPart(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
