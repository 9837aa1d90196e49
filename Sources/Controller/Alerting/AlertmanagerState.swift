import JSON
import Roll

/// What one Alertmanager has been told. Pure: gaps and time in, the next request out; what came of the request is entered afterwards.
struct AlertmanagerState {
  private struct Entry {
    var text: AlertText
    /// The time of day of the beginning, as first sent: it stays, whatever becomes of the clock.
    var startsAt: Int64
    /// When it was last accepted; `nil` if it never was. It may be known there all the same, if only the answer was lost.
    var acceptedAt: Moment?
    /// When the gap was found closed.
    var endedAt: Int64?
    var wasTried = false
  }

  /// One request.
  struct Batch {
    fileprivate var keys: [(key: AlertKey, isResolved: Bool)]
    var alerts: JSONValue
    var count: Int { keys.count }
  }

  private var entries: [AlertKey: Entry] = [:]

  /// Alerts that are firing, or whose end has not been accepted yet.
  var count: Int { entries.count }

  /// Takes in the gaps as they are.
  mutating func update(gaps: [Gap], at now: ClockReading) {
    var open: Set<AlertKey> = []
    for gap in gaps {
      let key = AlertKey(gap)
      open.insert(key)
      let text = AlertText(reason: gap.reason, detail: gap.detail)
      if var entry = entries[key] {
        if entry.text.reason != text.reason || entry.endedAt != nil { entry.acceptedAt = nil }
        if entry.endedAt != nil {
          entry.endedAt = nil
          entry.startsAt = now.unixMilliseconds(of: gap.since)
        }
        entry.text = text
        entries[key] = entry
      } else {
        entries[key] = Entry(text: text, startsAt: now.unixMilliseconds(of: gap.since))
      }
    }
    for (key, entry) in entries where !open.contains(key) && entry.endedAt == nil {
      if entry.wasTried {
        entries[key]?.endedAt = now.unixMilliseconds
      } else {
        // What nobody was told of needs no end.
        entries[key] = nil
      }
    }
  }

  /// The next request: ends first, then what was never accepted, then what is due again. `nil` if nothing is due.
  mutating func nextBatch(at now: ClockReading, policy: AlertPolicy) -> Batch? {
    func rank(_ entry: Entry) -> Int? {
      if entry.endedAt != nil { return 0 }
      guard let acceptedAt = entry.acceptedAt else { return 1 }
      return now.moment - acceptedAt >= policy.resend ? 2 : nil
    }
    let due = entries.compactMap { key, entry in rank(entry).map { (rank: $0, key: key) } }
      .sorted { ($0.rank, $0.key) < ($1.rank, $1.key) }
      .prefix(policy.batch)
    guard !due.isEmpty else { return nil }

    var batch = Batch(keys: [], alerts: .null)
    var alerts: [JSONValue] = []
    for (rank, key) in due {
      entries[key]?.wasTried = true
      guard let entry = entries[key] else { continue }
      batch.keys.append((key, rank == 0))
      alerts.append(
        postableAlert(
          key, entry.text, startsAt: entry.startsAt,
          endsAt: entry.endedAt ?? now.unixMilliseconds + policy.lifetime.wholeMilliseconds))
    }
    batch.alerts = .array(alerts)
    return batch
  }

  /// The request was accepted. `now` is when it was made.
  mutating func accepted(_ batch: Batch, at now: Moment) {
    for (key, isResolved) in batch.keys {
      if isResolved { entries[key] = nil } else { entries[key]?.acceptedAt = now }
    }
  }

  /// How long until something is due; `nil` while there is nothing at all.
  func untilDue(at now: Moment, policy: AlertPolicy) -> Duration? {
    entries.values.map { entry in
      guard entry.endedAt == nil, let acceptedAt = entry.acceptedAt else { return .zero }
      return max(policy.resend - (now - acceptedAt), .zero)
    }.min()
  }
}
