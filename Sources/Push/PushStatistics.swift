/// What became of the samples that were given to a pusher, since it started.
package struct PushStatistics: Hashable, Sendable {
  /// Samples that the receiver has taken.
  package var sent: UInt64 = 0
  /// Bytes of the requests that it has taken.
  package var sentBytes: UInt64 = 0
  /// Samples in requests that the receiver will never take: it answered with a status that is not to be tried again.
  package var refused: UInt64 = 0
  /// Samples that had to go because memory and spool were full, or were damaged on disk.
  package var dropped: UInt64 = 0
  /// Requests that failed and were tried again.
  package var retries: UInt64 = 0
  /// Bytes of requests that wait in memory.
  package var memoryBytes = 0
  /// Bytes of requests that wait on disk.
  package var spoolBytes = 0
  /// Samples that wait, in memory, on disk, or in a request that is not full yet.
  package var waiting = 0
  /// The time of the newest sample that was given, and of the newest that the receiver has taken, in milliseconds since 1970; `nil` before
  /// the first. What lies between them waits.
  package var newestGiven: Int64?
  package var newestSent: Int64?
  /// How many requests can be under way at once.
  package var shards = 0
  /// When the receiver last took a request, in milliseconds since 1970; `nil` before the first.
  package var lastSuccessUnixMilliseconds: Int64?
  /// Why the last request failed, as long as none has succeeded since.
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
