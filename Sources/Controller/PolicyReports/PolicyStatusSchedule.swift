internal import Primitives
internal import Roll

/// Decides when the status of each policy is written: new words at once, new numbers seldom. Pure.
struct PolicyStatusSchedule {
  /// The least time between two writes of one policy for numbers alone.
  static let numbersPeriod: Duration = .seconds(30)
  /// The least time between any two writes of one policy.
  static let shortestPeriod: Duration = .seconds(1)
  /// Maximum number of writes at a time.
  static let writesAtOnce = 20
  private static let backoff: ClosedRange<Duration> = .seconds(1)...(.seconds(300))

  private struct Entry {
    var written: PolicyStatus?
    var attempted: Moment
    var backoff = Backoff(PolicyStatusSchedule.backoff)
    var notBefore: Moment
  }

  private var entries: [String: Entry] = [:]

  /// The statuses to write now: first those never written or with new words.
  mutating func due(_ statuses: [PolicyStatus], at now: Moment) -> [PolicyStatus] {
    let names = Set(statuses.map(\.name))
    entries = entries.filter { names.contains($0.key) }
    var urgent: [PolicyStatus] = []
    var numbers: [PolicyStatus] = []
    for status in statuses {
      guard let entry = entries[status.name] else {
        urgent.append(status)
        continue
      }
      guard entry.written != status, now >= entry.notBefore else { continue }
      if entry.written.map({ status.differsInWords(from: $0) }) ?? true {
        urgent.append(status)
      } else if now - entry.attempted >= Self.numbersPeriod {
        numbers.append(status)
      }
    }
    return Array((urgent + numbers).prefix(Self.writesAtOnce))
  }

  mutating func wrote(_ status: PolicyStatus, at now: Moment) {
    entries[status.name] = Entry(written: status, attempted: now, notBefore: now + Self.shortestPeriod)
  }

  mutating func failed(_ status: PolicyStatus, at now: Moment) {
    var entry = entries[status.name] ?? Entry(written: nil, attempted: now, notBefore: now)
    entry.attempted = now
    entry.notBefore = now + entry.backoff.failed()
    entries[status.name] = entry
  }
}
