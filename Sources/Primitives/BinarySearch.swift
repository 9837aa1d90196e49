extension RandomAccessCollection {
  /// The index of the first element for which the predicate holds, or `endIndex`. The predicate must be false up to some element and true from it on.
  ///
  /// swift-algorithms has this function under the same name. Linking that package makes the agent 0.6 MB larger, because the linker keeps every
  /// protocol conformance in it.
  @inlinable
  package func partitioningIndex(where belongsToSecondPart: (Element) throws -> Bool) rethrows -> Index {
    var low = startIndex
    var count = count
    while count > 0 {
      let half = count / 2
      let middle = index(low, offsetBy: half)
      if try belongsToSecondPart(self[middle]) {
        count = half
      } else {
        low = index(after: middle)
        count -= half + 1
      }
    }
    return low
  }
}
