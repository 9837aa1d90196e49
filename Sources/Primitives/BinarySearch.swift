extension RandomAccessCollection {
  /// The index of the first element that satisfies the predicate, or `endIndex`. All elements after it must satisfy the predicate as well.
  ///
  /// Equal to `partitioningIndex` of swift-algorithms, which would make the agent 0.6 MB larger: the linker keeps all protocol conformances
  /// of that package.
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
