internal import JSON

/// Decides what to do about a Lease, and whether we lead: what was seen goes in, the next request comes out.
///
/// Times are of one local clock that only goes forward and counts suspend; no time that another machine wrote is ever compared with ours.
struct LeaseElection: Sendable {
  private let lease: ObjectKey
  private let identity: String
  private let timing: LeaseTiming

  private struct Observation {
    var object: JSONValue
    var record: LeaseRecord
    /// Since when the record is as it is, as far as we have seen.
    var since: Duration
  }
  private var observation: Observation?
  /// What we last wrote, and what we tried to write since: a Lease that says one of these is ours, also where the answer to the write was
  /// lost. The name alone does not prove it, since a container that was restarted has the name of the one before.
  private var written: [LeaseRecord] = []
  /// The start of our last successful write.
  private var renewedAt: Duration?
  /// Whether what was last seen is still what to write on.
  private var isUpToDate = false

  init(lease: ObjectKey, identity: String, timing: LeaseTiming) {
    self.lease = lease
    self.identity = identity
    self.timing = timing
  }

  enum Request: Equatable, Sendable {
    /// → `found`, `absent` or `failed`
    case read
    /// → `written`, `outdated` or `failed`
    case create(JSONValue)
    /// → `written`, `outdated` or `failed`
    case replace(JSONValue)
  }

  enum Answer: Sendable {
    case found(JSONValue)
    case absent
    /// The Lease as it is after our write, and when the write was begun.
    case written(JSONValue, begunAt: Duration)
    /// Somebody else wrote in between.
    case outdated
    /// Not known whether a write was done.
    case failed
  }
}

// MARK: What can be asked at any time

extension LeaseElection {
  /// R31: until the start of the last successful renewal and `renewDeadline`, whatever happened since.
  func isLeader(at now: Duration) -> Bool {
    leadsUntil.map { now < $0 } ?? false
  }

  /// When leadership ends unless it is renewed; `nil` while we do not lead.
  var leadsUntil: Duration? { renewedAt.map { $0 + timing.renewDeadline } }

  /// Who holds the lease, as far as we have seen; `nil` for nobody.
  var holder: String? {
    guard let holder = observation?.record.holder, !holder.isEmpty else { return nil }
    return holder
  }
}

// MARK: Rounds

extension LeaseElection {
  /// The first request of a round.
  mutating func begin(at now: Duration, wallClock: Timestamp) -> Request {
    guard isLeader(at: now), isUpToDate else { return .read }
    return claim(wallClock)
  }

  /// - Returns: The round's next request; `nil` where it is over.
  mutating func handle(_ answer: Answer, at now: Duration, wallClock: Timestamp) -> Request? {
    switch answer {
    case .found(let object):
      observe(object, at: now)
      guard mayClaim(at: now) else {
        renewedAt = nil
        return nil
      }
      return claim(wallClock)
    case .absent:
      // Deleted while somebody held it: the holder may not know yet, so its time is waited for all the same.
      guard mayClaim(at: now) else { return nil }
      observation = nil
      return claim(wallClock)
    case .written(let object, let begunAt):
      observe(object, at: now)
      // The server's copy of what we wrote is ours in the server's spelling.
      if let record = observation?.record, record.holder == identity { written = [record] }
      isUpToDate = isOurs
      renewedAt = isOurs ? begunAt : nil
      return nil
    case .outdated, .failed:
      isUpToDate = false
      return nil
    }
  }

  /// The first request of giving the lease up; leadership ends here. `nil` for one who never wrote the Lease.
  mutating func beginRelease(wallClock: Timestamp) -> Request? {
    renewedAt = nil
    guard !written.isEmpty else { return nil }
    guard isUpToDate, isOurs, let observation else { return .read }
    return .replace(released(observation, wallClock))
  }

  /// R32: releases only what is ours. Every write carries the version that was seen, so that the server refuses it if another came first;
  /// that other may be a renewal of our own whose answer was not waited for, so it is looked at again.
  /// - Returns: The next request; `nil` where the Lease is released, or not ours.
  mutating func handleRelease(_ answer: Answer, at now: Duration, wallClock: Timestamp) -> Request? {
    isUpToDate = false
    switch answer {
    case .found(let object):
      observe(object, at: now)
      guard isOurs, let observation else { return nil }
      return .replace(released(observation, wallClock))
    case .outdated, .failed: return .read
    case .written(let object, _):
      observe(object, at: now)
      return nil
    case .absent: return nil
    }
  }

  private func released(_ observation: Observation, _ wallClock: Timestamp) -> JSONValue {
    // One second, as the API asks for a positive number.
    let record = LeaseRecord(
      holder: "", durationSeconds: 1, acquireTime: wallClock.microTime, renewTime: wallClock.microTime,
      transitions: observation.record.transitions)
    return record.written(into: observation.object)
  }
}

extension LeaseElection {
  private var isOurs: Bool {
    guard let observation else { return false }
    return written.contains(observation.record)
  }

  private mutating func observe(_ object: JSONValue, at now: Duration) {
    let record = LeaseRecord(object)
    let since = observation?.record == record ? observation?.since : nil
    observation = Observation(object: object, record: record, since: since ?? now)
  }

  /// R30: what is ours or nobody's, and what stayed unchanged for its own duration under our eyes.
  private func mayClaim(at now: Duration) -> Bool {
    guard let observation, !observation.record.holder.isEmpty, !isOurs else { return true }
    // A Lease without a duration was written by something else than an elector; ours is as good as any.
    let seconds = observation.record.durationSeconds
    return now - observation.since >= (seconds > 0 ? .seconds(seconds) : timing.duration)
  }

  private mutating func claim(_ wallClock: Timestamp) -> Request {
    let now = wallClock.microTime
    let old = observation?.record
    let record = LeaseRecord(
      holder: identity, durationSeconds: max(1, timing.duration.components.seconds),
      acquireTime: isOurs ? old?.acquireTime ?? now : now, renewTime: now,
      transitions: (old?.transitions ?? 0) + (old == nil || old?.holder == identity ? 0 : 1))
    // A lost write can only come to light within the time of a few requests.
    written = written.suffix(7) + [record]
    guard let observation else {
      return .create(
        record.written(into: [
          "apiVersion": .string(APIResource.leases.apiVersion), "kind": .string(APIResource.leases.kind),
          "metadata": ["namespace": .string(lease.namespace), "name": .string(lease.name)],
        ]))
    }
    return .replace(record.written(into: observation.object))
  }
}

/// What a Lease says: `LeaseSpec` of k8s.io/api/coordination/v1.
struct LeaseRecord: Hashable, Sendable {
  /// Empty for nobody.
  var holder: String
  var durationSeconds: Int64
  /// When the holder became it, as the API server writes it.
  var acquireTime: String
  /// The holder's last word. It is compared, never read as a time: the holder's clock may be wrong.
  var renewTime: String
  /// How often the holder changed.
  var transitions: Int64
}

extension LeaseRecord {
  /// - Parameter lease: a Lease; what it lacks is read as empty.
  init(_ lease: JSONValue) {
    let specification = lease["spec"]
    self.init(
      holder: specification?["holderIdentity"]?.string ?? "",
      durationSeconds: specification?["leaseDurationSeconds"]?.integer ?? 0,
      acquireTime: specification?["acquireTime"]?.string ?? "",
      renewTime: specification?["renewTime"]?.string ?? "",
      transitions: specification?["leaseTransitions"]?.integer ?? 0)
  }

  /// The Lease with these values in place of its own and all else as it is.
  func written(into lease: JSONValue) -> JSONValue {
    var specification = lease["spec"] ?? [:]
    // An empty holder is no valid one; nobody is written as none.
    specification["holderIdentity"] = holder.isEmpty ? nil : .string(holder)
    specification["leaseDurationSeconds"] = .integer(durationSeconds)
    specification["acquireTime"] = .string(acquireTime)
    specification["renewTime"] = .string(renewTime)
    specification["leaseTransitions"] = .integer(transitions)
    var lease = lease
    lease["spec"] = specification
    return lease
  }
}
