package import Collector
package import Exposition
package import Roll
internal import Synchronization

/// Counts the results of calls for the controller's own metrics.
package final class CollectionCounters: Sendable {
  /// Counts of one source.
  package struct Counts: Sendable {
    /// Containers called.
    package var collections: UInt64 = 0
    /// Containers missed, by reason.
    package var failures: [Reason: UInt64] = [:]
    /// Duration of a node's call in seconds.
    package var durations = Histogram(upperBounds: Histogram.secondsBounds)
  }

  private let counts = Mutex(Dictionary(uniqueKeysWithValues: Source.allCases.map { ($0, Counts()) }))

  package init() {}

  package func add(_ record: CollectionRecord) {
    counts.withLock { counts in
      counts[record.source, default: Counts()].collections += UInt64(record.collected)
      for (reason, count) in record.missed {
        counts[record.source, default: Counts()].collections += UInt64(count)
        counts[record.source, default: Counts()].failures[reason, default: 0] += UInt64(count)
      }
      counts[record.source, default: Counts()].durations.observe(record.duration.seconds)
    }
  }

  package func snapshot() -> [Source: Counts] {
    counts.withLock { $0 }
  }
}
