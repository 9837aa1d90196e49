/// A Prometheus histogram: counts observations in buckets.
package struct Histogram: Hashable, Sendable {
  /// Ascending and finite. The implicit last bucket is `+Inf`.
  package let upperBounds: [Double]
  /// One count for each bound and one for `+Inf`. Not cumulative.
  package private(set) var counts: [UInt64]
  package private(set) var sum = 0.0

  /// - Parameter upperBounds: inclusive, ascending, finite.
  package init(upperBounds: [Double]) {
    assert(upperBounds.allSatisfy(\.isFinite) && zip(upperBounds, upperBounds.dropFirst()).allSatisfy(<), "bounds must ascend")
    self.upperBounds = upperBounds
    counts = Array(repeating: 0, count: upperBounds.count + 1)
  }

  /// In seconds, from a fast local response to the longest deadline in use.
  package static let secondsBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

  package mutating func observe(_ value: Double) {
    let bucket = upperBounds.firstIndex { value <= $0 } ?? upperBounds.count
    counts[bucket] += 1
    sum += value
  }

  package var count: UInt64 { counts.reduce(0, +) }
}
