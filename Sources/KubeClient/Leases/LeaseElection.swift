internal import JSON
internal import Primitives

/// Decides the next request about a Lease, and whether we lead. Does no I/O.
///
/// Times are from one local monotonic clock that advances during suspend. Times written by other machines are never compared with it.
struct LeaseElection: Sendable {
  private let lease: ObjectKey
  private let identity: String
  /// Whether no other running process can have our identity.
  private let isIdentityExclusive: Bool
  private let timing: LeaseTiming

  private struct Observation {
    var object: JSONValue
    var record: LeaseRecord
    /// When the current record was first observed.
    var since: Duration
  }
  private var observation: Observation?
  /// Our last successful write and the attempts since. A Lease that equals one of these is ours, even if the response to the write was
  /// lost. The holder's name is not enough, since another process may have the same one.
  private var written: [LeaseRecord] = []
  /// The start of our last successful write.
  private var renewedAt: Duration?
  /// Whether `observation` is the newest version, so that a write can be based on it.
  private var isUpToDate = false

  init(lease: ObjectKey, identity: String, isIdentityExclusive: Bool = false, timing: LeaseTiming) {
    self.lease = lease
    self.identity = identity
    self.isIdentityExclusive = isIdentityExclusive
    self.timing = timing
  }

  enum Request: Equatable, Sendable {
    /// Its response is `found`, `absent` or `failed`.
    case read
    /// Its response is `written`, `outdated` or `failed`.
    case create(JSONValue)
    /// Its response is `written`, `outdated` or `failed`.
    case replace(JSONValue)
  }

  enum Response: Sendable {
    case found(JSONValue)
    case absent
    /// The Lease after our write, and the start of the request.
    case written(JSONValue, begunAt: Duration)
    /// Another client wrote in between.
    case outdated
    /// The write may or may not have happened.
    case failed
  }
}

// MARK: State

extension LeaseElection {
  /// R31: we lead until `renewDeadline` after the start of the last successful renewal, whatever happened since.
  func isLeader(at now: Duration) -> Bool {
    leadsUntil.map { now < $0 } ?? false
  }

  /// When leadership ends without a renewal; `nil` if we do not lead.
  var leadsUntil: Duration? { renewedAt.map { $0 + timing.renewDeadline } }

  /// The last observed holder; `nil` if nobody holds the lease.
  var holder: String? {
    guard let holder = observation?.record.holder, !holder.isEmpty else { return nil }
    return holder
  }
}

// MARK: Rounds

extension LeaseElection {
  /// Starts a round.
  mutating func begin(at now: Duration, wallClock: Timestamp) -> Request {
    guard isLeader(at: now), isUpToDate else { return .read }
    return claim(wallClock)
  }

  /// - Returns: The next request of the round; `nil` if the round is over.
  mutating func handle(_ response: Response, at now: Duration, wallClock: Timestamp) -> Request? {
    switch response {
    case .found(let object):
      observe(object, at: now)
      guard mayClaim(at: now) else {
        renewedAt = nil
        return nil
      }
      return claim(wallClock)
    case .absent:
      // Deleted while held. Its holder may not have noticed, so wait for its time to pass.
      guard mayClaim(at: now) else { return nil }
      observation = nil
      return claim(wallClock)
    case .written(let object, let begunAt):
      observe(object, at: now)
      // Keep the record in the server's spelling.
      if let record = observation?.record, record.holder == identity { written = [record] }
      isUpToDate = isOurs
      renewedAt = isOurs ? begunAt : nil
      return nil
    case .outdated, .failed:
      isUpToDate = false
      return nil
    }
  }

  /// Gives up leadership and starts the release. `nil` if we never wrote the Lease.
  mutating func beginRelease(wallClock: Timestamp) -> Request? {
    renewedAt = nil
    guard !written.isEmpty else { return nil }
    guard isUpToDate, isOurs, let observation else { return .read }
    return .replace(released(observation, wallClock))
  }

  /// R32: releases the lease only if it is ours. Each write has the observed resource version, so the server refuses it after any other
  /// write. That may be our own renewal whose response was not awaited, so the Lease is read again.
  /// - Returns: The next request; `nil` once the Lease is released, or if it is not ours.
  mutating func handleRelease(_ response: Response, at now: Duration, wallClock: Timestamp) -> Request? {
    isUpToDate = false
    switch response {
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
    // One second, since the API requires a positive number.
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
    // The first Lease that a process with an exclusive identity sees under its own name was written by an earlier process, which has ended.
    if isIdentityExclusive, observation == nil, written.isEmpty, record.holder == identity { written = [record] }
    let since = observation?.record == record ? observation?.since : nil
    observation = Observation(object: object, record: record, since: since ?? now)
  }

  /// R30: we may acquire a lease that is ours, that nobody holds, or that we observed unchanged for its duration.
  private func mayClaim(at now: Duration) -> Bool {
    guard let observation, !observation.record.holder.isEmpty, !isOurs else { return true }
    // Written by something other than an elector; use our own duration.
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
    // A lost write can appear only within the time of a few requests.
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

/// `LeaseSpec` of k8s.io/api/coordination/v1.
struct LeaseRecord: Hashable, Sendable {
  /// Empty if nobody holds the lease.
  var holder: String
  var durationSeconds: Int64
  /// When the holder acquired the lease, as text of the API server.
  var acquireTime: String
  /// When the holder last renewed the lease. Compared as text, never parsed: the holder's clock may be wrong.
  var renewTime: String
  /// The number of holder changes.
  var transitions: Int64
}

extension LeaseRecord {
  /// Reads a Lease; missing fields are empty.
  init(_ lease: JSONValue) {
    let specification = lease["spec"]
    self.init(
      holder: specification?["holderIdentity"]?.string ?? "",
      durationSeconds: specification?["leaseDurationSeconds"]?.integer ?? 0,
      acquireTime: specification?["acquireTime"]?.string ?? "",
      renewTime: specification?["renewTime"]?.string ?? "",
      transitions: specification?["leaseTransitions"]?.integer ?? 0)
  }

  /// Returns the Lease with these values; its other fields are kept.
  func written(into lease: JSONValue) -> JSONValue {
    var specification = lease["spec"] ?? [:]
    // The API refuses an empty holder; the field must be absent.
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
