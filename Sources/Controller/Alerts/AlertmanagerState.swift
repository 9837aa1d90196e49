import JSON
import Roll

/// What one Alertmanager has been told. Pure: gaps and time in, the next request out; what came of the request is entered afterwards.
///
/// It holds no more alerts than the policy's `maximumGaps`, however many gaps there are; the rest is counted in an alert of its own.
struct AlertmanagerState {
  private struct Entry {
    var alert: Alert
    /// The time of day of the beginning, as first sent: it stays, whatever becomes of the clock.
    var startsAt: Int64
    /// The update that found it open.
    var update: Int
    /// When it was last accepted; `nil` if it never was. It may be known there all the same, if only the answer was lost.
    var acceptedAt: Moment?
    /// When the gap was found closed.
    var endedAt: Int64?
    var wasTried = false
  }

  private struct Due: Comparable {
    enum Urgency: Int {
      case ended, neverAccepted, again
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
  /// What is to be sent after the last update, the most urgent first; `nil` until that is asked for.
  private var due: ArraySlice<Due>?

  init(policy: AlertPolicy) {
    self.policy = policy
  }

  /// Alerts that are firing, or whose end has not been accepted yet.
  var count: Int { entries.count }

  /// Gaps that have no alert of their own, as of the last update.
  private(set) var leftOut = 0

  /// Takes in the gaps as they are. What has an alert keeps it; the others get one as long as there is room, in the order in which they come.
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
        // What nobody was told of needs no end.
        entries[key] = nil
      }
    }
  }

  /// - Returns: Whether there is an entry for it now.
  private mutating func enter(_ alert: Alert, since: Moment, at now: ClockReading, limit: Int) -> Bool {
    let key = alert.key
    if var entry = entries[key] {
      if alert.isNews(after: entry.alert) || entry.endedAt != nil { entry.acceptedAt = nil }
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

  /// The next request after an update: ends first, then what was never accepted, then what is due again. `nil` if nothing is left.
  mutating func nextBatch(at now: ClockReading) -> Batch? {
    var waiting = due ?? everythingDue(at: now.moment)
    let next = waiting.prefix(policy.batch)
    waiting.removeFirst(next.count)
    due = waiting
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
      return now - acceptedAt >= policy.resend ? Due(urgency: .again, key: key) : nil
    }.sorted()[...]
  }

  /// The request was accepted. `now` is when it was made.
  mutating func accepted(_ batch: Batch, at now: Moment) {
    for (key, isResolved) in batch.keys {
      if isResolved { entries[key] = nil } else { entries[key]?.acceptedAt = now }
    }
  }

  /// How long until something is due; `nil` while there is nothing at all.
  func untilDue(at now: Moment) -> Duration? {
    entries.values.map { entry in
      guard entry.endedAt == nil, let acceptedAt = entry.acceptedAt else { return .zero }
      return max(policy.resend - (now - acceptedAt), .zero)
    }.min()
  }
}
