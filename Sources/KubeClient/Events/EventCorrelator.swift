internal import Primitives

/// Decides which Events to write: groups similar events into series and limits the rate. Does no I/O and takes the time as an argument.
///
/// Source: client-go, tools/events/event_broadcaster.go (series) and tools/record/events_cache.go (limit per object).
struct EventCorrelator: Sendable {
  /// Events with the same key are one series; notes may differ.
  private struct SeriesKey: Hashable {
    var object: ObjectReference
    var type: ClusterEvent.Severity
    var reason: String
    var action: String
  }

  private struct Series {
    var write: EventWrite
    var count = 1
    /// The count that the API server has, or will have once the queue is written.
    var queued = 1
    var lastObserved: Duration
    var lastTime: Timestamp
    var lastQueued: Duration
  }

  private let policy: EventPolicy
  private var series: [SeriesKey: Series] = [:]
  private var limits: [ObjectReference: TokenBucket] = [:]
  private var total: TokenBucket
  private var queue: [EventWrite] = []
  private var nextSeriesCheck: Duration = .zero
  private var number: UInt64 = 0
  private(set) var statistics = EventStatistics()

  init(policy: EventPolicy) {
    self.policy = policy
    total = TokenBucket(burst: policy.burst, refill: policy.refill, now: .zero)
  }

  /// - Parameters:
  ///   - limit: drops the event if this many are queued already; at most the policy's `maximumQueue`.
  ///   - now: monotonic.
  ///   - time: the wall clock time for the Event.
  mutating func record(_ event: ClusterEvent, ifFewerQueuedThan limit: Int? = nil, at now: Duration, time: Timestamp) {
    let key = SeriesKey(object: event.object, type: event.type, reason: event.reason, action: event.action)
    if var known = series[key], now - known.lastObserved <= policy.seriesWindow {
      known.count += 1
      known.lastObserved = now
      known.lastTime = time
      statistics.folded += 1
      // The second event is written at once, later ones when the series ends or is refreshed.
      if known.count == 2, isAllowed(event.object, at: now) { queueSeries(of: &known, at: now) }
      series[key] = known
      return
    }
    end(key, at: now)
    guard isAllowed(event.object, at: now) else {
      statistics.limited += 1
      return
    }
    guard queue.count < min(limit ?? .max, policy.maximumQueue) else {
      statistics.overflowed += 1
      return
    }
    number += 1
    let write = EventWrite(key: eventKey(for: event, time: time), event: event, time: time)
    queue.append(write)
    if series.count >= policy.maximumRemembered, let oldest = series.min(by: { $0.value.lastObserved < $1.value.lastObserved }) {
      end(oldest.key, at: now)
    }
    series[key] = Series(write: write, lastObserved: now, lastTime: time, lastQueued: now)
  }

  /// The next write; `nil` if the queue is empty or the rate limit is reached.
  mutating func next(at now: Duration) -> EventWrite? {
    checkSeries(at: now)
    guard !queue.isEmpty, total.take(at: now) else { return nil }
    return queue.removeFirst()
  }

  /// Drops the queue and the series. What they report may no longer be true when events are written again.
  mutating func forget() {
    queue = []
    series = [:]
  }

  mutating func written() {
    statistics.written += 1
  }

  mutating func refused() {
    statistics.refused += 1
  }

  /// Puts a failed write back at the head of the queue.
  /// - Parameter isCounted: whether the attempt counts towards `maximumAttempts`. Attempts that do not reach the server do not count.
  /// - Returns: Whether it will be retried.
  mutating func failed(_ write: EventWrite, isCounted: Bool) -> Bool {
    var write = write
    if isCounted { write.attempts += 1 }
    guard write.attempts < policy.maximumAttempts else {
      statistics.refused += 1
      return false
    }
    statistics.retries += 1
    queue.insert(write, at: 0)
    return true
  }
}

extension EventCorrelator {
  /// Object name and time, as `GenerateEventName` in client-go, plus a counter for two events within a microsecond.
  private func eventKey(for event: ClusterEvent, time: Timestamp) -> ObjectKey {
    let moment = String(UInt64(bitPattern: time.seconds &* 1_000_000_000 &+ time.nanoseconds) &+ number % 1000, radix: 16)
    // A name has at most 253 bytes, 17 of them for the suffix.
    var name = event.object.name.prefix(236)
    while let last = name.last, !last.isLetter, !last.isNumber { name.removeLast() }
    return ObjectKey(namespace: event.object.eventNamespace, name: "\(name).\(moment)")
  }

  private mutating func isAllowed(_ object: ObjectReference, at now: Duration) -> Bool {
    if limits.count >= policy.maximumRemembered, limits[object] == nil {
      limits = limits.filter { entry in
        var bucket = entry.value
        return !bucket.isFull(at: now)
      }
      // All of these objects had events recently. Forgetting their limits lets a few too many through, but bounds the memory.
      if limits.count >= policy.maximumRemembered { limits.removeAll(keepingCapacity: true) }
    }
    return limits[object, default: TokenBucket(burst: policy.objectBurst, refill: policy.objectRefill, now: now)].take(at: now)
  }

  private mutating func queueSeries(of known: inout Series, at now: Duration) {
    known.write.series = EventWrite.Series(count: known.count, lastTime: known.lastTime)
    known.queued = known.count
    known.lastQueued = now
    if let waiting = queue.firstIndex(where: { $0.key == known.write.key }) {
      queue[waiting].series = known.write.series
    } else if queue.count < policy.maximumQueue {
      queue.append(known.write)
    } else {
      statistics.overflowed += 1
    }
  }

  /// Removes the series. Queues its count first if the server does not have it.
  private mutating func end(_ key: SeriesKey, at now: Duration) {
    guard var known = series.removeValue(forKey: key), known.count > known.queued else { return }
    queueSeries(of: &known, at: now)
  }

  /// Ends series that have expired, and refreshes those that continue.
  private mutating func checkSeries(at now: Duration) {
    guard now >= nextSeriesCheck else { return }
    nextSeriesCheck = now + min(policy.seriesWindow, policy.seriesRefresh) / 10
    for (key, known) in series {
      if now - known.lastObserved > policy.seriesWindow {
        end(key, at: now)
      } else if known.count > 1, now - known.lastQueued >= policy.seriesRefresh {
        var known = known
        queueSeries(of: &known, at: now)
        series[key] = known
      }
    }
  }
}

/// A token bucket: allows a burst, then one per refill interval.
struct TokenBucket: Hashable, Sendable {
  private let burst: Int
  private let refill: Duration
  private var tokens: Double
  private var updated: Duration

  /// Starts full.
  init(burst: Int, refill: Duration, now: Duration) {
    self.burst = burst
    self.refill = refill
    tokens = Double(burst)
    updated = now
  }

  /// - Parameter now: monotonic.
  mutating func take(at now: Duration) -> Bool {
    fill(at: now)
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  /// Whether it can be forgotten.
  mutating func isFull(at now: Duration) -> Bool {
    fill(at: now)
    return tokens >= Double(burst)
  }

  private mutating func fill(at now: Duration) {
    tokens = min(Double(burst), tokens + (now - updated) / refill)
    updated = now
  }
}
