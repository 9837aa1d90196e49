import FoundationEssentials
import JSON

/// The parameters of one write.
struct WriteContext: Sendable {
  var now: Date
  /// The field manager; `nil` leaves ownership unchanged.
  var manager: String?
  var part = Part.object
  /// The API group of the request, which differs from the kind's for a view.
  var group = ""
  /// Validates and returns the object without storing it.
  var isDryRun = false

  enum Part: Sendable {
    case object, status
    /// Object and status, for the simulator's own writes.
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

/// The `preconditions` of `DeleteOptions`.
struct DeletePreconditions: Sendable {
  var uid: String?
  var resourceVersion: String?

  init(uid: String? = nil, resourceVersion: String? = nil) {
    self.uid = uid
    self.resourceVersion = resourceVersion
  }

  init(_ options: JSONValue?) {
    uid = options?["preconditions"]?["uid"]?.string
    resourceVersion = options?["preconditions"]?["resourceVersion"]?.string
  }
}

// The steps of a write that need only the objects passed to them.
extension ObjectStore {
  /// The object with the kind and the namespace of the request's path, and without pruned fields.
  /// - Throws: `APIFailure` 400 if it names others.
  func addressed(_ object: JSONValue, kind: ResourceKind, namespace: String) throws(APIFailure) -> JSONValue {
    guard case .object = object else { throw .badRequest("the body is not an object") }
    var object = object
    if let apiVersion = object["apiVersion"]?.string, let name = object["kind"]?.string, !name.isEmpty,
      apiVersion != kind.apiVersion || name != kind.kind
    {
      throw .badRequest(
        "\(name) in version \"\(apiVersion)\" cannot be handled as a \(kind.kind): expected \(kind.apiVersion) \(kind.kind)")
    }
    if kind.isNamespaced {
      if !object.namespace.isEmpty, object.namespace != namespace {
        throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
      }
      object.setMetadata("namespace", .string(namespace))
    } else {
      object.setMetadata("namespace", nil)
    }
    object["apiVersion"] = .string(kind.apiVersion)
    object["kind"] = .string(kind.kind)
    for path in rules.prunedFields[kind.id] ?? [] { object.remove(path[...]) }
    return object
  }

  /// The object after a write of this part: a write of the status changes only the status, a write of the object everything else.
  static func limited(_ after: JSONValue, to part: WriteContext.Part, of before: JSONValue, kind: ResourceKind) -> JSONValue {
    guard kind.hasStatus else { return after }
    var result: JSONValue
    switch part {
    case .everything: return after
    case .object:
      result = after
      result["status"] = before["status"]
    case .status:
      result = before
      result["status"] = after["status"]
    }
    return result
  }

  /// The part of an applied configuration that the resource accepts.
  static func configuration(_ configuration: JSONValue, for part: WriteContext.Part, kind: ResourceKind) -> JSONValue {
    guard kind.hasStatus else { return configuration }
    var result: JSONValue = configuration
    switch part {
    case .everything: break
    case .object: result["status"] = nil
    case .status:
      result = ["apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind)]
      result["metadata"] = ["name": .string(configuration.name)]
      if kind.isNamespaced { result.setMetadata("namespace", .string(configuration.namespace)) }
      result["status"] = configuration["status"]
    }
    return result
  }

  /// Sets the metadata that only the server sets: UID, timestamps and generation.
  func settleMetadata(_ object: inout JSONValue, over live: JSONValue?, kind: ResourceKind, context: WriteContext) {
    object.setMetadata("resourceVersion", nil)
    object.setMetadata("selfLink", nil)
    guard let live else {
      let own = context.part == .everything ? object["metadata"] : nil
      object.setMetadata("uid", own?["uid"] ?? .string(UUID().uuidString.lowercased()))
      object.setMetadata("creationTimestamp", own?["creationTimestamp"] ?? .string(context.timestamp))
      object.setMetadata("deletionTimestamp", own?["deletionTimestamp"])
      object.setMetadata("generation", kind.countsGenerations ? .some(.integer(1)) : .none)
      return
    }
    var fixed = ["uid", "creationTimestamp"]
    if context.part != .everything { fixed += ["deletionTimestamp", "deletionGracePeriodSeconds"] }
    for member in fixed { object.setMetadata(member, live["metadata"]?[member]) }
    if object["metadata"]?["managedFields"] == nil || context.part == .everything {
      object.setMetadata("managedFields", live["metadata"]?["managedFields"])
    }
    if kind.countsGenerations {
      let generation = live["metadata"]?["generation"]?.integer ?? 1
      object.setMetadata("generation", .integer(Self.specification(object) == Self.specification(live) ? generation : generation + 1))
    }
  }

  /// The members that count for `metadata.generation`.
  private static func specification(_ object: JSONValue) -> JSONObject {
    (object.object ?? [:]).filter { !["metadata", "status", "apiVersion", "kind"].contains($0.key) }
  }

  /// Makes the manager the owner of the changed fields.
  static func noteUpdate(
    of object: inout JSONValue, over live: JSONValue?, by manager: ManagedFields.Manager, kind: ResourceKind, now: String
  ) {
    let changes = FieldChanges(from: live ?? [:], to: object, schema: kind.schema)
    let changed = changes.changed.manageable
    var managers = ManagedFields(of: object)
    managers.release(changed, besides: manager)
    managers.release(changes.removed, besides: manager)
    var own = managers.entries[manager]?.fields.subtracting(changes.removed) ?? FieldSet()
    own.formUnion(changed)
    managers.set(own, for: manager, now: now)
    object.setMetadata("managedFields", managers.json)
  }

  /// Whether a write changes nothing except the times of managed fields.
  static func isSame(_ object: JSONValue, _ live: JSONValue) -> Bool {
    var new = object
    var old = live
    guard ManagedFields(of: new) == ManagedFields(of: old) else { return false }
    for member in ["managedFields", "resourceVersion"] {
      new.setMetadata(member, nil)
      old.setMetadata(member, nil)
    }
    return new == old
  }

  /// The five characters that the real server appends to `generateName`, without vowels.
  static func randomSuffix() -> String {
    String((0..<5).map { _ in "bcdfghjklmnpqrstvwxz2456789".randomElement() ?? "x" })
  }
}

extension JSONValue {
  /// Removes the member at this path, if there is one.
  fileprivate mutating func remove(_ path: ArraySlice<String>) {
    guard let name = path.first, var member = self[name] else { return }
    guard path.count > 1 else {
      self[name] = nil
      return
    }
    member.remove(path.dropFirst())
    self[name] = member
  }
}
