import JSON
import Roll

/// The alerts of one Alertmanager. Pure: takes the current alerts and the time, returns the next request, and is then told its outcome.
///
/// Holds at most `AlertPolicy.maximumAlerts` firing alerts and as many that have ended; one further alert counts the remaining gaps.
struct AlertmanagerState {
  private struct Entry {
    var alert: Alert
    /// The beginning of its oldest gap. A group keeps it when that gap closes.
    var since: Moment
    /// The last update with this alert.
    var update: Int
    /// When its present form was last accepted; `nil` if it was not. Alertmanager may still have it, if only the response was lost.
    var acceptedAt: Moment?
    /// When Alertmanager resolves it by itself; `nil` if it was never sent.
    var expiresAt: Moment?
    /// When it was found to have ended.
    var endedAt: Moment?
    /// When Alertmanager last refused it in a request of its own.
    var refusedAt: Moment?
    /// The alert that now reports its gaps and must be accepted before this one ends.
    var successor: AlertKey?
  }

  /// An alert in a request.
  fileprivate struct Due {
    var key: AlertKey
    var hasEnded: Bool
  }

  /// One request.
  struct Batch {
    fileprivate var due: ArraySlice<Due>
    fileprivate var sentAt: Moment
    var alerts: JSONValue
    var count: Int { due.count }
  }

  private let policy: AlertPolicy
  private let externalLabels: [String: String]
  private let shard: String?
  private let runbooks: Runbooks
  private var clock: AlertmanagerClock?
  /// Whether a response has shown Alertmanager's clock.
  private var knowsClock = false
  private var entries: [AlertKey: Entry] = [:]
  private var updates = 0
  /// What is left to send since the last update, as requests in reverse order; `nil` until `nextBatch` computes them.
  private var queue: [ArraySlice<Due>]?
  /// The requests that are left when those that a refused one was split into have been sent.
  private var afterSplit: Int?

  /// - Parameters:
  ///   - externalLabels: added to every alert without a label of that name.
  ///   - shard: the label of alerts that other shards may have as well.
  init(policy: AlertPolicy, externalLabels: [String: String] = [:], shard: String? = nil, runbooks: Runbooks = .standard) {
    self.policy = policy
    self.shard = shard
    self.externalLabels = externalLabels
    self.runbooks = runbooks
  }

  /// Alerts that are firing or whose end has not been accepted yet.
  var count: Int { entries.count }

  /// Whether parts of a refused request are left to send. An update would forget them.
  var isSplitting: Bool { afterSplit.map { (queue?.count ?? 0) > $0 } ?? false }

  /// Gaps without an alert, as of the last update.
  private(set) var leftOut = 0

  // MARK: Updates

  /// Updates the alerts. Those that were sent before keep their place; others get one in the order given, up to the limit.
  mutating func update(alerts: some Sequence<Alert>, at now: ClockReading) {
    if clock == nil { clock = AlertmanagerClock(now) }
    updates += 1
    queue = nil
    afterSplit = nil
    leftOut = 0
    var free = policy.maximumAlerts - entries.values.count { $0.endedAt == nil && $0.alert.key != .tooManyGaps }
    for alert in alerts where !enter(alert, free: &free) { leftOut += alert.gapCount }
    if leftOut > 0 {
      var one = 1
      _ = enter(.tooManyGaps(leftOut: leftOut, since: now.moment), free: &one)
    }
    /// The alerts of this update by what they are about.
    lazy var current = Dictionary(
      entries.keys.filter { entries[$0]?.update == updates }.map { ($0.subject, $0) }, uniquingKeysWith: { first, _ in first })
    for (key, entry) in entries where entry.update != updates {
      // If it was never sent or has expired, there is nothing to resolve.
      guard let expiresAt = entry.expiresAt, expiresAt > now.moment else {
        entries[key] = nil
        continue
      }
      guard entry.endedAt == nil else { continue }
      // A policy that changes the labels begins another alert.
      let successor = entry.alert.possibleSuccessors.first { entries[$0]?.update == updates } ?? current[key.subject]
      entries[key]?.successor = successor
      if let successor, entries[successor]?.acceptedAt == nil { continue }
      entries[key]?.endedAt = now.moment
    }
    forgetEnds()
  }

  /// Adds alerts that an earlier leader may have sent. The next update ends those that are not among its alerts.
  mutating func takeOver(_ alerts: some Sequence<Alert>, at now: Moment) {
    for alert in alerts.prefix(2 * policy.maximumAlerts) {
      entries[alert.key, default: Entry(alert: alert, since: alert.since, update: updates)].expiresAt = now + policy.lifetime
    }
  }

  /// - Returns: whether the alert now has an entry.
  private mutating func enter(_ alert: Alert, free: inout Int) -> Bool {
    let key = alert.key
    guard var entry = entries[key], entry.endedAt == nil else {
      guard free > 0 else { return false }
      free -= 1
      // If Alertmanager has it as ended or about to end, it starts again.
      entries[key] = Entry(alert: alert, since: alert.since, update: updates, expiresAt: entries[key]?.expiresAt)
      return true
    }
    if alert.hasNewReason(comparedWith: entry.alert) { entry.acceptedAt = nil }
    entry.alert = alert.continuing(entry.alert)
    entry.since = min(entry.since, alert.since)
    entry.update = updates
    entry.successor = nil
    entries[key] = entry
    return true
  }

  /// Limits the ends that wait for an Alertmanager. Those that would expire first are dropped.
  private mutating func forgetEnds() {
    let ended = entries.filter { $0.value.endedAt != nil }
    guard ended.count > policy.maximumAlerts else { return }
    let first = ended.sorted { ($0.value.expiresAt ?? .init(milliseconds: 0)) < ($1.value.expiresAt ?? .init(milliseconds: 0)) }
    for (key, _) in first.prefix(ended.count - policy.maximumAlerts) { entries[key] = nil }
  }

  // MARK: Requests

  /// The next request after an update; `nil` if nothing is left. The first one is empty, since only a response shows Alertmanager's clock:
  /// an end by a clock that is a day ahead would outlive the gap by a day.
  mutating func nextBatch(at now: Moment) -> Batch? {
    var left = queue ?? requests(at: now)
    if !knowsClock, !left.isEmpty {
      queue = left
      return Batch(due: [], sentAt: now, alerts: [])
    }
    let next = left.popLast()
    queue = left
    guard let next, let clock else { return nil }
    let alerts = next.compactMap { due -> JSONValue? in
      guard let entry = entries[due.key] else { return nil }
      if !due.hasEnded { entries[due.key]?.expiresAt = now + policy.lifetime }
      let endsAt = (due.hasEnded ? entry.endedAt : nil) ?? now + policy.lifetime
      return entry.alert.postable(
        startsAt: clock.unixMilliseconds(of: min(entry.since, endsAt)), endsAt: clock.unixMilliseconds(of: endsAt),
        labels: externalLabels, shard: shard, runbooks: runbooks, successor: due.hasEnded ? entry.successor : nil)
    }
    return Batch(due: next, sentAt: now, alerts: .array(alerts))
  }

  /// Alerts never accepted, alerts that have ended and alerts due for repetition take turns, so that many of one kind do not delay the
  /// others. Alerts that were refused follow in a request of their own.
  private func requests(at now: Moment) -> [ArraySlice<Due>] {
    var kinds: [[Due]] = [[], [], []]
    var refused: [Due] = []
    for (key, entry) in entries {
      let due = Due(key: key, hasEnded: entry.endedAt != nil)
      if let refusedAt = entry.refusedAt {
        if now - refusedAt >= policy.resend { refused.append(due) }
      } else if due.hasEnded {
        kinds[1].append(due)
      } else if let acceptedAt = entry.acceptedAt {
        if now - acceptedAt >= policy.resend { kinds[2].append(due) }
      } else if entry.update == updates {
        kinds[0].append(due)
      }
      // Else an earlier leader may have sent it, and its successor comes first.
    }
    for kind in kinds.indices { kinds[kind].sort { $0.key < $1.key } }
    var all: [Due] = []
    for turn in 0..<(kinds.map(\.count).max() ?? 0) {
      for kind in kinds where turn < kind.count { all.append(kind[turn]) }
    }
    var requests = stride(from: 0, to: all.count, by: policy.batch).map { all[$0..<min($0 + policy.batch, all.count)] }
    refused.sort { (entries[$0.key]?.refusedAt ?? now, $0.key) < (entries[$1.key]?.refusedAt ?? now, $1.key) }
    if !refused.isEmpty { requests.append(refused.prefix(policy.batch)) }
    return requests.reversed()
  }

  /// Records that a request was accepted.
  /// - Parameters:
  ///   - date: the time of the response by Alertmanager's clock, in milliseconds since 1970.
  ///   - now: when the response was received.
  mutating func accepted(_ batch: Batch, date: Int64, at now: Moment) {
    let error = clock?.correct(date: date, sent: batch.sentAt, received: now) ?? .zero
    defer { knowsClock = true }
    var wasRefused = false
    for due in batch.due {
      wasRefused = wasRefused || entries[due.key]?.refusedAt != nil
      entries[due.key]?.refusedAt = nil
      if due.hasEnded {
        // With a wrong time it may be firing.
        if error == .zero { entries[due.key] = nil }
      } else {
        entries[due.key]?.acceptedAt = batch.sentAt
      }
    }
    // Every alert has a wrong end; those of a small error are corrected when they are repeated.
    if error >= policy.resend {
      for key in entries.keys { entries[key]?.acceptedAt = nil }
    }
    // What was wrong may have been a proxy and not the alerts.
    if wasRefused {
      for (key, entry) in entries where entry.refusedAt != nil { entries[key]?.refusedAt = now - policy.resend }
    }
  }

  /// Records that Alertmanager refused the content of a request. One bad alert suffices for that, so each half is sent on its own, until
  /// the bad alert stands alone. It is tried again every `AlertPolicy.resend`, since what refused it may change.
  /// - Parameter now: when the response was received.
  /// - Returns: the alert if it was sent alone, and whether it was refused for the first time.
  mutating func refused(_ batch: Batch, at now: Moment) -> (alert: Alert, isFirst: Bool)? {
    knowsClock = true
    guard batch.count > 0 else { return nil }
    guard batch.count == 1, let key = batch.due.first?.key else {
      if !isSplitting { afterSplit = queue?.count }
      let middle = batch.due.startIndex + batch.count / 2
      queue?.append(batch.due[middle...])
      queue?.append(batch.due[..<middle])
      return nil
    }
    guard let entry = entries[key] else { return nil }
    entries[key]?.refusedAt = now
    entries[key]?.acceptedAt = nil
    return (entry.alert, entry.refusedAt == nil)
  }

  /// The time until the next alert is due; `nil` without alerts.
  func untilDue(at now: Moment) -> Duration? {
    entries.values.map { entry in
      if let refusedAt = entry.refusedAt { return max(policy.resend - (now - refusedAt), .zero) }
      if let successor = entry.successor, entry.endedAt == nil, entries[successor]?.acceptedAt != nil { return .zero }
      if entry.endedAt == nil, entry.acceptedAt == nil, entry.update != updates { return policy.resend }
      guard entry.endedAt == nil, let acceptedAt = entry.acceptedAt else { return .zero }
      return max(policy.resend - (now - acceptedAt), .zero)
    }.min()
  }
}
