import FoundationEssentials
import JSON

/// The circumstances of one write.
struct WriteContext: Sendable {
  var now: Date
  /// Who writes, as `managedFields` names it; `nil` leaves ownership as it is.
  var manager: String?
  /// A write of `/status` changes nothing but the status; one of the object leaves the status alone.
  var part = Part.object
  /// The API group of the request: that of the kind, or that of a view of it.
  var group = ""
  /// Computes and answers, but stores nothing.
  var isDryRun = false

  enum Part: Sendable {
    case object, status
    /// Object and status at once: the simulator's own writes.
    case everything
  }

  var timestamp: String { now.formatted(.iso8601) }

  func fieldManager(_ operation: ManagedFields.Manager.Operation, kind: ResourceKind) -> ManagedFields.Manager? {
    manager.map {
      ManagedFields.Manager(
        name: $0, operation: operation, apiVersion: kind.apiVersion, subresource: part == .status ? "status" : "")
    }
  }
}

/// What has to be true of an object that is to be deleted.
struct DeletePreconditions: Sendable {
  var uid: String?
  var resourceVersion: String?

  init(uid: String? = nil, resourceVersion: String? = nil) {
    self.uid = uid
    self.resourceVersion = resourceVersion
  }

  /// As in `DeleteOptions`.
  init(_ options: JSONValue?) {
    uid = options?["preconditions"]?["uid"]?.string
    resourceVersion = options?["preconditions"]?["resourceVersion"]?.string
  }
}
