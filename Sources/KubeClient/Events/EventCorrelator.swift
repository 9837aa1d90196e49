/// What is to be written of all that is recorded: pure, events and time in, writes out.
///
/// Source: client-go, tools/events/event_broadcaster.go (series) and tools/record/events_cache.go (the limit for each object).
struct EventCorrelator: Sendable {
  /// What makes two events alike: all but their notes.
  private struct Likeness: Hashable {
    var object: ObjectReference
    var type: ClusterEvent.Severity
    var reason: String
    var action: String
  }

  private struct Series {
    var write: EventWrite
    var count = 1
    /// How many the API server knows of, or will when the queue is written.
    var queued = 1
    var lastObserved: Duration
    var lastTime: Timestamp
    var lastQueued: Duration
  }

  private let policy: EventPolicy
  private var series: [Likeness: Series] = [:]
  private var limits: [ObjectReference: TokenBucket] = [:]
  private var total: TokenBucket
  private var queue: [EventWrite] = []
  private var nextTending: Duration = .zero
  private var number: UInt64 = 0
  private(set) var statistics = EventStatistics()

  init(policy: EventPolicy) {
    self.policy = policy
    total = TokenBucket(burst: policy.burst, refill: policy.refill, now: .zero)
  }

  /// - Parameters:
  ///   - limit: how many may wait already, if fewer than the policy's queue takes.
  ///   - now: on any clock that only goes forward.
  ///   - time: the time of day, for the Event.
  mutating func record(_ event: ClusterEvent, ifFewerQueuedThan limit: Int? = nil, at now: Duration, time: Timestamp) {
    let likeness = Likeness(object: event.object, type: event.type, reason: event.reason, action: event.action)
    if var known = series[likeness], now - known.lastObserved <= policy.seriesWindow {
      known.count += 1
      known.lastObserved = now
      known.lastTime = time
      statistics.folded += 1
      // The second is written at once, later ones when the series ends or is refreshed.
      if known.count == 2, isAllowed(event.object, at: now) { queueSeries(of: &known, at: now) }
      series[likeness] = known
      return
    }
    end(likeness, at: now)
    guard isAllowed(event.object, at: now) else {
      statistics.limited += 1
      return
    }
    guard queue.count < min(limit ?? .max, policy.maximumQueue) else {
      statistics.overflowed += 1
      return
    }
    number += 1
    let write = EventWrite(key: key(of: event, time: time), event: event, time: time)
    queue.append(write)
    if series.count >= policy.maximumRemembered, let oldest = series.min(by: { $0.value.lastObserved < $1.value.lastObserved }) {
      end(oldest.key, at: now)
    }
    series[likeness] = Series(write: write, lastObserved: now, lastTime: time, lastQueued: now)
  }

  /// The next write; `nil` where there is none, or none is allowed yet.
  mutating func next(at now: Duration) -> EventWrite? {
    tend(at: now)
    guard !queue.isEmpty, total.take(at: now) else { return nil }
    return queue.removeFirst()
  }

  mutating func written() {
    statistics.written += 1
  }

  mutating func refused() {
    statistics.refused += 1
  }

  /// Takes back a write that failed, to be the next again.
  /// - Parameter isCounted: the server failed to do it, and does not fail for ever; a server that is out of reach is waited for.
  /// - Returns: Whether it is tried again.
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
  /// The object's name and the time, as client-go's `GenerateEventName`, and a number, since we may record twice within one microsecond.
  private func key(of event: ClusterEvent, time: Timestamp) -> ObjectKey {
    let moment = String(UInt64(bitPattern: time.seconds &* 1_000_000_000 &+ time.nanoseconds) &+ number % 1000, radix: 16)
    // A name may have 253 bytes, and 16 digits are in the end.
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
      // Objects that all have had events of late; better a few too many of them than to remember more and more.
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

  /// Forgets the series, after writing how often it was if that is not known.
  private mutating func end(_ likeness: Likeness, at now: Duration) {
    guard var known = series.removeValue(forKey: likeness), known.count > known.queued else { return }
    queueSeries(of: &known, at: now)
  }

  /// Ends the series that nothing was added to for long, and writes those again that go on.
  private mutating func tend(at now: Duration) {
    guard now >= nextTending else { return }
    nextTending = now + min(policy.seriesWindow, policy.seriesRefresh) / 10
    for (likeness, known) in series {
      if now - known.lastObserved > policy.seriesWindow {
        end(likeness, at: now)
      } else if known.count > 1, now - known.lastQueued >= policy.seriesRefresh {
        var known = known
        queueSeries(of: &known, at: now)
        series[likeness] = known
      }
    }
  }
}

/// So many at once, and one more every so often.
struct TokenBucket: Hashable, Sendable {
  private let burst: Int
  private let refill: Duration
  private var tokens: Double
  private var updated: Duration

  /// Full.
  init(burst: Int, refill: Duration, now: Duration) {
    self.burst = burst
    self.refill = refill
    tokens = Double(burst)
    updated = now
  }

  /// - Parameter now: on any clock that only goes forward.
  mutating func take(at now: Duration) -> Bool {
    fill(at: now)
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  /// Whether it is as good as a new one.
  mutating func isFull(at now: Duration) -> Bool {
    fill(at: now)
    return tokens >= Double(burst)
  }

  private mutating func fill(at now: Duration) {
    tokens = min(Double(burst), tokens + (now - updated) / refill)
    updated = now
  }
}
