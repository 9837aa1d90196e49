/// Counters of a pusher since it started.
package struct PushStatistics: Hashable, Sendable {
  /// Samples that the receiver has accepted.
  package var sent: UInt64 = 0
  /// Bytes of accepted requests.
  package var sentBytes: UInt64 = 0
  /// Samples in requests that the receiver rejected with a status that must not be retried, and those that it could not store.
  package var refused: UInt64 = 0
  /// Samples dropped because memory and spool were full, or lost to damage on disk.
  package var dropped: UInt64 = 0
  /// Failed requests that are retried.
  package var retries: UInt64 = 0
  /// Bytes of requests queued in memory.
  package var memoryBytes = 0
  /// Bytes of requests queued on disk.
  package var spoolBytes = 0
  /// Samples queued in memory, on disk, or in a request that is not full yet.
  package var waiting = 0
  /// The times of the newest pushed and the newest accepted sample, in milliseconds since 1970; `nil` before the first. Their difference is
  /// the receiver's lag.
  package var newestGiven: Int64?
  package var newestSent: Int64?
  /// The number of concurrent requests.
  package var shards = 0
  /// When the receiver last accepted a request, in milliseconds since 1970; `nil` before the first.
  package var lastSuccessUnixMilliseconds: Int64?
  /// Why the last request failed; `nil` once one has succeeded.
  package var problem: String?

  package init() {}

  static func + (left: PushStatistics, right: PushStatistics) -> PushStatistics {
    var sum = left
    sum.sent += right.sent
    sum.sentBytes += right.sentBytes
    sum.refused += right.refused
    sum.dropped += right.dropped
    sum.retries += right.retries
    sum.memoryBytes += right.memoryBytes
    sum.spoolBytes += right.spoolBytes
    sum.waiting += right.waiting
    sum.newestGiven = [left, right].compactMap(\.newestGiven).max()
    sum.newestSent = [left, right].compactMap(\.newestSent).max()
    sum.shards += right.shards
    sum.lastSuccessUnixMilliseconds = [left, right].compactMap(\.lastSuccessUnixMilliseconds).max()
    sum.problem = left.problem ?? right.problem
    return sum
  }
}
