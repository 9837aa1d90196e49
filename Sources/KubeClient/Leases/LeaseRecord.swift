internal import JSON

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
