import JSON
import Roll

/// The alerts sent to one Alertmanager. Pure: takes gaps and the time, returns the next request, and is then told whether it succeeded.
///
/// Holds at most `AlertPolicy.maximumGaps` alerts for gaps; one further alert counts the remaining gaps.
struct AlertmanagerState {
  private struct Entry {
    var alert: Alert
    /// Wall-clock time of the beginning, as first sent. It stays the same even if the clock is set.
    var startsAt: Int64
    /// The last update that found it open.
    var update: Int
    /// When it was last accepted; `nil` if never. Alertmanager may still have it, if only the response was lost.
    var acceptedAt: Moment?
    /// When the gap was found closed.
    var endedAt: Int64?
    var wasTried = false
  }

  private struct Due: Comparable {
    enum Urgency: Int {
      case ended, neverAccepted, repeated
    }
    var urgency: Urgency
    var key: AlertKey

    static func < (left: Due, right: Due) -> Bool { (left.urgency.rawValue, left.key) < (right.urgency.rawValue, right.key) }
  }

  /// One request.
  struct Batch {
    fileprivate var keys: [(key: AlertKey, isResolved: Bool)]
    var alerts: JSONValue
    var count: Int { keys.count }
  }

  private let policy: AlertPolicy
  private var entries: [AlertKey: Entry] = [:]
  private var updates = 0
  /// Alerts due since the last update, most urgent first; `nil` until `nextBatch` computes them.
  private var due: ArraySlice<Due>?

  init(policy: AlertPolicy) {
    self.policy = policy
  }

  /// Alerts that are firing or whose end has not been accepted yet.
  var count: Int { entries.count }

  /// Gaps without an alert of their own, as of the last update.
  private(set) var leftOut = 0

  /// Updates the alerts to the open gaps. Gaps that have an alert keep it; others get one in the order given, up to the limit.
  mutating func update(gaps: some Sequence<Gap>, at now: ClockReading) {
    updates += 1
    due = nil
    leftOut = 0
    let limit = policy.maximumGaps + (entries[.tooManyGaps] == nil ? 0 : 1)
    for gap in gaps where !enter(.gap(gap), since: gap.since, at: now, limit: limit) { leftOut += 1 }
    if leftOut > 0 { _ = enter(.tooManyGaps(leftOut: leftOut), since: now.moment, at: now, limit: .max) }
    for (key, entry) in entries where entry.update != updates && entry.endedAt == nil {
      if entry.wasTried {
        entries[key]?.endedAt = now.unixMilliseconds
      } else {
        // Never sent, so there is nothing to resolve.
        entries[key] = nil
      }
    }
  }

  /// - Returns: whether the alert now has an entry.
  private mutating func enter(_ alert: Alert, since: Moment, at now: ClockReading, limit: Int) -> Bool {
    let key = alert.key
    if var entry = entries[key] {
      if alert.hasNewReason(comparedWith: entry.alert) || entry.endedAt != nil { entry.acceptedAt = nil }
      if entry.endedAt != nil {
        entry.endedAt = nil
        entry.startsAt = now.unixMilliseconds(of: since)
      }
      entry.alert = alert
      entry.update = updates
      entries[key] = entry
      return true
    }
    guard entries.count < limit else { return false }
    entries[key] = Entry(alert: alert, startsAt: now.unixMilliseconds(of: since), update: updates)
    return true
  }

  /// The next request after an update: resolved alerts first, then those never accepted, then those due for repetition. `nil` if nothing
  /// is left.
  mutating func nextBatch(at now: ClockReading) -> Batch? {
    var pending = due ?? everythingDue(at: now.moment)
    let next = pending.prefix(policy.batch)
    pending.removeFirst(next.count)
    due = pending
    guard !next.isEmpty else { return nil }

    var batch = Batch(keys: [], alerts: .null)
    var alerts: [JSONValue] = []
    for item in next {
      entries[item.key]?.wasTried = true
      guard let entry = entries[item.key] else { continue }
      batch.keys.append((item.key, item.urgency == .ended))
      alerts.append(
        entry.alert.postable(
          startsAt: entry.startsAt, endsAt: entry.endedAt ?? now.unixMilliseconds + policy.lifetime.wholeMilliseconds))
    }
    batch.alerts = .array(alerts)
    return batch
  }

  private func everythingDue(at now: Moment) -> ArraySlice<Due> {
    entries.compactMap { key, entry -> Due? in
      if entry.endedAt != nil { return Due(urgency: .ended, key: key) }
      guard let acceptedAt = entry.acceptedAt else { return Due(urgency: .neverAccepted, key: key) }
      return now - acceptedAt >= policy.resend ? Due(urgency: .repeated, key: key) : nil
    }.sorted()[...]
  }

  /// Records that a request was accepted. `now` is the time of the request.
  mutating func accepted(_ batch: Batch, at now: Moment) {
    for (key, isResolved) in batch.keys {
      if isResolved { entries[key] = nil } else { entries[key]?.acceptedAt = now }
    }
  }

  /// The time until the next alert is due; `nil` without alerts.
  func untilDue(at now: Moment) -> Duration? {
    entries.values.map { entry in
      guard entry.endedAt == nil, let acceptedAt = entry.acceptedAt else { return .zero }
      return max(policy.resend - (now - acceptedAt), .zero)
    }.min()
  }
}
